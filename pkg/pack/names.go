package pack

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	maxNameBytes    = 1024
	maxSegmentBytes = 200
	maxDepth        = 16
)

// CheckName says why a member's name would not be one and the same plain file on Windows, macOS and Linux, or nil. The error
// never repeats the name, which may be a patient's.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxNameBytes:
		return fmt.Errorf("the name is longer than %d bytes", maxNameBytes)
	case !utf8.ValidString(name):
		return errors.New("the name is not UTF-8")
	case name[0] == '/':
		return errors.New("the name is an absolute path")
	case !norm.NFC.IsNormalString(name):
		return errors.New("the name's accents are not in composed form (NFC)")
	}
	for _, r := range name {
		switch {
		case strings.ContainsRune(`\:*?"<>|`, r):
			return fmt.Errorf("the name holds %q, which Windows does not allow", r)
		case invisible(r):
			return fmt.Errorf("the name holds the invisible character U+%04X", r)
		}
	}
	segments := strings.Split(name, "/")
	if len(segments) > maxDepth {
		return fmt.Errorf("the name lies more than %d folders deep", maxDepth)
	}
	for _, s := range segments {
		switch {
		case s == "":
			return errors.New("the name has an empty part")
		case s == "." || s == "..":
			return fmt.Errorf("the name holds the part %q", s)
		case len(s) > maxSegmentBytes:
			return fmt.Errorf("a part of the name is longer than %d bytes", maxSegmentBytes)
		case strings.HasSuffix(s, ".") || strings.HasSuffix(s, " "):
			return errors.New("a part of the name ends with a dot or a blank, which Windows drops")
		case isDevice(s):
			return errors.New("a part of the name is a device on Windows")
		}
	}
	return nil
}

// isDevice reports whether Windows takes a name for a device: CON, NUL.txt, com1 .log, LPT² and so on.
func isDevice(segment string) bool {
	base, _, _ := strings.Cut(segment, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	if rest, ok := strings.CutPrefix(base, "COM"); ok || strings.HasPrefix(base, "LPT") {
		if !ok {
			rest = base[len("LPT"):]
		}
		return utf8.RuneCountInString(rest) == 1 && strings.Contains("0123456789¹²³", rest)
	}
	return false
}

// ErrSameName says that two files would stand under one name.
var ErrSameName = errors.New("another file has the same name, or one that differs only in case or accents")

// nameSet finds names that would be the same file, or file and folder at once, on a system that ignores case.
type nameSet struct {
	files map[string]bool
	dirs  map[string]string // folded name of each folder on the way to a file: the spelling first met
}

func newNameSet() *nameSet { return &nameSet{map[string]bool{}, map[string]string{}} }

// fold is equal for names that a case-insensitive, normalising file system takes for one.
func fold(name string) string {
	return norm.NFC.String(strings.ToLower(strings.ToUpper(norm.NFC.String(name))))
}

// add adds a file and says why it clashes with one that is there.
func (s *nameSet) add(name string) error {
	key := fold(name)
	if s.files[key] {
		return ErrSameName
	}
	if _, ok := s.dirs[key]; ok {
		return errors.New("a folder has the same name")
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		k := fold(dir)
		if s.files[k] {
			return errors.New("a folder on the way to it has the name of another file")
		}
		if spelt, ok := s.dirs[k]; ok {
			if spelt != dir {
				return errors.New("the folder it lies in is spelt in two ways")
			}
			break // its parents were looked at when it was met first
		}
		s.dirs[k] = dir
	}
	s.files[key] = true
	return nil
}
