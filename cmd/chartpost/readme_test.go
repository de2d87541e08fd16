package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

// TestReadme runs the examples of the README.
func TestReadme(t *testing.T) { runExamples(t, "README.md", 20) }

// TestDocs runs the examples of the pages that have some.
func TestDocs(t *testing.T) {
	for page, least := range map[string]int{"docs/views.md": 5, "docs/codes.md": 3, "docs/lists.md": 7} {
		t.Run(page, func(t *testing.T) { runExamples(t, page, least) })
	}
}

// runExamples runs the ```console blocks of a page in a copy of examples/, one shell for all of them, and compares what they
// print. A line ... stands for any lines; [exit N] is the status of the command above it, without which it is 0.
func runExamples(t *testing.T, page string, least int) {
	if runtime.GOOS == "windows" {
		t.Skip(page + " shows a POSIX shell")
	}
	root := testshared.Root()
	readme, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(page)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "chartpost")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bin, fmt.Appendf(nil, "#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", runAsChartpost, self), 0o700); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	ran := 0
	for _, x := range consoleBlocks(string(readme)) {
		ran++
		if name, value, ok := strings.Cut(strings.TrimPrefix(x.command, "export "), "="); ok && strings.HasPrefix(x.command, "export ") {
			env[name] = filepath.Join(dir, value)
			continue
		}
		cmd := exec.Command("sh", "-c", x.command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(bin)+string(os.PathListSeparator)+os.Getenv("PATH"), "LC_ALL=C", "CHARTPOST_HOME="+filepath.Join(dir, "home"))
		for k, v := range env {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		status := 0
		var e *exec.ExitError
		if errors.As(err, &e) {
			status = e.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if out.Len() == 0 {
			got = nil
		}
		if status != x.status || !linesMatch(x.output, got) {
			t.Errorf("%s:%d: $ %s\nexit %d, want %d; it prints\n%s\nand not\n%s", page, x.line, x.command, status, x.status,
				strings.Join(got, "\n"), strings.Join(x.output, "\n"))
		}
	}
	if ran < least {
		t.Errorf("only %d commands in %s", ran, page)
	}
	filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(p, ".partial") {
			t.Errorf("%s was left", p)
		}
		return nil
	})
}

type consoleExample struct {
	line    int
	command string
	output  []string
	status  int
}

func consoleBlocks(text string) (list []consoleExample) {
	in := false
	for i, line := range strings.Split(text, "\n") {
		switch {
		case line == "```console":
			in = true
		case line == "```":
			in = false
		case !in:
		case strings.HasPrefix(line, "$ "):
			list = append(list, consoleExample{line: i + 1, command: line[2:]})
		case strings.HasPrefix(line, "[exit "):
			fmt.Sscanf(line, "[exit %d]", &list[len(list)-1].status)
		default:
			x := &list[len(list)-1]
			x.output = append(x.output, line)
		}
	}
	return list
}

// linesMatch compares lines with a pattern in which ... is any lines, or none.
func linesMatch(pattern, lines []string) bool {
	if len(pattern) == 0 {
		return len(lines) == 0
	}
	if pattern[0] == "..." {
		for i := range len(lines) + 1 {
			if linesMatch(pattern[1:], lines[i:]) {
				return true
			}
		}
		return false
	}
	return len(lines) > 0 && strings.TrimRight(lines[0], " ") == strings.TrimRight(pattern[0], " ") && linesMatch(pattern[1:], lines[1:])
}

func TestLinesMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, lines string
		want           bool
	}{
		{"a|...|c", "a|b|b|c", true}, {"a|...|c", "a|c", true}, {"a|...|c", "a|b", false}, {"...", "x|y", true}, {"a", "a|b", false}, {"a|b", "a", false},
	} {
		if got := linesMatch(strings.Split(tt.pattern, "|"), strings.Split(tt.lines, "|")); got != tt.want {
			t.Errorf("%s on %s: %v", tt.pattern, tt.lines, got)
		}
	}
}
