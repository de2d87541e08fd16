package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	"github.com/chartpost/chartpost/pkg/diag"
)

// file is one parsed Go file of the module.
type file struct {
	name string // from the root, with slashes
	fset *token.FileSet
	ast  *ast.File
	text string
}

func (f file) at(p token.Pos) string {
	pos := f.fset.Position(p)
	return f.name + ":" + strconv.Itoa(pos.Line)
}

// goFiles parses every Go file of the module.
func goFiles(t *testing.T) []file {
	t.Helper()
	var out []file
	walk(t, func(name, text string) {
		if !strings.HasSuffix(name, ".go") {
			return
		}
		fset := token.NewFileSet()
		a, err := parser.ParseFile(fset, name, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, file{name, fset, a, text})
	})
	if len(out) == 0 {
		t.Fatal("no Go files found")
	}
	return out
}

// walk visits the module's text files, without what make writes.
func walk(t *testing.T, f func(name, text string)) {
	t.Helper()
	root := testshared.Root()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if slices.Contains([]string{".git", "bin", "dist", "demo"}, rel) {
				return fs.SkipDir
			}
			return nil
		}
		switch filepath.Ext(p) {
		case ".go", ".md", ".map", ".sh", ".yml", ".yaml", ".mod", ".txtar", ".csv", ".tsv", "":
			if rel == ".git" { // a worktree's
				return nil
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			f(rel, string(b))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

// TestNoInit: nothing happens at import time.
func TestNoInit(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init has side effects at import time; stand in a slice instead", f.at(fn.Pos()))
			}
		}
	}
}

// TestFinished: nothing is left to do. The words are put together here so that this file passes.
func TestFinished(t *testing.T) {
	words := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b|not ` + `implemented|for ` + `now\b`)
	for _, f := range goFiles(t) {
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				if m := words.FindString(c.Text); m != "" {
					t.Errorf("%s: a comment says %q: do it, or say why it is right as it is", f.at(c.Pos()), m)
				}
			}
		}
	}
}

// TestOneMachine: no file holds a path of the machine that it was written on.
func TestOneMachine(t *testing.T) {
	paths := regexp.MustCompile(`/work/(main|shared)|/tmp/(wt|brief|guide|bash_jobs)|/ro` + `ot/|\W/home/[a-z]`)
	walk(t, func(name, text string) {
		if strings.HasPrefix(name, "internal/lint/") {
			return
		}
		if m := paths.FindString(text); m != "" {
			t.Errorf("%s: %s is a path of one machine", name, m)
		}
	})
}

// TestDocumented: every package says what it is, and every exported name what it stands for. One comment in a group of constants,
// variables or types will do, and one at the end of a line. Methods that everyone knows and those of one line need none.
func TestDocumented(t *testing.T) {
	known := []string{"String", "Error", "Unwrap", "Is", "As", "Len", "Less", "Swap", "Close", "Read", "Write", "MarshalText", "UnmarshalText",
		"MarshalJSON", "UnmarshalJSON"}
	packageDoc := map[string]bool{}
	for _, f := range goFiles(t) {
		dir := f.name[:max(0, strings.LastIndexByte(f.name, '/'))]
		if isTest(f.name) {
			continue
		}
		packageDoc[dir] = packageDoc[dir] || f.ast.Doc != nil
		if strings.HasSuffix(f.name, "_gen.go") || f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if !d.Name.IsExported() || d.Doc != nil {
					continue
				}
				oneLine := d.Body != nil && f.fset.Position(d.Pos()).Line == f.fset.Position(d.End()).Line
				if d.Recv != nil && (oneLine || slices.Contains(known, d.Name.Name) || !exportedReceiver(d)) {
					continue
				}
				t.Errorf("%s: %s has no comment", f.at(d.Pos()), d.Name.Name)
			case *ast.GenDecl:
				undocumented, any := "", d.Doc != nil
				for _, s := range d.Specs {
					name, doc := specName(s)
					any = any || doc
					if name != "" && undocumented == "" && !doc {
						undocumented = name
					}
				}
				if undocumented != "" && !any {
					t.Errorf("%s: %s has no comment", f.at(d.Pos()), undocumented)
				}
			}
		}
	}
	for dir, ok := range packageDoc {
		if !ok {
			t.Errorf("%s: the package has no comment", dir)
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// specName is the first exported name of a declaration, and whether it has a comment of its own.
func specName(s ast.Spec) (name string, doc bool) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() {
			return s.Name.Name, s.Doc != nil || s.Comment != nil
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if n.IsExported() {
				return n.Name, s.Doc != nil || s.Comment != nil
			}
		}
	}
	return "", false
}

// TestGenerated: a generated file says so, ends in _gen.go, and nothing else does.
func TestGenerated(t *testing.T) {
	mark := regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	for _, f := range goFiles(t) {
		if named, marked := strings.HasSuffix(f.name, "_gen.go"), mark.MatchString(f.text); named != marked {
			t.Errorf("%s: named as generated: %v, marked as generated: %v", f.name, named, marked)
		}
	}
}

// TestNoClock: conversion knows neither the time nor chance (law 4).
func TestNoClock(t *testing.T) {
	records := []string{"converters/", "pkg/convert/", "pkg/mapping/", "pkg/terminology/", "pkg/fhirpath/", "pkg/fhir/", "pkg/hl7v2/", "pkg/ccda/",
		"pkg/csvtab/", "pkg/tree/", "pkg/diag/", "pkg/validate/"}
	banned := []string{"time.Now", "time.Since", "uuid.New", "uuid.NewString", "uuid.NewRandom", "uuid.NewUUID", "uuid.NewV7", "rand.Int", "rand.IntN",
		"rand.Read", "rand.New", "rand.Float64", "time.Local", "maphash.MakeSeed"}
	for _, f := range goFiles(t) {
		if isTest(f.name) || !slices.ContainsFunc(records, func(p string) bool { return strings.HasPrefix(f.name, p) }) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Obj == nil && slices.Contains(banned, x.Name+"."+s.Sel.Name) {
					t.Errorf("%s: %s.%s would give the same input another output", f.at(s.Pos()), x.Name, s.Sel.Name)
				}
			}
			return true
		})
	}
}

var findingID = regexp.MustCompile(`CP-(V2|CDA|CSV|FHIR|PKG|MAP|CNV)-\d{3}`)

// TestFindings: every finding that the program can report is in the list, and the list holds no other; each has all its words.
func TestFindings(t *testing.T) {
	list := map[string]bool{} // whether it is used
	for _, e := range diag.Entries() {
		id := string(e.ID)
		if _, twice := list[id]; twice {
			t.Errorf("%s is in the list twice", id)
		}
		list[id] = false
		if !findingID.MatchString(id) || findingID.FindString(id) != id {
			t.Errorf("%s is no id of a finding", id)
		}
		if e.What == "" || e.Why == "" || e.Fix == "" || e.Severity < diag.Reject || e.Severity > diag.Info {
			t.Errorf("%s lacks a severity or words", id)
		}
	}
	for _, f := range goFiles(t) {
		if strings.HasPrefix(f.name, "pkg/diag/list") || strings.HasPrefix(f.name, "internal/lint/") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			for _, id := range findingID.FindAllString(lit.Value, -1) {
				if isTest(f.name) {
					continue // a test may ask for what there is not
				}
				_, ok := list[id]
				if whole := lit.Value == strconv.Quote(id); !ok && whole { // within a text it is a way of speaking
					t.Errorf("%s: %s is not in the list of findings", f.at(lit.Pos()), id)
				}
				list[id] = true
			}
			return true
		})
	}
	for id, used := range list {
		if !used {
			t.Errorf("%s is in the list, but nothing reports it", id)
		}
	}
}

// networkCommands are the files of the commands that may reach the network (DESIGN.md law 8).
var networkCommands = []string{"send.go", "fetch.go", "watch.go", "export.go"}

// TestOffline: only the commands that carry something know the package that opens connections, and nobody else opens one: imports say
// most of it (layers_test.go), but golang.org/x/crypto/ssh, which signatures need, can dial too.
func TestOffline(t *testing.T) {
	for _, f := range goFiles(t) {
		if isTest(f.name) || strings.HasPrefix(f.name, "pkg/transport/") || strings.HasPrefix(f.name, "internal/sshtest/") || strings.HasPrefix(f.name, "internal/browsertest/") {
			continue
		}
		for _, imp := range f.ast.Imports {
			if imp.Path.Value == `"`+module+`pkg/transport"` && !(strings.HasPrefix(f.name, "cmd/") && slices.Contains(networkCommands, filepath.Base(f.name))) {
				t.Errorf("%s: only %v may reach the network", f.at(imp.Pos()), networkCommands)
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && opensSocket.MatchString(s.Sel.Name) {
				t.Errorf("%s: %s: connections are opened in pkg/transport alone", f.at(s.Pos()), s.Sel.Name)
			}
			return true
		})
	}
	for name, want := range map[string]bool{"Dial": true, "DialContext": true, "ListenTCP": true, "Listen": true, "NewClientConn": true, "Dialog": false, "Listing": false} {
		if opensSocket.MatchString(name) != want {
			t.Errorf("%s: taken for a socket: %v", name, !want)
		}
	}
}

var opensSocket = regexp.MustCompile(`^((Dial|Listen)([A-Z].*)?|NewClientConn)$`)
