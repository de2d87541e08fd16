package safefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// A Batch replaces several files of a folder as one:
//
//	DIR/change.partial/   the new files, while they are written
//	DIR/change.ready/     all of them, synced: from here on the change has happened
//
// Finish moves what is ready to its place. It can be stopped at any point and called again, so whoever reads the folder calls it first.
// The caller holds the folder's lock.
type Batch struct{ dir string }

const (
	batchPartial = "change" + Partial
	batchReady   = "change.ready"
)

// NewBatch begins a change. What a killed run left of one that was not ready is taken away.
func NewBatch(dir string) (*Batch, error) {
	b := &Batch{dir}
	b.Discard()
	if err := os.Mkdir(filepath.Join(dir, batchPartial), 0o700); err != nil {
		return nil, err
	}
	return b, nil
}

// Dir is the folder in which the new files are written.
func (b *Batch) Dir() string { return filepath.Join(b.dir, batchPartial) }

// Write adds a file.
func (b *Batch) Write(name string, data []byte, perm fs.FileMode) error {
	return Write(filepath.Join(b.dir, batchPartial, name), data, perm)
}

// Commit makes the change, all of it. Finish has to follow.
func (b *Batch) Commit() error {
	if err := os.Rename(filepath.Join(b.dir, batchPartial), filepath.Join(b.dir, batchReady)); err != nil {
		return err
	}
	SyncDir(b.dir)
	return nil
}

// Discard takes away a change that is not made; after Commit it does nothing.
func (b *Batch) Discard() { os.RemoveAll(filepath.Join(b.dir, batchPartial)) }

// Pending reports whether a change has been begun in a folder and not been brought to its end.
func Pending(dir string) bool {
	for _, name := range []string{batchPartial, batchReady} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// Finish brings to its end what a run left: a change that is ready is made, one that is not is taken away. special does what a file
// stands for if it is not to be moved to its place, and reports whether it was such a file; it may be nil.
func Finish(dir string, special func(name string, data []byte) (bool, error)) error {
	(&Batch{dir}).Discard()
	ready := filepath.Join(dir, batchReady)
	entries, err := os.ReadDir(ready)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		from := filepath.Join(ready, e.Name())
		if special != nil {
			data, err := os.ReadFile(from)
			if err != nil {
				return err
			}
			if mine, err := special(e.Name(), data); err != nil {
				return err
			} else if mine {
				if err := os.Remove(from); err != nil {
					return err
				}
				continue
			}
		}
		if err := os.Rename(from, filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	SyncDir(dir)
	return os.Remove(ready)
}
