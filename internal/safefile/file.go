package safefile

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Ours is what the name of an unfinished output ends with where Sweep may remove it by its name alone. Other programs have
// files that end in .partial too.
const Ours = ".chartpost" + Partial

// A File is being written under a temporary name, and locked while it is. It stands under its own name when it is committed.
type File struct {
	*os.File
	path string
	done bool
}

// NewFile creates the temporary file tmp of a path. What a killed run left under that name must be gone (RemoveStale); what is
// still being written makes it fail with fs.ErrExist.
func NewFile(path, tmp string) (*File, error) {
	if err := replaceable(path); err != nil {
		return nil, err
	}
	f, err := Create(tmp, 0o600)
	if err != nil {
		return nil, err
	}
	return &File{File: f, path: path}, nil
}

// Commit gives the file its name. durable waits until it would survive a power cut.
func (f *File) Commit(durable bool) error {
	if durable {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	// Elsewhere the lock is kept until the file has its name; Windows cannot rename an open file.
	if runtime.GOOS == "windows" {
		if err := f.Close(); err != nil {
			return err
		}
	}
	if err := os.Rename(f.Name(), f.path); err != nil {
		return err
	}
	f.done = true
	if runtime.GOOS != "windows" {
		if err := f.Close(); err != nil {
			return err
		}
	}
	if durable {
		SyncDir(filepath.Dir(f.path))
	}
	return nil
}

// Discard removes what is not whole; after Commit it does nothing.
func (f *File) Discard() {
	if f.done {
		return
	}
	f.done = true
	if runtime.GOOS == "windows" {
		f.Close()
	}
	os.Remove(f.Name())
	f.Close()
}

// Sweep removes from a folder what killed runs left there under names that end in Ours.
func Sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), Ours) {
			RemoveStale(filepath.Join(dir, e.Name()))
		}
	}
}
