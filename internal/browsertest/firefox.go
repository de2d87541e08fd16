package browsertest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Firefox is a headless Firefox that is driven over its Marionette protocol (version 3), as WebDriver does: for what must hold in a second
// browser of other make.
type Firefox struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	id   int
}

// StartFirefox starts the browser, which saves files into downloads without asking. Where there is none the test is skipped.
func StartFirefox(t *testing.T, downloads string) *Firefox {
	t.Helper()
	path := ""
	for _, name := range []string{"firefox-esr", "firefox"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" || runtime.GOOS == "windows" {
		t.Skip("there is no Firefox to try the page in")
	}
	profile := t.TempDir()
	prefs := fmt.Sprintf(`user_pref("marionette.port", 0);
user_pref("browser.download.folderList", 2);
user_pref("browser.download.dir", %q);
user_pref("browser.download.alwaysOpenPanel", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("app.update.enabled", false);
`, downloads)
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(prefs), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-remote", "--marionette", "--profile", profile, "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+profile, "MOZ_DISABLE_CONTENT_SANDBOX=1") // no user namespaces where tests run as root
	if err := cmd.Start(); err != nil {
		t.Skipf("Firefox does not start: %v", err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	f := &Firefox{t: t}
	t.Cleanup(func() {
		if f.conn != nil {
			f.send("Marionette:Quit", map[string]any{"flags": []string{"eForceQuit"}})
		}
		select {
		case <-ended:
		case <-time.After(90 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		if f.conn != nil {
			f.conn.Close()
		}
	})
	for end := time.Now().Add(180 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		// It writes the port that it was given into its profile.
		port, err := os.ReadFile(filepath.Join(profile, "MarionetteActivePort"))
		if err == nil && len(port) > 0 {
			if f.conn, err = net.Dial("tcp", net.JoinHostPort("127.0.0.1", strings.TrimSpace(string(port)))); err == nil {
				break
			}
		}
		select {
		case <-ended:
			t.Skip("Firefox does not stay up here")
		default:
		}
		if time.Now().After(end) {
			t.Skip("Firefox does not answer here")
		}
	}
	f.in = bufio.NewReader(f.conn)
	f.read(nil) // it says who it is
	f.call("WebDriver:NewSession", nil, nil)
	return f
}

// read reads one message: its length, a colon and JSON.
func (f *Firefox) read(into any) {
	f.t.Helper()
	length, err := f.in.ReadString(':')
	n, nerr := strconv.Atoi(strings.TrimSuffix(length, ":"))
	if err != nil || nerr != nil {
		f.t.Fatalf("Firefox has ended: %v", err)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(f.in, data); err != nil {
		f.t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(data, into); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *Firefox) send(command string, params any) error {
	f.id++
	if params == nil {
		params = map[string]any{}
	}
	data, err := json.Marshal([]any{0, f.id, command, params})
	if err == nil {
		_, err = fmt.Fprintf(f.conn, "%d:%s", len(data), data)
	}
	return err
}

func (f *Firefox) call(command string, params, result any) {
	f.t.Helper()
	if err := f.send(command, params); err != nil {
		f.t.Fatal(err)
	}
	answer := make([]json.RawMessage, 4) // type, id, error, result
	f.read(&answer)
	if fault := string(answer[2]); fault != "null" {
		f.t.Fatalf("%s: %s", command, fault)
	}
	if result != nil {
		if err := json.Unmarshal(answer[3], result); err != nil {
			f.t.Fatal(err)
		}
	}
}

// Open loads a file and waits until it has been read.
func (f *Firefox) Open(path string) {
	f.t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		f.t.Fatal(err)
	}
	f.call("WebDriver:Navigate", map[string]any{"url": (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String()}, nil)
}

// Eval runs a script in the page, outside of its policy, and gives its value as text.
func (f *Firefox) Eval(script string) string {
	f.t.Helper()
	var r struct{ Value any }
	f.call("WebDriver:ExecuteScript", map[string]any{"script": "return " + script, "args": []any{}}, &r)
	if r.Value == nil {
		return ""
	}
	return fmt.Sprint(r.Value)
}

// Wait waits until an expression is true.
func (f *Firefox) Wait(what string, limit time.Duration) {
	f.t.Helper()
	for end := time.Now().Add(limit); f.Eval("Boolean("+what+")") != "true"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("not within %v: %s\n%s", limit, what, f.Eval("document.body.innerText"))
		}
	}
}

// find gives a reference to an element.
func (f *Firefox) find(selector string) any {
	f.t.Helper()
	var r struct{ Value map[string]string }
	f.call("WebDriver:FindElement", map[string]any{"using": "css selector", "value": selector}, &r)
	for _, id := range r.Value {
		return id
	}
	f.t.Fatalf("no %s", selector)
	return nil
}

// Type types a text into a field that it empties first, as a person does.
func (f *Firefox) Type(selector, text string) {
	f.t.Helper()
	id := f.find(selector)
	f.call("WebDriver:ElementClear", map[string]any{"id": id}, nil)
	f.call("WebDriver:ElementSendKeys", map[string]any{"id": id, "text": text}, nil)
}

// Click clicks an element.
func (f *Firefox) Click(selector string) {
	f.t.Helper()
	f.call("WebDriver:ElementClick", map[string]any{"id": f.find(selector)}, nil)
}

// Frame gives the text of a frame.
func (f *Firefox) Frame(selector string) string {
	f.t.Helper()
	const element = "element-6066-11e4-a52e-4f735466cecf" // WebDriver's name for a reference to an element
	f.call("WebDriver:SwitchToFrame", map[string]any{"element": map[string]any{element: f.find(selector)}}, nil)
	text := f.Eval("document.body.innerText")
	f.call("WebDriver:SwitchToFrame", nil, nil)
	return text
}
