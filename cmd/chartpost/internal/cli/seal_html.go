package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal/page"
	"github.com/chartpost/chartpost/pkg/view"
)

// htmlOutput is a package that goes out as a page, with the package in it, or beside it if it is large. Until its size is known the package,
// encrypted as it is, lies in a file without a name.
type htmlOutput struct {
	*os.File                     // the package
	dir, name, sealedName string // where; the page's file, empty for standard output; what the package is called
	stdout                io.Writer
	force                 bool

	inside bool
	page   *safefile.File
	beside *packageFile
}

// newHTMLOutput finds the names, and refuses those that are taken.
func (c *CLI) newHTMLOutput(o *sealOptions, m *pack.Manifest, sources *pack.Sources) (*htmlOutput, error) {
	h := &htmlOutput{stdout: c.Out, force: o.force, sealedName: m.BaseName() + ".zip.age"}
	if o.out != "-" {
		h.name = o.out
		if info, err := os.Stat(h.name); h.name == "" || strings.HasSuffix(h.name, "/") || strings.HasSuffix(h.name, string(filepath.Separator)) || err == nil && info.IsDir() {
			h.name = filepath.Join(h.name, m.BaseName()+".html")
		} else if !isPage(h.name) {
			return nil, fail(exitUsage, fmt.Errorf("%s is not the name of a page", h.name), "with --html the file's name ends in .html")
		}
		h.dir = filepath.Dir(h.name)
		if err := o.free(h.name, sources); err != nil {
			return nil, err
		}
	}
	var err error
	if h.File, err = safefile.Temp(h.dir); err != nil {
		return nil, fail(exitUnreadable, err)
	}
	return h, nil
}

// free refuses a name that is taken, or that of something to be sealed.
func (o *sealOptions) free(name string, sources *pack.Sources) error {
	info, err := os.Lstat(name)
	switch {
	case err == nil && sources.Contains(info):
		return usagef("%s would be sealed into itself", name)
	case err == nil && (!o.force || info.IsDir()):
		return fail(exitUsage, fmt.Errorf("%s is there already", name), "choose another name, or replace it with --force")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fail(exitUnreadable, err)
	}
	return nil
}

// Sync writes the page, and the package if it stands beside it, under temporary names.
func (h *htmlOutput) Sync() error {
	size, err := h.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	h.inside = size <= page.MaxInside
	if !h.inside && h.name == "" {
		return fmt.Errorf("the package has %s; more than %s stand beside the page, so name a file with -o", byteCount(size), byteCount(page.MaxInside))
	}
	if !h.inside {
		beside := strings.TrimSuffix(strings.TrimSuffix(h.name, filepath.Ext(h.name)), ".") + ".zip.age"
		h.sealedName = filepath.Base(beside)
		if _, err := os.Lstat(beside); err == nil && !h.force {
			return fmt.Errorf("%s is there already", beside)
		}
		if h.beside, err = createPackageFile(beside); err != nil {
			return err
		}
		if _, err := io.Copy(h.beside, io.NewSectionReader(h.File, 0, size)); err != nil {
			return err
		}
		if err := h.beside.Sync(); err != nil {
			return err
		}
	}
	if h.name == "" {
		return nil
	}
	safefile.Sweep(h.dir)
	if h.page, err = safefile.NewFile(h.name, h.name+safefile.Ours); err != nil {
		return err
	}
	if err := h.write(h.page); err != nil {
		return err
	}
	return h.page.Sync()
}

func (h *htmlOutput) write(w io.Writer) error {
	size, err := h.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	p := &page.Page{Package: h.sealedName, Inside: h.inside, Words: contacts.Words(), RecordHash: view.StyleHash()}
	return p.Write(w, io.NewSectionReader(h.File, 0, size))
}

// commit gives the files their names: the package first, without which the page is nothing.
func (h *htmlOutput) commit() error {
	if h.name == "" {
		return h.write(h.stdout)
	}
	if h.beside != nil {
		if err := h.beside.commit(); err != nil {
			return err
		}
	}
	return h.page.Commit(true)
}

func (h *htmlOutput) discard() {
	h.Close()
	if h.page != nil {
		h.page.Discard()
	}
	if h.beside != nil {
		h.beside.discard()
	}
}
