package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chartpost/chartpost/internal/safefile"
)

// folder is a folder of this computer, a stick, or a share.
type folder string

func openFolder(dir string) (folder, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return "", &final{err}
	}
	if !info.IsDir() {
		return "", giveUp("%s is a file, not a folder", dir)
	}
	return folder(dir), nil
}

func (folder) goesOn() bool { return true }
func (folder) close()       {}
func (folder) Close()       {}

func (d folder) put(ctx context.Context, f *File, o *Options) (string, error) {
	safefile.Sweep(string(d))
	at := filepath.Join(string(d), f.Name)
	if there, err := os.Open(at); err == nil {
		defer there.Close()
		if same(ctx, there, f) {
			return at, nil
		}
		return "", giveUp("%w: %s", ErrExists, at)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", &final{err}
	}
	out, err := safefile.NewFile(at, at+safefile.Ours)
	if err != nil {
		return "", err
	}
	defer out.Discard()
	n, err := io.Copy(out, f.from(ctx, 0, o))
	if err != nil {
		return "", err
	}
	if n != f.Size {
		return "", giveUp("the package was changed while it was being sent")
	}
	return at, out.Commit(true)
}

// same reports whether what is there is the file already.
func same(ctx context.Context, there io.Reader, f *File) bool {
	a, b := make([]byte, 128<<10), make([]byte, 128<<10)
	ours := io.NewSectionReader(f.Src, 0, f.Size)
	for ctx.Err() == nil {
		n, err := io.ReadFull(there, a)
		m, _ := io.ReadFull(ours, b)
		if n != m || !bytes.Equal(a[:n], b[:m]) {
			return false
		}
		if err != nil {
			return err == io.EOF || err == io.ErrUnexpectedEOF
		}
	}
	return false
}

func (d folder) List(context.Context) ([]Item, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, e := range entries {
		if !e.Type().IsRegular() || !isOurs(e.Name()) {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone meanwhile
		}
		if err != nil {
			return nil, err
		}
		items = append(items, Item{e.Name(), info.Size(), info.ModTime()})
	}
	slices.SortStableFunc(items, func(a, b Item) int { return strings.Compare(a.Name, b.Name) })
	return items, nil
}

func (d folder) Fetch(_ context.Context, it Item, _ string) (string, func(), error) {
	return filepath.Join(string(d), it.Name), func() {}, nil
}

func (d folder) Move(_ context.Context, name, to, why string) error {
	dir := filepath.Join(string(d), to)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for n := range maxCandidates {
		at := filepath.Join(dir, candidate(name, n))
		if _, err := os.Lstat(at); err == nil {
			continue
		}
		// The reason first: a refused file never stands there without one.
		if why != "" {
			if err := safefile.Write(at+reasonEnding, []byte(why+"\n"), 0o600); err != nil {
				return err
			}
		}
		return os.Rename(filepath.Join(string(d), name), at)
	}
	return fmt.Errorf("%s holds too many files called %s", dir, name)
}
