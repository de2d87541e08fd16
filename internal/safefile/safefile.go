// Package safefile writes files so that under their names only whole ones ever stand, and locks what two processes must not do at once.
package safefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Partial is what the name of an unfinished file or folder ends with.
const Partial = ".partial"

// Write writes a file whole or not at all: to a temporary name, synced, renamed. What a killed run left under the temporary name is
// replaced. The caller holds a lock, or is the only one to write this file.
func Write(path string, data []byte, perm fs.FileMode) (err error) {
	if err := replaceable(path); err != nil {
		return err
	}
	tmp := path + Partial
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(tmp)
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	SyncDir(filepath.Dir(path))
	return nil
}

// replaceable refuses a path at which something stands that is no file: a rename would put a file in the place of /dev/null, or of a pipe somebody
// reads from, for every program of the machine.
func replaceable(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return &fs.PathError{Op: "write", Path: path, Err: ErrNoFile}
	}
	return nil
}

// ErrNoFile says that what stands at a path is a device, a pipe or a socket.
var ErrNoFile = errors.New("it is a device or a pipe, not a file: nothing is put in its place")

// SyncDir makes a rename last through a power cut, where the system can: Windows and some network file systems cannot, and do without.
func SyncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// ErrLocked says that another process holds the lock.
var ErrLocked = errors.New("another chartpost is at work there")

// A Lock is held until Unlock, or until the process ends, however it ends.
type Lock struct{ f *os.File }

// Acquire takes the lock of a file, which it creates, and waits for it at most so long.
func Acquire(ctx context.Context, path string, wait time.Duration) (*Lock, error) {
	deadline := time.Now().Add(wait)
	for {
		f, err := lockFile(path)
		if err == nil {
			return &Lock{f}, nil
		}
		if !errors.Is(err, ErrLocked) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Unlock gives the lock back. The file stays: removing it would let two processes lock two files of one name.
func (l *Lock) Unlock() { l.f.Close() }

// Create creates a new file that is locked as long as it is open, so that Stale can tell a file in use from one that a killed run left.
// It refuses a name that exists.
func Create(path string, perm fs.FileMode) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if err != nil {
			return nil, err
		}
		// Until it is locked, another run may take it for one that was left, and remove it.
		err = lockOpen(f)
		if err == nil && stands(f, path) {
			return f, nil
		}
		f.Close()
		if err != nil && !errors.Is(err, ErrLocked) {
			return nil, err
		}
		for range 100 { // the other run is about to remove it
			if _, gone := os.Lstat(path); gone != nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// RemoveStale removes a file that Create made if no process holds it any more.
func RemoveStale(path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if lockOpen(f) == nil {
		removeOpen(f, path)
	}
}

// Reopen opens and locks a file that Create made, if no process holds it any more.
func Reopen(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := lockOpen(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
