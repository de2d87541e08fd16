package validate

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	qpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/questionnaire_go_proto"

	"github.com/chartpost/chartpost/internal/fhirpackage"
	"github.com/chartpost/chartpost/pkg/fhir"
)

// library is all definitions that are known: those of the packs, read when they are first asked for, and those of the user. It is
// complete before it is used, and read by many goroutines afterwards.
type library struct {
	packs          []*pack
	questionnaires []*questionnaire
	named          bool // there are code systems of the user, which may say what codes are called

	lines map[string][]byte // definitions of the user and of packs that are not read yet, by URL

	mu         sync.RWMutex
	structures map[string]*Structure
	sets       map[string]*valueSet
	systems    map[string]*codeSystem
}

// pack is one file of definitions: gzip of a definition a line, whose first members are resourceType and url.
type pack struct {
	name string
	once sync.Once
	at   map[string][]byte // by kind and URL
	urls []string
}

//go:embed data/*.gz
var data embed.FS

var packs = sync.OnceValue(func() map[string]*pack {
	m := map[string]*pack{}
	for _, n := range []string{"r4", "us-core@6.1.0", "us-core@7.0.0"} {
		m[n] = &pack{name: n}
	}
	return m
})

// PackNames are the guides whose profiles are built in.
func PackNames() []string { return []string{"us-core@6.1.0", "us-core@7.0.0"} }

func (p *pack) load() {
	p.once.Do(func() {
		p.at = map[string][]byte{}
		b, err := data.ReadFile("data/" + p.name + ".gz")
		if err != nil {
			return // only while the generator makes them
		}
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			panic("validate: " + p.name + ": " + err.Error())
		}
		text, err := io.ReadAll(z)
		if err != nil {
			panic("validate: " + p.name + ": " + err.Error())
		}
		for line := range bytes.Lines(text) {
			line = bytes.TrimSpace(line)
			kind, url, ok := headOf(line)
			if !ok {
				continue
			}
			p.at[kind+" "+url] = line
			if kind == "StructureDefinition" {
				p.urls = append(p.urls, url)
			}
		}
	})
}

// headOf reads resourceType and url at the begin of a line.
func headOf(line []byte) (kind, url string, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"resourceType":"`))
	if !ok {
		return "", "", false
	}
	k, rest, ok := bytes.Cut(rest, []byte(`","url":"`))
	if !ok {
		return "", "", false
	}
	u, _, ok := bytes.Cut(rest, []byte(`"`))
	return string(k), string(u), ok
}

func newLibrary() *library {
	return &library{lines: map[string][]byte{}, structures: map[string]*Structure{}, sets: map[string]*valueSet{}, systems: map[string]*codeSystem{},
		// The extensions of US Core stand in records of every kind, so they are always known; its profiles are used when asked for.
		packs: []*pack{packs()["r4"], packs()["us-core@6.1.0"]}}
}

// use makes a pack that of the guide at hand.
func (l *library) use(name string) *pack {
	p := packs()[name]
	l.packs = []*pack{packs()["r4"], p}
	return p
}

// find reads a definition: out is a pointer to it.
func (l *library) find(kind, url string, out any) bool {
	if line, ok := l.lines[kind+" "+url]; ok {
		return json.Unmarshal(line, out) == nil
	}
	for _, p := range l.packs {
		p.load()
		if line, ok := p.at[kind+" "+url]; ok {
			return json.Unmarshal(line, out) == nil
		}
	}
	if kind == "ValueSet" && elsewhere[url] != "" {
		return json.Unmarshal([]byte(elsewhere[url]), out) == nil
	}
	return false
}

// elsewhere are value sets that the packages of US Core 6.1.0 and 7.0.0 name and leave to a server, VSAC: those of race, ethnicity and birth
// sex, which every patient has. Their codes are those that US Core 3.1.1 lists in the value sets omb-race-category,
// omb-ethnicity-category and birthsex themselves.
var elsewhere = map[string]string{
	vsac + "2.16.840.1.114222.4.11.836":     `{"compose":{"include":[{"system":"urn:oid:2.16.840.1.113883.6.238","codes":["1002-5","2028-9","2054-5","2076-8","2106-3"]}]}}`,
	vsac + "2.16.840.1.114222.4.11.837":     `{"compose":{"include":[{"system":"urn:oid:2.16.840.1.113883.6.238","codes":["2135-2","2186-5"]}]}}`,
	vsac + "2.16.840.1.113762.1.4.1021.102": `{"compose":{"include":[{"system":"http://terminology.hl7.org/CodeSystem/v3-NullFlavor","codes":["ASKU","UNK"]}]}}`,
	vsac + "2.16.840.1.113762.1.4.1021.103": `{"compose":{"include":[{"system":"http://terminology.hl7.org/CodeSystem/v3-NullFlavor","codes":["UNK"]}]}}`,
	vsac + "2.16.840.1.113762.1.4.1":        `{"compose":{"include":[{"system":"http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender","codes":["F","M"]}]}}`,
}

const vsac = "http://cts.nlm.nih.gov/fhir/ValueSet/"

// canonical takes the version off a canonical URL.
func canonicalURL(url string) string {
	u, _, _ := strings.Cut(url, "|")
	return u
}

// structure finds a StructureDefinition, nil if it is not known.
func (l *library) structure(url string) *Structure {
	return ready(l, l.structures, "StructureDefinition", canonicalURL(url), func(s *Structure) *Structure { return s })
}

// maxCached bounds how many URLs that nobody knows are remembered: a source can be made of nothing else.
const maxCached = 10000

// ready finds a definition as it is used, nil if it is not known, and makes it so once: nearly always it has been asked for before.
func ready[D, X any](l *library, m map[string]*X, kind, url string, made func(*D) *X) *X {
	l.mu.RLock()
	x, ok := m[url]
	l.mu.RUnlock()
	if ok {
		return x
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var d D
	if l.find(kind, url, &d) {
		x = made(&d)
	}
	if x != nil || len(m) < maxCached {
		m[strings.Clone(url)] = x // url may be a part of a record
	}
	return x
}

// given are the URLs of the profiles of the user, sorted.
func (l *library) given() []string {
	var list []string
	for u, s := range l.structures {
		if s != nil && s.Derivation == "constraint" && s.Type != "Extension" {
			list = append(list, u)
		}
	}
	slices.Sort(list)
	return list
}

// bindings are those of FHIR's own elements.
func (l *library) bindings() map[string]Bind {
	var b Bindings
	for _, p := range l.packs {
		if p.name == "r4" {
			p.load()
			if line, ok := p.at["Bindings base"]; ok && json.Unmarshal(line, &b) == nil {
				return b.Of
			}
		}
	}
	return nil
}

// A FileError says which file of definitions cannot be used.
type FileError struct {
	File string
	Err  error
}

func (e *FileError) Error() string { return e.File + ": " + e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// add reads definitions from a file, a folder or a package, and gives the profiles among them.
func (l *library) add(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	var urls []string
	switch {
	case info.IsDir():
		err = filepath.WalkDir(name, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if !definitionFile(p) {
				return nil
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			more, err := l.read(p, b, true)
			urls = append(urls, more...)
			return err
		})
	case strings.HasSuffix(name, ".tgz") || strings.HasSuffix(name, ".tar.gz"):
		urls, err = l.addPackage(name)
	default:
		var b []byte
		if b, err = os.ReadFile(name); err == nil {
			urls, err = l.read(name, b, false)
		}
	}
	return urls, err
}

// definitionFile leaves out what packages hold beside their definitions.
func definitionFile(p string) bool {
	base := filepath.Base(p)
	ext := strings.ToLower(filepath.Ext(base))
	return (ext == ".json" || ext == ".csv" || ext == ".tsv" || ext == ".txt") && base != "package.json" && !strings.HasPrefix(base, ".")
}

func (l *library) addPackage(name string) ([]string, error) {
	var urls []string
	for f, err := range fhirpackage.Files(name) {
		if _, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, err // the file cannot be opened, and the error names it
		} else if err != nil {
			return urls, &FileError{name, err}
		}
		if !f.IsDefinition() {
			continue
		}
		b, err := io.ReadAll(f)
		if err != nil {
			return urls, &FileError{name, err}
		}
		more, err := l.read(name+":"+f.Name, b, true)
		if err != nil {
			return urls, err
		}
		urls = append(urls, more...)
	}
	return urls, nil
}

// read takes the definitions of one file. Of many files, those that are none are passed over.
func (l *library) read(name string, b []byte, many bool) ([]string, error) {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	if len(b) == 0 || b[0] != '{' {
		if many && strings.EqualFold(filepath.Ext(name), ".json") {
			return nil, nil
		}
		return nil, l.readCodes(name, b)
	}
	var head struct {
		ResourceType string `json:"resourceType"`
		URL          string `json:"url"`
		Entry        []struct {
			Resource jsontext.Value `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		if many {
			return nil, nil
		}
		return nil, &FileError{name, errors.New("this is not JSON")}
	}
	switch head.ResourceType {
	case "StructureDefinition":
		var s Structure
		if err := json.Unmarshal(b, &s); err != nil || s.URL == "" {
			return nil, &FileError{name, errors.New("this StructureDefinition cannot be read")}
		}
		l.mu.Lock()
		l.structures[s.URL] = &s
		l.mu.Unlock()
		if s.Derivation != "constraint" {
			return nil, nil
		}
		return []string{s.URL}, nil
	case "ValueSet":
		var s ValueSet
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, &FileError{name, errors.New("this ValueSet cannot be read")}
		}
		l.lines["ValueSet "+s.URL] = b
	case "CodeSystem":
		var s CodeSystem
		if err := json.Unmarshal(b, &s); err != nil {
			return nil, &FileError{name, errors.New("this CodeSystem cannot be read")}
		}
		l.systems[s.URL], l.named = newCodeSystem(&s), true
	case "Questionnaire":
		m, _ := fhir.Unmarshal(b)
		q, ok := m.(*qpb.Questionnaire)
		if !ok {
			return nil, &FileError{name, errors.New("this Questionnaire cannot be read")}
		}
		l.questionnaires = append(l.questionnaires, newQuestionnaire(q, q))
	case "Bundle":
		var urls []string
		for _, e := range head.Entry {
			more, err := l.read(name, e.Resource, true)
			if err != nil {
				return urls, err
			}
			urls = append(urls, more...)
		}
		return urls, nil
	default:
		if !many {
			return nil, &FileError{name, fmt.Errorf("%s is no StructureDefinition, ValueSet, CodeSystem, Questionnaire or Bundle of them", head.ResourceType)}
		}
	}
	return nil, nil
}
