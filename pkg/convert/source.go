package convert

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/diag"
)

// Source is one input: a file, a member of an archive or of a folder, standard input, or several that are one (Joined).
type Source struct {
	Name   string // relative to the folder or archive given; of a file given directly its base name; "stdin"
	Path   string // as a person finds it
	Size   int64  // -1 if unknown
	Open   func() (io.ReadCloser, error)
	File   string   // where the same bytes lie to be read anywhere; empty if they do not
	Joined []Source // what it is made of: resources that refer to one another

	root  string  // the folder in which it was found, empty if it was named itself
	from  *Format // its format, where that is known before it is read: see Job.join
	part  string  // what its format says that it is a part of
	loose string  // the syntax of resources in it that stand alone
}

// Sources are the inputs that arguments name, by name: files, folders and .zip archives with all that is in them, and "-". What
// cannot be read is a source whose Open says why. many reports that outputs need a folder.
func Sources(args []string, stdin io.Reader) (list []Source, many bool, err error) {
	many = len(args) > 1
	for i, arg := range args {
		if slices.Contains(args[:i], arg) {
			if arg == "-" {
				return nil, false, &UsageError{"standard input is named twice", "name each input once"}
			}
			continue // a second time it would only be converted twice
		}
		if arg == "-" {
			list = append(list, Source{Name: "stdin", Path: "-", Size: -1, Open: func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }})
			continue
		}
		info, err := os.Stat(arg)
		switch {
		case err != nil:
			list = append(list, unopened(filepath.Base(arg), arg, err))
		case info.IsDir():
			many = true
			list = append(list, folder(arg)...)
		case strings.EqualFold(filepath.Ext(arg), ".zip"):
			many = true
			list = append(list, archive(arg)...)
		case info.Mode()&fs.ModeSocket != 0:
			list = append(list, unopened(filepath.Base(arg), arg, errors.New("it is no file")))
		default:
			size := info.Size()
			if !info.Mode().IsRegular() {
				size = -1
			}
			s := Source{Name: filepath.Base(arg), Path: arg, Size: size, Open: func() (io.ReadCloser, error) { return os.Open(arg) }}
			if size >= 0 {
				s.File = arg
			}
			list = append(list, s)
		}
	}
	// So that the order in which inputs are named makes no difference.
	slices.SortStableFunc(list, func(a, b Source) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Path, b.Path)) })
	return list, many, nil
}

func unopened(name, path string, err error) Source {
	return Source{Name: name, Path: path, Open: func() (io.ReadCloser, error) { return nil, err }}
}

// folder lists what is in a folder, without what the system and Chartpost keep there for themselves: hidden files, unfinished
// outputs, and the reasons beside rejected records.
func folder(dir string) (list []Source) {
	// The walk itself never ends early: what cannot be read is a source that says so.
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(dir, p)
		if relErr != nil {
			rel = filepath.Base(p)
		}
		name := filepath.ToSlash(rel)
		if err != nil {
			list = append(list, unopened(name, p, err))
			return nil
		}
		if p == dir {
			return nil
		}
		if strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() || strings.HasSuffix(d.Name(), safefile.Partial) {
			return nil
		}
		info, err := os.Stat(p) // where a link leads
		if err != nil {
			list = append(list, unopened(name, p, err))
			return nil
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		if rejected, ok := strings.CutSuffix(p, reasonSuffix); ok {
			if _, err := os.Lstat(rejected); err == nil {
				return nil
			}
		}
		list = append(list, Source{Name: name, Path: p, Size: info.Size(), File: p, root: dir, Open: func() (io.ReadCloser, error) { return os.Open(p) }})
		return nil
	})
	return list
}

// archive lists the members of a zip. The file stays open as long as a source holds it.
func archive(file string) (list []Source) {
	base := filepath.Base(file)
	bad := func(err error) []Source { return []Source{unopened(base, file, err)} }
	f, err := os.Open(file)
	if err != nil {
		return bad(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return bad(err)
	}
	z, err := zip.NewReader(f, info.Size())
	if err != nil {
		f.Close()
		return bad(err)
	}
	members := map[string]*zip.File{}
	var names []string
	for _, m := range z.File {
		name := path.Clean(strings.ReplaceAll(m.Name, `\`, "/"))
		members[name], names = m, append(names, name)
	}
	documents, xdm := xdmDocuments(members, names)
	for _, name := range documents {
		if members[name] == nil {
			list = append(list, unopened(base, file, errors.New("its METADATA.XML names a document that is not in it")))
		}
	}
	for _, m := range z.File {
		name := path.Clean(strings.ReplaceAll(m.Name, `\`, "/"))
		if xdm && !slices.Contains(documents, name) {
			continue
		}
		if m.FileInfo().IsDir() || !m.Mode().IsRegular() || strings.HasPrefix(path.Base(name), ".") || strings.HasPrefix(name, "__MACOSX/") {
			continue
		}
		p := file + "!" + name
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			list = append(list, unopened(base, file, errors.New("a member has a name that leads out of the archive")))
			continue
		}
		if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			list = append(list, unopened(base, file, errors.New("a member has a name with control characters")))
			continue
		}
		if m.Flags&1 != 0 {
			list = append(list, unopened(name, p, errors.New("it is encrypted")))
			continue
		}
		size := int64(m.UncompressedSize64)
		list = append(list, Source{Name: name, Path: p, Size: size, Open: func() (io.ReadCloser, error) {
			r, err := m.Open()
			if err != nil {
				return nil, err
			}
			return struct {
				io.Reader
				io.Closer
			}{io.LimitReader(r, size+1), r}, nil
		}})
	}
	return list
}

// join makes one source of several, whose bytes stand one behind another.
func join(parts []Source) Source {
	s := Source{Name: "records", Joined: parts}
	var names []string
	for _, p := range parts {
		names = append(names, p.Path)
		if s.Size >= 0 && p.Size >= 0 {
			s.Size += p.Size
		} else {
			s.Size = -1
		}
	}
	s.Path = names[0]
	if len(names) > 1 {
		s.Path = fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	s.Open = func() (io.ReadCloser, error) { return &joined{parts: parts}, nil }
	return s
}

// joined reads sources one behind another, each of which ends with a line end. A byte order mark, which may stand at the beginning alone, is read
// as blanks: so the bytes behind it are those of the file, at the same distance.
type joined struct {
	parts []Source
	open  io.ReadCloser
	in    *bufio.Reader // of open
	mark  int           // bytes of the mark to come
	last  byte
	hash  hash.Hash
	read  []SourcePart // to their ends

	mu    sync.Mutex
	lines int        // that ended so far
	from  []joinedAt // where each part begins
}

type joinedAt struct {
	path string
	line int // lines before it
}

// place says in which part a line stands.
func (j *joined) place(p diag.Place) diag.Place {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, at := range slices.Backward(j.from) {
		if p.Line > at.line {
			p.Source, p.Line = at.path, p.Line-at.line
			break
		}
	}
	return p
}

const utf8Mark = "\xef\xbb\xbf"

func (j *joined) Read(p []byte) (int, error) {
	for {
		if j.open == nil {
			if len(j.parts) == 0 {
				return 0, io.EOF
			}
			r, err := j.parts[0].Open()
			if err != nil {
				return 0, err
			}
			j.open, j.in, j.mark, j.last, j.hash = r, bufio.NewReaderSize(r, 16), 0, '\n', sha256.New()
			if head, _ := j.in.Peek(len(utf8Mark)); string(head) == utf8Mark {
				j.mark = len(utf8Mark)
			}
			j.mu.Lock()
			j.from = append(j.from, joinedAt{j.parts[0].Path, j.lines})
			j.mu.Unlock()
		}
		n, err := j.in.Read(p)
		if n > 0 {
			j.hash.Write(p[:n])
			for i := 0; i < n && j.mark > 0; i++ {
				p[i] = ' '
				j.mark--
			}
			j.mu.Lock()
			j.lines += bytes.Count(p[:n], []byte{'\n'})
			j.mu.Unlock()
			j.last = p[n-1]
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		if err != io.EOF {
			return n, err
		}
		j.open.Close()
		j.read = append(j.read, SourcePart{j.parts[0].Name, hex.EncodeToString(j.hash.Sum(nil))})
		j.open, j.parts = nil, j.parts[1:]
		if j.last != '\n' && len(p) > 0 {
			j.last = '\n'
			p[0] = '\n'
			j.mu.Lock()
			j.lines++
			j.mu.Unlock()
			return 1, nil
		}
	}
}

func (j *joined) Close() error {
	if j.open != nil {
		return j.open.Close()
	}
	return nil
}

// Rereadable makes a reader of a source one that a format can read again, if the source can be.
func Rereadable(r *bufio.Reader, src Source) io.Reader {
	switch {
	case src.File != "":
		return &reread{r, []Source{src}}
	case src.Joined != nil && !slices.ContainsFunc(src.Joined, func(p Source) bool { return p.File == "" }):
		return &reread{r, src.Joined}
	}
	return &sized{r, src.Size}
}

// SizeOf is how many bytes a reader that Rereadable made will give, 0 if that is not known. It may be wrong: a file can grow, and an
// archive can say what it likes.
func SizeOf(r io.Reader) int64 {
	switch r := r.(type) {
	case *reread:
		if len(r.parts) == 1 {
			return max(r.parts[0].Size, 0)
		}
	case *sized:
		return max(r.size, 0)
	}
	return 0
}

type sized struct {
	*bufio.Reader
	size int64
}

type reread struct {
	*bufio.Reader
	parts []Source
}

func (r *reread) again() (readerAtCloser, error) {
	if len(r.parts) == 1 {
		return os.Open(r.parts[0].File)
	}
	j := &joinedFiles{}
	end := int64(0)
	for _, p := range r.parts {
		// As joined reads them: with a line end where one has none.
		f, err := os.Open(p.File)
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		last := []byte{'\n'}
		if err == nil && info.Size() > 0 {
			_, err = f.ReadAt(last, info.Size()-1)
		}
		f.Close()
		if err != nil {
			return nil, err
		}
		j.parts = append(j.parts, joinedFile{p.File, end})
		if end += info.Size(); last[0] != '\n' {
			end++
		}
	}
	return j, nil
}

// joinedFiles reads anywhere in files that stand one behind another. Of many files only a few are open at a time.
type joinedFiles struct {
	parts []joinedFile
	mu    sync.Mutex
	open  map[int]*os.File
}

type joinedFile struct {
	path string
	at   int64
}

const maxOpen = 32

// ReadAt reads from one of the files; what is read stands within one.
func (j *joinedFiles) ReadAt(b []byte, at int64) (int, error) {
	i, ok := slices.BinarySearchFunc(j.parts, at, func(p joinedFile, at int64) int { return cmp.Compare(p.at, at) })
	if !ok {
		i--
	}
	for i+1 < len(j.parts) && j.parts[i+1].at <= at { // empty ones
		i++
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	f := j.open[i]
	if f == nil {
		if len(j.open) >= maxOpen {
			j.closeAll()
		}
		var err error
		if f, err = os.Open(j.parts[i].path); err != nil {
			return 0, err
		}
		if j.open == nil {
			j.open = map[int]*os.File{}
		}
		j.open[i] = f
	}
	return f.ReadAt(b, at-j.parts[i].at)
}

func (j *joinedFiles) closeAll() {
	for i, f := range j.open {
		f.Close()
		delete(j.open, i)
	}
}

// Close closes the files.
func (j *joinedFiles) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closeAll()
	return nil
}

// Interruptible makes the end of ctx end the reading of a source that may keep its reader waiting.
func Interruptible(ctx context.Context, src Source, r io.Reader) io.Reader {
	if src.Size >= 0 {
		return r
	}
	return &interruptible{ctx: ctx, r: r}
}

// interruptible reads what may keep a reader waiting, a terminal or a pipe, so that the end of ctx ends the wait. The goroutine
// that waits then goes on until it gets something; nothing is lost by that but its memory.
type interruptible struct {
	ctx  context.Context
	r    io.Reader
	once sync.Once
	ask  chan int
	got  chan readResult
	buf  []byte // of the goroutine while it reads
	end  error  // after which the goroutine is gone
}

type readResult struct {
	n   int
	err error
}

func (i *interruptible) Read(p []byte) (int, error) {
	i.once.Do(func() {
		i.ask, i.got, i.buf = make(chan int, 1), make(chan readResult, 1), make([]byte, 64<<10)
		go func() {
			for n := range i.ask {
				n, err := i.r.Read(i.buf[:n])
				i.got <- readResult{n, err}
				if err != nil {
					return
				}
			}
		}()
	})
	if err := cmp.Or(i.end, i.ctx.Err()); err != nil {
		return 0, err
	}
	select {
	case i.ask <- min(len(p), len(i.buf)):
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
	select {
	case x := <-i.got:
		i.end = x.err
		return copy(p, i.buf[:x.n]), x.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}
