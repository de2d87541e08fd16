// Package testshared finds the shared corpora and conformance suites for tests, which skip where they are absent, and has what tests of several
// packages do alike.
package testshared

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir is the folder of shared material: $CHARTPOST_SHARED, else ../shared beside the repository. Without it the test skips.
func Dir(t testing.TB) string {
	t.Helper()
	dir := Find()
	if dir == "" {
		t.Skip("no shared corpora here: set CHARTPOST_SHARED, or put them in ../shared beside the repository")
	}
	return dir
}

// Find is Dir for programs: the empty string if there is none.
func Find() string {
	dir := os.Getenv("CHARTPOST_SHARED")
	if dir == "" {
		root := Root()
		if root == "" {
			return ""
		}
		dir = filepath.Join(root, "..", "shared")
	}
	if info, err := os.Stat(filepath.Join(dir, "corpus")); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}

// Root is the folder of go.mod above the working directory, the empty string if there is none.
func Root() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	return ""
}

// Meanwhile does something again and again beside a test, until the test ends.
func Meanwhile(t testing.TB, do func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			default:
				do()
			}
		}
	}()
	t.Cleanup(func() { close(end); <-ended })
}
