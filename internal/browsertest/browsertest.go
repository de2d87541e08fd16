// Package browsertest drives a headless Chromium over its DevTools Protocol, for tests of pages that open packages.
package browsertest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// Browser is a Chromium that runs until the end of the test, with a profile of its own and no network that it would need.
type Browser struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	id      int
	Errors  []string // what the page's console told of faults, such as what the policy blocked
}

// names are what Chromium is called.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// Start starts the browser. Where there is none the test is skipped.
func Start(t *testing.T, downloads string) *Browser {
	t.Helper()
	path := ""
	for _, name := range names {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" || runtime.GOOS == "windows" {
		t.Skip("there is no Chromium to try the page in")
	}
	toBrowser, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, fromBrowser, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile := t.TempDir()
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
		"--disable-features=IsolateSandboxedIframes", // so that the frame of a record is in reach
		"--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+profile)
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser} // its descriptors 3 and 4
	if err := cmd.Start(); err != nil {
		t.Skipf("Chromium does not start: %v", err)
	}
	toBrowser.Close()
	fromBrowser.Close()
	b := &Browser{t: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		b.send("Browser.close", nil)
		done := make(chan struct{})
		go func() { cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-done
		}
		in.Close()
		out.Close()
	})
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	if downloads != "" {
		b.call("Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": downloads}, nil)
	}
	b.session = attached.SessionID
	b.call("Page.enable", nil, nil)
	b.call("Runtime.enable", nil, nil)
	b.call("Log.enable", nil, nil)
	return b
}

type message struct {
	ID     int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *struct{ Message string }
}

func (b *Browser) send(method string, params any) int {
	b.id++
	m := map[string]any{"id": b.id, "method": method}
	if params != nil {
		m["params"] = params
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	data, err := json.Marshal(m)
	if err == nil {
		_, err = b.in.Write(append(data, 0))
	}
	if err != nil && method != "Browser.close" {
		b.t.Fatal(err)
	}
	return b.id
}

// call sends a command and waits for its answer; events in between are looked through for faults.
func (b *Browser) call(method string, params, result any) {
	b.t.Helper()
	id := b.send(method, params)
	for {
		m := b.read()
		if m.ID != id {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

func (b *Browser) read() *message {
	b.t.Helper()
	data, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("the browser has ended: %v", err)
	}
	m := new(message)
	if err := json.Unmarshal(data[:len(data)-1], m); err != nil {
		b.t.Fatal(err)
	}
	switch m.Method {
	case "Log.entryAdded":
		var e struct{ Entry struct{ Level, Text string } }
		if json.Unmarshal(m.Params, &e) == nil && e.Entry.Level == "error" {
			b.Errors = append(b.Errors, e.Entry.Text)
		}
	case "Runtime.exceptionThrown":
		b.Errors = append(b.Errors, string(m.Params))
	}
	return m
}

// Open loads a file and waits until it has been read.
func (b *Browser) Open(path string) {
	b.t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Errors = nil
	id := b.send("Page.navigate", map[string]any{"url": (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String()})
	for loaded, answered := false, false; !loaded || !answered; {
		m := b.read()
		answered = answered || m.ID == id
		loaded = loaded || m.Method == "Page.loadEventFired"
	}
}

// Eval runs a script in the page, outside of its policy, and gives its value as text.
func (b *Browser) Eval(script string) string {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &r)
	if x := r.ExceptionDetails; x != nil {
		b.t.Fatalf("%s: %s %s", script, x.Text, x.Exception.Description)
	}
	if r.Result.Value == nil {
		return ""
	}
	return fmt.Sprint(r.Result.Value)
}

// Wait waits until an expression is true.
func (b *Browser) Wait(what string, limit time.Duration) {
	b.t.Helper()
	for end := time.Now().Add(limit); ; {
		if b.Eval("Boolean("+what+")") == "true" {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("not within %v: %s\n%s\n%v", limit, what, b.Eval("document.body.innerText"), b.Errors)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Frame gives the text of a frame that holds no script, as a person reads it: by the accessibility tree, since nothing can be run in it.
func (b *Browser) Frame(frameURL string) string {
	b.t.Helper()
	var tree struct{ FrameTree frameTree }
	b.call("Page.getFrameTree", nil, &tree)
	for _, c := range tree.FrameTree.ChildFrames {
		if c.Frame.URL != frameURL {
			continue
		}
		var nodes struct {
			Nodes []struct {
				Ignored bool
				Role    struct{ Value string }
				Name    struct{ Value any }
			}
		}
		b.call("Accessibility.getFullAXTree", map[string]any{"frameId": c.Frame.ID}, &nodes)
		text := ""
		for _, n := range nodes.Nodes {
			if n.Role.Value == "StaticText" {
				text += fmt.Sprint(n.Name.Value) + "\n"
			}
		}
		return text
	}
	return ""
}

type frameTree struct {
	Frame       struct{ ID, URL string }
	ChildFrames []frameTree
}

// Screenshot is for whoever looks at a page while writing it.
func (b *Browser) Screenshot(path string) {
	b.t.Helper()
	var r struct{ Data []byte }
	b.call("Page.captureScreenshot", nil, &r)
	if err := os.WriteFile(path, r.Data, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// SetFile picks a file in an <input type=file>.
func (b *Browser) SetFile(selector, path string) {
	b.t.Helper()
	var doc struct{ Root struct{ NodeID int } }
	b.call("DOM.getDocument", nil, &doc)
	var node struct{ NodeID int }
	b.call("DOM.querySelector", map[string]any{"nodeId": doc.Root.NodeID, "selector": selector}, &node)
	b.call("DOM.setFileInputFiles", map[string]any{"nodeId": node.NodeID, "files": []string{path}}, nil)
}

// Before runs a script in every page from now on, before its own.
func (b *Browser) Before(script string) {
	b.t.Helper()
	b.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": script}, nil)
}

// Key presses a key: "Tab", "Shift+Tab", "Enter" or " ".
func (b *Browser) Key(key string) {
	b.t.Helper()
	event := map[string]any{"key": key}
	switch key {
	case "Shift+Tab":
		event["key"], event["code"], event["windowsVirtualKeyCode"], event["modifiers"] = "Tab", "Tab", 9, 8
	case "Tab":
		event["code"], event["windowsVirtualKeyCode"] = "Tab", 9
	case "Enter":
		event["code"], event["windowsVirtualKeyCode"], event["text"] = "Enter", 13, "\r"
	case " ":
		event["code"], event["windowsVirtualKeyCode"], event["text"] = "Space", 32, " "
	default:
		b.t.Fatalf("no key %q", key)
	}
	for _, kind := range []string{"keyDown", "keyUp"} {
		event["type"] = kind
		b.call("Input.dispatchKeyEvent", event, nil)
	}
}

// Type types a text where the focus is.
func (b *Browser) Type(text string) {
	b.t.Helper()
	b.call("Input.insertText", map[string]any{"text": text}, nil)
}

// Width makes the window so many CSS pixels wide; 0 gives it its own width back. A window of 1280 pixels at a zoom of 400 % has 320 of them.
func (b *Browser) Width(px int) {
	b.t.Helper()
	if px == 0 {
		b.call("Emulation.clearDeviceMetricsOverride", nil, nil)
		return
	}
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": px, "height": 4 * px / 5, "deviceScaleFactor": 1, "mobile": false}, nil)
}
