//go:build !windows

package main

import (
	"bytes"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestStopped sends the program the signals of Ctrl-C, of a service that is stopped and of a window that is closed, while it writes: nothing of
// the patients in what it had begun stays behind, and it says that it was interrupted.
func TestStopped(t *testing.T) {
	message, err := os.ReadFile(filepath.Join("..", "..", "examples", "lab-oru-r01.hl7"))
	if err != nil {
		t.Fatal(err)
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			if signal.Ignored(sig) {
				t.Skip("whoever started the tests had the signal ignored (nohup), and the program keeps to that")
			}
			t.Parallel()
			dir := t.TempDir()
			p := &person{t: t, home: filepath.Join(dir, "home"), dir: dir}
			cmd := p.command("convert", "-", "--to", "ndjson", "-o", "out.ndjson", "--ledger", "ledger.json")
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			var errOut bytes.Buffer
			cmd.Stderr = &errOut
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for begun := false; !begun; { // it reads on until it is stopped
				if _, err := in.Write(message); err != nil {
					t.Fatalf("it ended by itself: %v\n%s", err, errOut.String())
				}
				begun = len(glob(t, dir, "out.ndjson*.partial")) > 0
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != 130 {
				t.Errorf("exit status %d, want 130\n%s", got, errOut.String())
			}
			if !strings.Contains(errOut.String(), "interrupted") {
				t.Errorf("it says %q", errOut.String())
			}
			if left := glob(t, dir, "*"); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// TestNobodyReads closes the pipe to which the program writes, as head -1 does: it ends without a word, and nothing that it had begun stays behind.
func TestNobodyReads(t *testing.T) {
	for _, toErr := range []bool{false, true} {
		dir := t.TempDir()
		p := &person{t: t, home: filepath.Join(dir, "home"), dir: dir}
		batch, err := filepath.Abs(filepath.Join("..", "..", "examples", "batch.hl7"))
		if err != nil {
			t.Fatal(err)
		}
		cmd := p.command("convert", batch, "--to", "ndjson", "--ledger", "ledger.json")
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = w, io.Writer(&said)
		if toErr {
			cmd.Args = append(cmd.Args, "-o", "out.ndjson")
			cmd.Stdout, cmd.Stderr = &said, w
		}
		cmd.Run()
		w.Close()
		if got := cmd.ProcessState.ExitCode(); got != 141 {
			t.Errorf("standard error %v: exit status %d, want 141", toErr, got)
		}
		if said.Len() > 0 {
			t.Errorf("standard error %v: it says %q", toErr, said.String())
		}
		if left := glob(t, dir, "*.partial"); len(left) > 0 {
			t.Errorf("standard error %v: left behind: %q", toErr, left)
		}
	}
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return list
}
