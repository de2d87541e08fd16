package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"
)

// What a backup is made of (docs/format.md): a version, 35 bytes for each generation of keys, the newest first, and a checksum.
const (
	backupVersion    = 1
	backupGeneration = 3 + SeedSize
	backupSum        = 4
	maxGenerations   = 100

	backupSSH    = 1 // flags: which keys the seed does not hold
	backupPlugin = 2
)

// backupEpoch is the day that dates in a backup count from.
var backupEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// ErrBackup says that something is no backup, or that a part of it is wrong.
var ErrBackup = errors.New("this is not a whole backup")

// BackupSize is how many bytes a backup of so many generations of keys has.
func BackupSize(generations int) int { return 1 + generations*backupGeneration + backupSum }

// Backup is what all keys of the identity can be made from again, but those of OpenSSH and of plugins.
func (id *Identity) Backup() []byte {
	b := []byte{backupVersion}
	for _, g := range id.Generations() {
		var flags byte
		if g.ssh {
			flags |= backupSSH
		}
		if g.plugin != "" {
			flags |= backupPlugin
		}
		b = append(b, flags)
		b = binary.BigEndian.AppendUint16(b, uint16(g.Since.Sub(backupEpoch)/(24*time.Hour)))
		b = append(b, g.seed...)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:backupSum]...)
}

// Restored is an identity made from a backup, and what its newest keys still want.
type Restored struct {
	*Identity
	NeedsSSH, NeedsPlugin bool
}

// Restore makes the identity of a backup.
func Restore(name string, b []byte) (*Restored, error) {
	n := (len(b) - 1 - backupSum) / backupGeneration
	if n < 1 || n > maxGenerations || len(b) != BackupSize(n) {
		return nil, ErrBackup
	}
	body, sum := b[:len(b)-backupSum], b[len(b)-backupSum:]
	if want := sha256.Sum256(body); !bytes.Equal(sum, want[:backupSum]) {
		return nil, ErrBackup
	}
	if body[0] != backupVersion {
		return nil, errors.New("the backup was made by a newer version of Chartpost")
	}
	r := &Restored{Identity: &Identity{Name: name}}
	for i := range n {
		part := body[1+i*backupGeneration:][:backupGeneration]
		since := backupEpoch.AddDate(0, 0, int(binary.BigEndian.Uint16(part[1:])))
		g, err := newGeneration(bytes.Clone(part[3:]), since)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			r.Former = append(r.Former, g)
			continue
		}
		r.Generation, r.NeedsSSH, r.NeedsPlugin = g, part[0]&backupSSH != 0, part[0]&backupPlugin != 0
	}
	return r, nil
}
