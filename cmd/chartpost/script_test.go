package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/chartpost/chartpost/cmd/chartpost/internal/cli"
	"github.com/chartpost/chartpost/internal/packtest"
)

// runAsChartpost makes the test binary the program itself, for tests that have to kill it.
const runAsChartpost = "CHARTPOST_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runAsChartpost) != "" {
		limitFiles()
		os.Exit(cli.Run())
	}
	testscript.Main(m, map[string]func(){
		"chartpost":       func() { os.Exit(cli.Run()) },
		"age-plugin-fake": func() { os.Exit(packtest.FakePlugin()) },
	})
}

// TestScripts runs testdata/script: what people type, and what they see. Beside testscript's own commands there are
//
//	exits N COMMAND...   the command ends with this exit status
//	grab NAME PATTERN    sets the variable NAME to the first group of PATTERN in the last standard error
//	grabout NAME PATTERN   sets it to the last group of PATTERN in the last standard output
//	samesize FILE FILE   two files have one size
//	flip FILE PERCENT    flips a bit at this place of a file
//	cut FILE PERCENT     cuts a file there
//	clean DIR            nothing unfinished (.partial) stands anywhere below DIR
//	edit FILE OLD NEW    replaces a text in a file
//	bytes FILE N         makes a file of N bytes that are no text
//	longname DIR N       makes a message in a file of DIR whose name has N bytes
//	archive FILE NAME... makes a .zip whose members, with these names, are messages
//	large FILE KIND N    makes a message with a field of N bytes (KIND field) or N OBX (KIND obx)
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Condition: func(name string) (bool, error) {
			if name != "full-device" { // there is a device that takes nothing
				return false, fmt.Errorf("unknown condition %q", name)
			}
			_, err := os.Stat("/dev/full")
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				want, err := strconv.Atoi(args[0])
				if err != nil || neg || len(args) < 2 {
					ts.Fatalf("usage: exits N COMMAND...")
				}
				got := 0
				if err := ts.Exec(args[1], args[2:]...); err != nil {
					var e *exec.ExitError
					if !errors.As(err, &e) {
						ts.Fatalf("%v", err)
					}
					got = e.ExitCode()
				}
				ts.Logf("%s%s", ts.ReadFile("stdout"), ts.ReadFile("stderr"))
				if got != want {
					ts.Fatalf("exit status %d, want %d", got, want)
				}
			},
			"grab": func(ts *testscript.TestScript, neg bool, args []string) {
				m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stderr"))
				if m == nil {
					ts.Fatalf("%s is not in standard error", args[1])
				}
				ts.Setenv(args[0], m[1])
			},
			"grabout": func(ts *testscript.TestScript, neg bool, args []string) {
				m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
				if m == nil {
					ts.Fatalf("%s is not in standard output", args[1])
				}
				ts.Setenv(args[0], m[len(m)-1])
			},
			"samesize": func(ts *testscript.TestScript, neg bool, args []string) {
				if a, b := len(ts.ReadFile(args[0])), len(ts.ReadFile(args[1])); a != b {
					ts.Fatalf("%d and %d bytes", a, b)
				}
			},
			"flip": func(ts *testscript.TestScript, neg bool, args []string) {
				damage(ts, args, func(b []byte, at int) []byte { b[at] ^= 1; return b })
			},
			"cut": func(ts *testscript.TestScript, neg bool, args []string) {
				damage(ts, args, func(b []byte, at int) []byte { return b[:at] })
			},
			"clean": func(ts *testscript.TestScript, neg bool, args []string) {
				filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
					if err == nil && strings.HasSuffix(path, ".partial") {
						ts.Fatalf("%s was left behind", path)
					}
					return nil
				})
			},
			"bytes": func(ts *testscript.TestScript, neg bool, args []string) {
				n, err := strconv.Atoi(args[1])
				ts.Check(err)
				b := make([]byte, n)
				for i := range b {
					b[i] = byte(i * 7)
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
			},
			"nested": func(ts *testscript.TestScript, neg bool, args []string) { // a clinical document of so many elements within one another
				n, err := strconv.Atoi(args[1])
				ts.Check(err)
				text := `<ClinicalDocument xmlns="urn:hl7-org:v3">` + strings.Repeat("<component>", n) + strings.Repeat("</component>", n) + "</ClinicalDocument>"
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
			},
			"sparse": func(ts *testscript.TestScript, neg bool, args []string) { // a clinical document of so many bytes, of which hardly any is on the disk
				n, err := strconv.ParseInt(args[1], 10, 64)
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3"/>`), 0o600))
				ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
			},
			"large": func(ts *testscript.TestScript, neg bool, args []string) {
				n, err := strconv.Atoi(args[2])
				ts.Check(err)
				var b strings.Builder
				b.WriteString("MSH|^~\\&|A|B|C|D|20260101120000+0000||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||77^^^B&2.999.1&ISO^MR||EXAMPLE^TANSY\rOBR|1|||2345-7^Glucose^LN|||20260101\r")
				switch args[1] {
				case "field":
					b.WriteString("OBX|1|TX|2345-7^Glucose^LN||" + strings.Repeat("x", n) + "||||||F\r")
				case "obx":
					for i := range n {
						fmt.Fprintf(&b, "OBX|%d|NM|2345-7^Glucose^LN|%d|94|mg/dL^^UCUM|||||F\r", i+1, i+1)
					}
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
			},
			"longname": func(ts *testscript.TestScript, neg bool, args []string) {
				n, err := strconv.Atoi(args[1])
				ts.Check(err)
				ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o700))
				ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), strings.Repeat("x", n-4)+".hl7"), []byte(message), 0o600))
			},
			"archive": func(ts *testscript.TestScript, neg bool, args []string) {
				var b bytes.Buffer
				z := zip.NewWriter(&b)
				for _, name := range args[1:] {
					w, err := z.Create(strings.ReplaceAll(name, "%0", "\x00"))
					ts.Check(err)
					_, err = io.WriteString(w, message)
					ts.Check(err)
				}
				ts.Check(z.Close())
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
			},
			"edit": func(ts *testscript.TestScript, neg bool, args []string) {
				text := ts.ReadFile(args[0])
				if !strings.Contains(text, args[1]) {
					ts.Fatalf("%s does not hold %q", args[0], args[1])
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
			},
		},
	})
}

// message is a message of somebody who does not exist.
const message = "MSH|^~\\&|A|B|C|D|20260101120000+0000||ADT^A08^ADT_A01|1|P|2.5.1\rPID|1||77^^^B&2.999.1&ISO^MR||EXAMPLE^TANSY||19990101|F\r"

func damage(ts *testscript.TestScript, args []string, do func([]byte, int) []byte) {
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	percent, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(path, do(data, len(data)*percent/100), 0o600))
}
