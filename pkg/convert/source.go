package convert

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Source is one input: a file, a member of an archive or of a folder, or standard input.
type Source struct {
	Name string // relative to the folder or archive given; of a file given directly its base name; "stdin"
	Path string // as a person finds it
	Size int64  // -1 if unknown
	Open func() (io.ReadCloser, error)
}

// Sources are the inputs that arguments name, in order: files, folders and .zip archives with all that is in them, and "-".
// many reports that outputs need a folder.
func Sources(args []string, stdin io.Reader) (list []Source, many bool, err error) {
	many = len(args) > 1
	for _, arg := range args {
		if arg == "-" {
			list = append(list, Source{Name: "stdin", Path: "-", Size: -1, Open: func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil }})
			continue
		}
		info, err := os.Stat(arg)
		if err != nil {
			return nil, false, err
		}
		switch {
		case info.IsDir():
			many = true
			more, err := folder(arg)
			if err != nil {
				return nil, false, err
			}
			list = append(list, more...)
		case strings.EqualFold(filepath.Ext(arg), ".zip"):
			many = true
			more, err := archive(arg)
			if err != nil {
				return nil, false, err
			}
			list = append(list, more...)
		case !info.Mode().IsRegular() && info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) == 0:
			return nil, false, fmt.Errorf("%s is no file", arg)
		default:
			list = append(list, Source{Name: filepath.Base(arg), Path: arg, Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(arg) }})
		}
	}
	return list, many, nil
}

func folder(dir string) (list []Source, err error) {
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") && p != dir { // what the system keeps for itself
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		list = append(list, Source{Name: filepath.ToSlash(rel), Path: p, Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(p) }})
		return nil
	})
	return list, err
}

// archive lists the members of a zip, which is opened for each of them.
func archive(file string) (list []Source, err error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	defer z.Close()
	for _, m := range z.File {
		name := path.Clean(strings.ReplaceAll(m.Name, `\`, "/"))
		if m.FileInfo().IsDir() || !m.Mode().IsRegular() || strings.HasPrefix(path.Base(name), ".") || strings.HasPrefix(name, "__MACOSX/") {
			continue
		}
		if !fs.ValidPath(name) {
			return nil, fmt.Errorf("%s: a member has a name that leads out of the archive", file)
		}
		member := m.Name
		list = append(list, Source{Name: name, Path: file + "!" + name, Size: int64(m.UncompressedSize64), Open: func() (io.ReadCloser, error) {
			z, err := zip.OpenReader(file)
			if err != nil {
				return nil, err
			}
			for _, m := range z.File {
				if m.Name == member {
					r, err := m.Open()
					if err != nil {
						z.Close()
						return nil, err
					}
					return &memberReader{io.LimitReader(r, int64(m.UncompressedSize64)), r, z}, nil
				}
			}
			z.Close()
			return nil, fs.ErrNotExist
		}})
	}
	slices.SortStableFunc(list, func(a, b Source) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

type memberReader struct {
	io.Reader
	member  io.Closer
	archive io.Closer
}

func (m *memberReader) Close() error {
	m.member.Close()
	return m.archive.Close()
}

// OutputNames are the names of the outputs of sources, without the number that a record of several gets: a/b.hl7 becomes
// a/b.json, and b.hl7 beside b.txt become b.hl7.json and b.txt.json.
func OutputNames(sources []Source, extension string) []string {
	stem := func(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }
	count := map[string]int{}
	for _, s := range sources {
		count[strings.ToLower(stem(s.Name))]++
	}
	names := make([]string, len(sources))
	used := map[string]int{}
	for i, s := range sources {
		name := stem(s.Name)
		if count[strings.ToLower(name)] > 1 || stem(path.Base(s.Name)) == "" {
			name = s.Name
		}
		if n := used[strings.ToLower(name)]; n > 0 { // two files of one name, given directly
			used[strings.ToLower(name)]++
			name = fmt.Sprintf("%s-%d", name, n+1)
		}
		used[strings.ToLower(name)]++
		names[i] = name + extension
	}
	return names
}

// Numbered is the name of a record's output where its source holds several: b.json becomes b-000001.json.
func Numbered(name string, index int) string {
	ext := path.Ext(name)
	return fmt.Sprintf("%s-%06d%s", strings.TrimSuffix(name, ext), index, ext)
}
