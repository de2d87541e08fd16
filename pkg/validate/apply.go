package validate

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
)

// Which profiles a resource must meet: those that it names in meta.profile, where they are known, and of those that were asked for
// the ones of its type. Of a guide that has several for a type, each tells by what it demands of category and code which
// resources it is for: the one for laboratory results demands the category laboratory.

// asked is a profile that was asked for.
type asked struct {
	*profile
	always bool // it was named itself; else it is one of a guide
}

// notForAll are profiles of US Core that are for some resources of their type only, which nothing in a resource tells.
var notForAll = map[string]bool{
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-implantable-device":    true,
	"http://hl7.org/fhir/us/core/StructureDefinition/us-core-questionnaireresponse": true,
}

const usCore = "http://hl7.org/fhir/us/core/StructureDefinition/"

// ask reads what --profile names.
func (v *Validator) ask(names []string) error {
	take := func(url string, always bool) {
		p := v.profileOf(url)
		if p == nil || p.typ == "Extension" || p.sd.Kind != "" && p.sd.Kind != "resource" || p.sd.Abstract {
			return
		}
		if !always && notForAll[p.url] {
			return
		}
		for i, have := range v.asked[p.typ] {
			if have.profile == p {
				v.asked[p.typ][i].always = have.always || always
				return
			}
		}
		v.asked[p.typ] = append(v.asked[p.typ], asked{p, always})
		v.whole = v.whole || p.whole
	}
	var guides []string
	for _, name := range names {
		if name == "us-core" {
			name = "us-core@6.1.0"
		}
		if slices.Contains(PackNames(), name) {
			if len(guides) > 0 && !slices.Contains(guides, name) {
				return fmt.Errorf("--profile %s: one edition of US Core at a time", name)
			}
			guides, v.guided = append(guides, name), true
			v.lib.use(name)
		} else if strings.HasPrefix(name, "us-core@") {
			return fmt.Errorf("--profile %s: there are %s", name, strings.Join(PackNames(), " and "))
		}
	}
	type wanted struct {
		url    string
		always bool
	}
	var list []wanted
	for _, name := range names {
		switch {
		case name == "us-core" || slices.Contains(PackNames(), name):
		case strings.Contains(name, "://"):
			if v.lib.structure(name) == nil {
				if f := fromPackages(name); f != "" {
					if _, err := v.lib.add(f); err != nil {
						return fmt.Errorf("--profile: %w", err)
					}
				}
			}
			list = append(list, wanted{name, true})
		default:
			file := name
			if _, err := os.Stat(file); err != nil {
				if f := packageFolder(name); f != "" {
					file = f
				}
			}
			urls, err := v.lib.add(file)
			if err != nil {
				return fmt.Errorf("--profile: %w", err)
			}
			for _, u := range urls {
				list = append(list, wanted{u, len(urls) == 1})
			}
			if len(urls) == 0 {
				return fmt.Errorf("--profile %s: there is no profile in it", name)
			}
		}
	}
	for _, g := range guides {
		p := packs()[g]
		p.load()
		for _, u := range p.urls {
			take(u, false)
		}
	}
	// Beside a profile that is named itself, folders and packages only define what it needs.
	named := slices.ContainsFunc(list, func(x wanted) bool { return x.always })
	for _, x := range list {
		if named && !x.always {
			continue
		}
		if v.profileOf(x.url) == nil && x.always {
			if s := v.lib.structure(x.url); s != nil {
				return fmt.Errorf("--profile %s: it, or what it is based on, cannot be used: %s", x.url, why(v, s))
			}
			return fmt.Errorf("--profile %s: its definition is not known here; give its file or package too", x.url)
		}
		take(x.url, x.always)
	}
	return nil
}

// why says why a definition makes no profile.
func why(v *Validator, s *Structure) string {
	if s.Derivation != "constraint" {
		return "it is no profile"
	}
	if _, err := plan.Named(s.Type); err != nil {
		return "FHIR R4 has no type " + s.Type
	}
	return "its base " + s.Base + " is not known"
}

// packageFolder finds a package by name, such as hl7.fhir.us.mcode#3.0.0, where FHIR's tools keep them.
func packageFolder(name string) string {
	home, err := os.UserHomeDir()
	if err != nil || !strings.Contains(name, "#") || strings.ContainsAny(name, `/\`) {
		return ""
	}
	dir := filepath.Join(home, ".fhir", "packages", name, "package")
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir
	}
	return ""
}

// fromPackages finds the file of a profile among the packages that FHIR's tools keep.
func fromPackages(url string) string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	id := canonicalURL(url)
	id = id[strings.LastIndexByte(id, '/')+1:]
	if strings.ContainsAny(id, `*?[\`) {
		return ""
	}
	found, _ := filepath.Glob(filepath.Join(home, ".fhir", "packages", "*", "package", "StructureDefinition-"+id+".json"))
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}

// profiles checks a resource against the profiles that it must meet.
func (w *walker) profiles(m proto.Message, t *plan.Type) {
	it := item{reflect.ValueOf(m).Elem(), t, nil, -1}
	mine := w.profilesOf(m, t)
	for _, p := range mine {
		w.apply(p, it)
	}
	if w.keep && w.depth == 1 && w.resource == w.root {
		w.met = w.meetsTargets(it, mine)
	}
}

// profilesOf are the profiles that a resource must meet: valid until it is called again.
func (w *walker) profilesOf(m proto.Message, t *plan.Type) []*profile {
	it := item{reflect.ValueOf(m).Elem(), t, nil, -1}
	mine := w.mine[:0]
	if x, ok := m.(interface{ GetMeta() *dpb.Meta }); ok {
		for _, u := range x.GetMeta().GetProfile() {
			url, version, _ := strings.Cut(u.GetValue(), "|")
			if url == coreURL+t.Name || url == "" {
				continue
			}
			p := w.v.profileOf(url)
			switch {
			case p == nil || strings.HasPrefix(url, usCore) && !w.v.guided || version != "" && p.version != "" && version != p.version && p.version != "4.0.1":
				w.unchecked.profile(u.GetValue())
			case p.typ != t.Name:
				w.find("CP-FHIR-211", "%s is a profile of %s, and this is %s", p.title(), p.typ, article(t.Name))
			case !slices.Contains(mine, p):
				mine = append(mine, p)
			}
		}
	}
	if w.resource == w.root { // what is contained is a part of another
		for _, p := range w.askedFor(it) {
			if !slices.Contains(mine, p) {
				mine = append(mine, p)
			}
		}
	}
	w.mine = mine
	if len(mine) < 2 {
		return mine
	}
	leaves := make([]*profile, 0, len(mine))
	for _, p := range mine {
		if !slices.ContainsFunc(mine, func(q *profile) bool { return slices.Contains(q.bases, p.url) }) { // else it is part of q
			leaves = append(leaves, p)
		}
	}
	return leaves
}

func (w *walker) apply(p *profile, it item) {
	if !p.use.Load() {
		p.use.Store(true)
	}
	w.against(p, it)
}

// maxSorted bounds how many kinds of resources askedFor remembers.
const maxSorted = 4096

// askedFor are the profiles that were asked for and that a resource must meet. That hangs together with its category and code alone, of
// which real records have few, so it is remembered.
func (w *walker) askedFor(it item) []*profile {
	all := w.v.asked[it.t.Name]
	if len(all) == 0 {
		return nil
	}
	w.key = append(w.key[:0], it.t.Name...)
	known := w.sortKey(it, "category") && w.sortKey(it, "code")
	if known {
		if list, ok := w.sorted[string(w.key)]; ok {
			return list
		}
	}
	var list []*profile
	for _, a := range all {
		if a.always || w.meant(a.profile, it, len(all) == 1) {
			list = append(list, a.profile)
		}
	}
	if known && len(w.sorted) < maxSorted {
		if w.sorted == nil {
			w.sorted = map[string][]*profile{}
		}
		w.sorted[string(w.key)] = list
	}
	return list
}

// sortKey adds all that an element says to w.key; false if it holds more than codes and texts.
func (w *walker) sortKey(it item, name string) bool {
	e := it.t.Element(name)
	if e == nil {
		return true
	}
	from := w.items(e, it.v)
	defer func() { w.stack = w.stack[:from] }()
	add := func(list ...string) {
		for _, s := range list {
			w.key = append(append(w.key, s...), 0)
		}
	}
	for _, x := range w.stack[from:] {
		w.key = append(w.key, 1)
		switch c := x.v.Addr().Interface().(type) {
		case *dpb.CodeableConcept:
			if len(c.GetExtension()) > 0 || c.GetId() != nil || len(c.GetText().GetExtension()) > 0 {
				return false
			}
			add(c.GetText().GetValue())
			for _, k := range c.GetCoding() {
				if len(k.GetExtension()) > 0 || k.GetId() != nil || k.GetUserSelected() != nil || len(k.GetCode().GetExtension())+len(k.GetSystem().GetExtension()) > 0 {
					return false
				}
				add(k.GetSystem().GetValue(), k.GetVersion().GetValue(), k.GetCode().GetValue(), k.GetDisplay().GetValue())
			}
		default:
			return false
		}
	}
	w.key = append(w.key, 2)
	return true
}

// small is how many codes a value set may have that tells what a profile is for.
const small = 10

// selects reports that what a profile demands of an element tells which resources it is for.
func (v *Validator) selects(k *node) bool {
	if k == nil {
		return false
	}
	if k.telling() {
		return true
	}
	return k.name == "code" && k.binding != nil && v.lib.size(k.binding.ValueSet) <= small
}

// meant reports whether a profile of a guide is for a resource, by what it demands of its category and code. The only
// profile of a type is for all resources of that type, and of several none is that demands nothing of them.
func (w *walker) meant(p *profile, it item, alone bool) bool {
	if alone {
		return true
	}
	if k := p.root.kid("code"); k != nil && k.binding != nil && w.v.lib.set(k.binding.ValueSet) == nil && len(k.values) == 0 {
		return false // the codes that it is for are not known here
	}
	selective := false
	for _, name := range []string{"category", "code"} {
		k := p.root.kid(name)
		if !w.v.selects(k) {
			continue
		}
		selective = true
		from := w.items(k.element(it.t), it.v)
		to := len(w.stack)
		ok := w.quietly(func() {
			if to == from {
				w.hits++
			}
			if len(k.values) > 0 || len(k.kids) > 0 {
				any := false
				for i := from; i < to && !any; i++ {
					any = w.quietly(func() { w.alike(k, w.stack[i]) })
				}
				if !any {
					w.hits++
				}
			}
			w.slicesAlike(k, from, to)
			if k.binding != nil && (k.binding.Strength == "required" || w.v.lib.size(k.binding.ValueSet) <= small) {
				any := false
				for i := from; i < to && !any; i++ {
					any = w.within(k.binding, w.stack[i])
				}
				if !any {
					w.hits++
				}
			}
		})
		w.stack = w.stack[:from]
		if !ok {
			return false
		}
	}
	return selective
}

// Remarks are findings about what the Validator was given, and not about a record: profiles that were of no use.
func (v *Validator) Remarks() []*diag.Finding {
	v.mu.Lock()
	list := slices.Clone(v.remarks)
	v.mu.Unlock()
	for _, typ := range plan.Resources() {
		for _, a := range v.asked[typ] {
			if a.always && !a.use.Load() {
				list = append(list, diag.New("CP-FHIR-212", diag.Place{}, "the profile %s was asked for, and there is no %s that it could be applied to", a.title(), typ))
			}
		}
	}
	return list
}

// remark notes something about what the Validator was given, once.
func (v *Validator) remark(id diag.ID, format string, args ...any) {
	f := diag.New(id, diag.Place{}, format, args...)
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.ContainsFunc(v.remarks, func(x *diag.Finding) bool { return x.What == f.What }) {
		v.remarks = append(v.remarks, f)
	}
}

// extension checks an extension against its definition, wherever it stands.
func (w *walker) extension(x *dpb.Extension) {
	url := x.GetUrl().GetValue()
	if url == "" {
		return // which is said already
	}
	n := len(w.path)
	if !absolute(url) {
		if n > 1 && w.path[n-2].typ == extensionType() {
			return // a part of a complex extension, whose definition knows it
		}
		w.findAt("url", "CP-FHIR-118", "").WithValue(url)
		return
	}
	modifier := n > 0 && w.path[n-1].name == "modifierExtension"
	p := w.v.profileOf(url)
	if p == nil || p.typ != "Extension" {
		w.unchecked.note("extensions whose definitions are not here")
		if modifier {
			w.find("CP-FHIR-119", "")
		}
		return
	}
	w.against(p, item{reflect.ValueOf(x).Elem(), extensionType(), nil, -1})
	if n > 1 && !w.mayStand(p.sd) {
		w.find("CP-FHIR-213", "the extension %s may stand at %s", p.title(), contexts(p.sd))
	}
}

func contexts(s *Structure) string {
	var list []string
	for _, c := range s.Context {
		list = append(list, c.Expression)
	}
	return strings.Join(list, ", ")
}

// mayStand reports whether the extension at hand may stand where it does.
func (w *walker) mayStand(s *Structure) bool {
	holder := w.path[:len(w.path)-1]
	top := holder[len(holder)-1]
	if len(s.Context) == 0 || top.typ == nil {
		return true
	}
	for _, c := range s.Context {
		if c.Type != "element" {
			return true // a path or another extension
		}
		switch c.Expression {
		case "Element":
			return true
		case "BackboneElement":
			if strings.Contains(top.typ.Name, ".") {
				return true
			}
		case "Resource", "CanonicalResource", "MetadataResource":
			if top.typ.Kind == plan.Resource {
				return true
			}
		case "DomainResource":
			if top.typ.Kind == plan.Resource && top.typ.Element("modifierExtension") != nil {
				return true
			}
		}
		want := strings.ReplaceAll(c.Expression, "[x]", "")
		if want == top.typ.Name {
			return true
		}
		rest := ""
		for i := len(holder) - 1; i >= 0; i-- {
			if t := holder[i].typ; t != nil && t.Name+rest == want {
				return true
			}
			rest = "." + holder[i].name + rest
		}
	}
	return false
}
