package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// broken is a standard output that nobody reads any more.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("nobody reads this") }

// TestBrokenOutput: what could not be written to standard output is no success, whichever command writes it, and no fault of usage.
func TestBrokenOutput(t *testing.T) {
	dir := t.TempDir()
	lab, faulty := filepath.Join(dir, "lab.hl7"), filepath.Join(dir, "faulty.map")
	for name, text := range map[string]string{lab: "MSH|^~\\&|LAB|MAPLE|||20261122||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||77^^^M||Example^Tansy\r", faulty: "not a row\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"--help"}, {"--version"}, {"help", "map"}, {"completion", "bash"}, {"inspect", lab}, {"inspect", lab, "--json"}, {"explain", "PID-8"}, {"validate", lab},
		{"convert", lab, "--to", "fhir"}, {"view", lab}, {"map", "check", faulty}} {
		var said bytes.Buffer
		c := &CLI{In: strings.NewReader(""), Out: broken{}, Err: &said, Env: func(string) string { return "" }}
		code := c.Run(context.Background(), args)
		if code != exitUnreadable || !strings.Contains(said.String(), "nobody reads this") || strings.Contains(said.String(), "how it is used") {
			t.Errorf("%s: exit %d\n%s", strings.Join(args, " "), code, said.String())
		}
	}
}
