package fhirpackage_test

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/fhirpackage"
)

// pack makes a package of files and folders, a folder where there is no text.
func pack(t *testing.T, files ...[2]string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "maple.tgz")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	w := tar.NewWriter(z)
	for _, file := range files {
		h := &tar.Header{Name: file[0], Size: int64(len(file[1])), Mode: 0o644, Typeflag: tar.TypeReg}
		if file[1] == "" {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, file[1]); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []io.Closer{w, z, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return name
}

func TestFiles(t *testing.T) {
	name := pack(t, [2]string{"package", ""}, [2]string{"package/package.json", "{}"}, [2]string{"package/.index.json", "{}"},
		[2]string{"package/CodeSystem-maple.json", `{"url":"a"}`}, [2]string{"package/ValueSet-maple.json", `{"url":"b"}`},
		[2]string{"package/example/CodeSystem-oak.json", "{}"}, [2]string{"package/readme.md", "maple"})
	var all, definitions, systems []string
	for f, err := range fhirpackage.Files(name) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err != nil || int64(len(b)) != f.Size {
			t.Errorf("%s: %d bytes of %d, %v", f.Name, len(b), f.Size, err)
		}
		all = append(all, f.Name)
		if f.IsDefinition() {
			definitions = append(definitions, string(b))
		}
		if f.Defines("CodeSystem") {
			systems = append(systems, string(b))
		}
	}
	if len(all) != 6 || !slices.Equal(definitions, []string{`{"url":"a"}`, `{"url":"b"}`}) || !slices.Equal(systems, []string{`{"url":"a"}`}) {
		t.Errorf("files %q, definitions %q, code systems %q", all, definitions, systems)
	}
}

// TestFaults: a file that is not there, is no archive, or ends too early is an error, and the last.
func TestFaults(t *testing.T) {
	whole, err := os.ReadFile(pack(t, [2]string{"package/CodeSystem-maple.json", strings.Repeat("maple ", 1000)}))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, b := range map[string][]byte{"absent.tgz": nil, "text.tgz": []byte("maple"), "half.tgz": whole[:len(whole)/2]} {
		path := filepath.Join(dir, name)
		if b != nil {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var last error
		for f, err := range fhirpackage.Files(path) {
			if last != nil {
				t.Errorf("%s: something came behind the error", name)
			}
			if last = err; err == nil {
				_, last = io.ReadAll(f)
				break
			}
		}
		if last == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
