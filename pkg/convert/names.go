package convert

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// OutputNames are the names of the outputs of sources, without the number that a record of several gets: a/b.hl7 becomes a/b.json,
// b.hl7 beside b.txt become b.hl7.json and b.txt.json. They depend on which sources there are, not on their order; no two are the
// same, on file systems either that take upper and lower case for one, nor is one the numbered name of another.
func OutputNames(sources []Source, extension string) []string {
	stems := make([]string, len(sources))
	for i, s := range sources {
		stems[i] = strings.TrimSuffix(s.Name, path.Ext(s.Name))
		if path.Base(s.Name) == path.Ext(s.Name) || s.Joined != nil {
			stems[i] = s.Name
		}
	}
	return unique(sources, stems, extension)
}

// RejectNames are the names under which the records of sources are kept when they are rejected: their own.
func RejectNames(sources []Source) []string {
	names := make([]string, len(sources))
	for i, s := range sources {
		names[i] = s.Name
	}
	return unique(sources, names, "")
}

func unique(sources []Source, stems []string, extension string) []string {
	// Those that would meet under one name take their full names, until none meets another any more.
	for again := true; again; {
		again = false
		meet := map[string][]int{}
		for i, stem := range stems {
			k := strings.ToLower(stem)
			meet[k] = append(meet[k], i)
		}
		for k, list := range meet {
			base, numbered := cutNumber(k)
			numbered = numbered && len(meet[base]) > 0
			if len(list) == 1 && !numbered {
				continue
			}
			for _, i := range list {
				if stems[i] != sources[i].Name {
					stems[i], again = sources[i].Name, true
				}
			}
		}
	}
	// What still meets has one name in several places.
	order := make([]int, len(stems))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(sources[a].Path, sources[b].Path), cmp.Compare(a, b)) })
	used := map[string]bool{}
	for _, stem := range stems {
		used[strings.ToLower(stem)] = true
	}
	taken := map[string]bool{}
	for _, i := range order {
		stem := stems[i]
		for n := 2; taken[strings.ToLower(stem)]; n++ {
			if next := fmt.Sprintf("%s-%d", stems[i], n); !used[strings.ToLower(next)] {
				stem = next
			}
		}
		taken[strings.ToLower(stem)] = true
		stems[i] = stem
	}
	names := make([]string, len(stems))
	for i, stem := range stems {
		names[i] = shorten(stem) + extension
	}
	return names
}

// maxBase is how long a name may be in a folder, so that a number, two endings and that of an unfinished file still fit into the 255
// bytes that file systems allow.
const maxBase = 200

// shorten cuts a name that is too long, and tells it apart from others by a digest.
func shorten(name string) string {
	dir, base := path.Split(name)
	if len(base) <= maxBase {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	cut := maxBase - 9
	for !utf8.RuneStart(base[cut]) {
		cut--
	}
	return fmt.Sprintf("%s%s-%x", dir, base[:cut], sum[:4])
}

// Numbered is the name of a record's output where its source holds several: b.json becomes b-000001.json.
func Numbered(name string, index int) string {
	ext := path.Ext(name)
	if path.Base(name) == ext {
		ext = ""
	}
	return fmt.Sprintf("%s-%06d%s", strings.TrimSuffix(name, ext), index, ext)
}

// cutNumber takes the number off a numbered stem.
func cutNumber(stem string) (base string, ok bool) {
	i := strings.LastIndexByte(stem, '-')
	if i < 0 || len(stem)-i-1 < 6 || strings.Trim(stem[i+1:], "0123456789") != "" {
		return stem, false
	}
	return stem[:i], true
}
