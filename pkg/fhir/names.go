package fhir

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Names are what the resources of a bundle are called, for bundles that are not held in memory: an Index without the
// resources. The names themselves lie in a file; in memory there are 32 bytes for each resource.
//
// First every resource is added, then the names are finished, then they are looked up, by any number of Finders.
type Names struct {
	file  NamesFile
	w     *bufio.Writer
	size  int64
	byURL []nameKey
	byID  []nameKey
	newID func(typ string, entry int) string
}

// NamesFile is where names lie: a file to be written from its beginning, and read anywhere.
type NamesFile interface {
	io.Writer
	io.ReaderAt
}

type nameKey struct {
	hash uint64
	at   int64
}

// hashOf is FNV-1a. Two names of one hash are told apart where they lie.
func hashOf(s string) uint64 {
	h := fnv.New64a()
	io.WriteString(h, s)
	return h.Sum64()
}

// NewNames makes names that lie in a file, which stays the caller's.
func NewNames(file NamesFile) *Names {
	return &Names{file: file, w: bufio.NewWriterSize(file, 64<<10)}
}

// Add adds the resource of an entry of the bundle, whose position is from 0. id may be empty: it gets one when all are known.
func (n *Names) Add(fullURL, typ, id string, entry int) error {
	if u := urlOf(fullURL, id); u != "" {
		n.byURL = append(n.byURL, nameKey{hashOf(u), n.size})
	}
	if id != "" {
		n.byID = append(n.byID, nameKey{hashOf(typ + "/" + id), n.size})
	}
	var b []byte
	b = binary.AppendUvarint(b, uint64(entry))
	for _, s := range []string{typ, id, fullURL} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	b = append(binary.AppendUvarint(nil, uint64(len(b))), b...)
	n.size += int64(len(b))
	_, err := n.w.Write(b)
	return err
}

// Finish ends the adding. newID gives an id to a resource that has none.
func (n *Names) Finish(newID func(typ string, entry int) string) error {
	n.newID = newID
	for _, keys := range [][]nameKey{n.byURL, n.byID} {
		slices.SortFunc(keys, func(a, b nameKey) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.at, b.at)) })
	}
	err := n.w.Flush()
	n.w = nil
	return err
}

// name is what a resource is called. The zero name is none.
type name struct {
	typ, id, fullURL string
}

// read reads the name that lies at a place.
func (n *Names) read(at int64) (name, error) {
	var head [512]byte
	got, err := n.file.ReadAt(head[:min(int64(len(head)), n.size-at)], at)
	if err != nil && err != io.EOF {
		return name{}, err
	}
	size, k := binary.Uvarint(head[:got])
	if k <= 0 || int64(size) > n.size-at {
		return name{}, io.ErrUnexpectedEOF
	}
	b := head[k:got]
	if size > uint64(len(b)) {
		b = make([]byte, size)
		if _, err := n.file.ReadAt(b, at+int64(k)); err != nil && err != io.EOF {
			return name{}, err
		}
	}
	r := bytes.NewReader(b[:size])
	entry, err := binary.ReadUvarint(r)
	var parts [3]string
	for i := range parts {
		size, e := binary.ReadUvarint(r)
		if e != nil || size > uint64(r.Len()) {
			return name{}, io.ErrUnexpectedEOF
		}
		var text strings.Builder
		if _, e := io.CopyN(&text, r, int64(size)); e != nil {
			return name{}, e
		}
		parts[i] = text.String()
	}
	if err != nil {
		return name{}, err
	}
	x := name{parts[0], parts[1], parts[2]}
	if x.id == "" && n.newID != nil {
		x.id = n.newID(x.typ, int(entry))
	}
	return x, nil
}

// A Finder looks names up, and remembers those that it looked up last. It is for one goroutine.
type Finder struct {
	names *Names
	known map[string]name
	err   error
}

// Finder makes a Finder.
func (n *Names) Finder() *Finder { return &Finder{names: n, known: map[string]name{}} }

const maxKnown = 4096

// look finds the first that was added under a key.
func (f *Finder) look(keys []nameKey, sort, key string, is func(name) bool) name {
	if x, ok := f.known[sort+key]; ok {
		return x
	}
	var found name
	hash := hashOf(key)
	i, _ := slices.BinarySearchFunc(keys, hash, func(k nameKey, h uint64) int { return cmp.Compare(k.hash, h) })
	for ; i < len(keys) && keys[i].hash == hash && found == (name{}); i++ {
		x, err := f.names.read(keys[i].at)
		if err != nil {
			f.err = cmp.Or(f.err, err)
			break
		}
		if is(x) {
			found = x
		}
	}
	if len(f.known) >= maxKnown {
		clear(f.known)
	}
	f.known[sort+key] = found
	return found
}

// Restyle is Index.Restyle. fullURL is that of the resource.
func (f *Finder) Restyle(m proto.Message, fullURL string, style RefStyle) error {
	err := restyle(m, style, func(text string) (typ, id string) {
		text, _, _ = strings.Cut(text, "/_history/")
		x := resolve(text, func() string { return fullURL },
			func(url string) name {
				return f.look(f.names.byURL, "u", url, func(x name) bool { return urlOf(x.fullURL, x.id) == url })
			},
			func(key string) (name, string) {
				x := f.look(f.names.byID, "i", key, func(x name) bool { return x.typ+"/"+x.id == key })
				return x, x.fullURL
			})
		return x.typ, x.id
	}, func(*anypb.Any) {})
	if f.err != nil {
		return fmt.Errorf("the names of the bundle's resources cannot be read: %w", f.err)
	}
	return err
}
