package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/seal"
)

// What seal and open make stands under its name only when it is whole. Until then:
//
//	OUT.partial           the package that is being sealed, locked while it is
//	OUT.partial/          the folder that a package is being unpacked into:
//	   .chartpost           locked while it is; it also marks the folder as ours
//	   content/             what becomes OUT
//
// What a killed run left behind is removed by the next run in the same folder, which knows it by the mark and the free lock.

const (
	partialMark    = ".chartpost"
	partialContent = "content"
)

// packageFile is a package that is being written.
type packageFile struct{ *safefile.File }

func createPackageFile(out string) (*packageFile, error) {
	sweep(filepath.Dir(out))
	tmp := out + safefile.Partial
	if looksSealed(tmp, true) {
		safefile.RemoveStale(tmp)
	}
	f, err := safefile.NewFile(out, tmp)
	if errors.Is(err, fs.ErrExist) {
		return nil, fail(exitUnreadable, fmt.Errorf("%s is in the way", tmp),
			"another chartpost may be writing there; if not, move the file away")
	}
	if err != nil {
		return nil, fail(exitUnreadable, err)
	}
	return &packageFile{f}, nil
}

// commit gives the file its name.
func (p *packageFile) commit() error { return p.Commit(true) }

// discard removes what is not whole; after commit it does nothing.
func (p *packageFile) discard() { p.Discard() }

// packageDir is a folder that a package is being unpacked into.
type packageDir struct {
	*os.Root
	tmp, out string
	mark     *os.File
}

func createPackageDir(out string) (*packageDir, error) {
	sweep(filepath.Dir(out))
	for try := 0; ; try++ {
		p, err := newPackageDir(out)
		// Until the mark is there and locked, another run may take the folder for one that was left, and remove it.
		if !errors.Is(err, fs.ErrNotExist) || try == 10 {
			return p, err
		}
		if _, none := os.Stat(filepath.Dir(out)); none != nil {
			return nil, err
		}
	}
}

func newPackageDir(out string) (_ *packageDir, err error) {
	p := &packageDir{tmp: out + safefile.Partial, out: out}
	if err := os.Mkdir(p.tmp, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = fail(exitUnreadable, fmt.Errorf("%s is in the way", p.tmp),
				"another chartpost may be unpacking there; if not, move the folder away")
		}
		return nil, explain(err)
	}
	defer func() {
		if err != nil {
			p.discard()
		}
	}()
	if p.mark, err = safefile.Create(filepath.Join(p.tmp, partialMark), 0o600); err != nil {
		return nil, fail(exitUnreadable, err)
	}
	content := filepath.Join(p.tmp, partialContent)
	if err = os.Mkdir(content, 0o700); err != nil {
		return nil, fail(exitUnreadable, err)
	}
	if p.Root, err = os.OpenRoot(content); err != nil {
		return nil, fail(exitUnreadable, err)
	}
	return p, nil
}

// commit gives the folder its name.
func (p *packageDir) commit() error {
	p.Root.Close()
	if _, err := os.Lstat(p.out); err == nil { // a rename may replace an empty folder
		return fmt.Errorf("%s has come into being meanwhile", p.out)
	}
	if err := os.Rename(filepath.Join(p.tmp, partialContent), p.out); err != nil {
		return err
	}
	safefile.SyncDir(filepath.Dir(p.out))
	return nil
}

// discard removes what is left of the temporary folder: all of it, or after commit the mark. The mark goes last, so that
// what an interruption leaves is still known as ours.
func (p *packageDir) discard() {
	if p.Root != nil {
		p.Root.Close()
	}
	if p.mark != nil { // without it the folder may be another run's by now
		os.RemoveAll(filepath.Join(p.tmp, partialContent))
		if runtime.GOOS == "windows" {
			p.mark.Close()
		}
		os.Remove(p.mark.Name())
		p.mark.Close()
	}
	os.Remove(p.tmp)
}

// sweep removes from a folder what killed runs of seal and open left there.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), safefile.Partial) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		switch {
		case e.Type().IsRegular() && looksSealed(path, strings.HasSuffix(path, ".age"+safefile.Partial)):
			safefile.RemoveStale(path)
		case e.IsDir():
			sweepDir(path)
		}
	}
}

// looksSealed reports whether a file is the beginning of a package. An empty one is if its name says so: other programs have files that
// end in .partial too.
func looksSealed(path string, named bool) bool {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 22)
	n, err := io.ReadFull(f, head)
	return n == 0 && err == io.EOF && named || n == len(head) && seal.Sniff(head) && bytes.HasSuffix(head, []byte("\n"))
}

func sweepDir(path string) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return
	}
	if len(entries) == 0 {
		os.Remove(path) // stopped before it was marked
		return
	}
	mark := filepath.Join(path, partialMark)
	if info, err := os.Lstat(mark); err != nil || !info.Mode().IsRegular() {
		return
	}
	for _, e := range entries {
		if e.Name() != partialMark && e.Name() != partialContent {
			return // somebody put something there
		}
	}
	f, err := safefile.Reopen(mark)
	if err != nil {
		return // in use
	}
	(&packageDir{tmp: path, mark: f}).discard()
}
