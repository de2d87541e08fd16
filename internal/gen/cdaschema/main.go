// Command cdaschema turns the XML schema of CDA R2 with the SDTC extensions (CDA_SDTC.xsd and what it includes) into
// pkg/ccda/schema/types.txt: the facts of its types, one to a block, without its documentation.
//
//	go run ./internal/gen/cdaschema ../shared/referee/ccda/xsd/infrastructure/cda/CDA_SDTC.xsd > pkg/ccda/schema/types.txt
package main

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// element is a node of a schema file.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []*element `xml:",any"`
	prefix   string     // of the names that the file defines: "" for urn:hl7-org:v3, "sdtc:" for its extensions
	bindings map[string]string
}

func (e *element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// qname is a reference to a name, with the prefix that types.txt knows it by.
func (e *element) qname(ref string) string {
	p, local, ok := strings.Cut(ref, ":")
	if !ok {
		return e.prefix + ref
	}
	switch e.bindings[p] {
	case "urn:hl7-org:v3":
		return local
	case "urn:hl7-org:sdtc":
		return "sdtc:" + local
	case "http://www.w3.org/2001/XMLSchema":
		return "xs:" + local
	}
	log.Fatalf("the prefix of %s is not bound", ref)
	return ""
}

type schema struct {
	types, elements, attributes map[string]*element
	read                        map[string]bool
	out                         *bufio.Writer
	pending                     []named // anonymous types
}

type named struct {
	name string
	e    *element
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: cdaschema CDA_SDTC.xsd > types.txt")
	}
	s := &schema{map[string]*element{}, map[string]*element{}, map[string]*element{}, map[string]bool{}, bufio.NewWriter(os.Stdout), nil}
	s.load(os.Args[1])
	fmt.Fprintln(s.out, "# CDA R2 with the SDTC extensions, from CDA_SDTC.xsd by internal/gen/cdaschema. schema.go says how to read it.")
	for _, name := range sorted(s.elements) {
		if e := s.elements[name]; e.prefix == "" {
			fmt.Fprintf(s.out, "root %s %s\n", name, s.typeOf(name, e))
		}
	}
	for _, name := range sorted(s.types) {
		s.write(name, s.types[name])
	}
	for len(s.pending) > 0 {
		p := s.pending[0]
		s.pending = s.pending[1:]
		s.write(p.name, p.e)
	}
	if err := s.out.Flush(); err != nil {
		log.Fatal(err)
	}
}

func sorted(m map[string]*element) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (s *schema) load(file string) {
	if s.read[file] {
		return
	}
	s.read[file] = true
	b, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	root := new(element)
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // ASCII
	if err := d.Decode(root); err != nil {
		log.Fatalf("%s: %v", file, err)
	}
	bindings := map[string]string{}
	for _, a := range root.Attrs {
		if a.Name.Space == "xmlns" {
			bindings[a.Name.Local] = a.Value
		}
	}
	prefix := ""
	if root.attr("targetNamespace") == "urn:hl7-org:sdtc" {
		prefix = "sdtc:"
	}
	var mark func(e *element)
	mark = func(e *element) {
		e.prefix, e.bindings = prefix, bindings
		for _, c := range e.Children {
			mark(c)
		}
	}
	mark(root)
	for _, e := range root.Children {
		switch name := prefix + e.attr("name"); e.XMLName.Local {
		case "include", "import":
			if at := e.attr("schemaLocation"); at != "" {
				s.load(filepath.Join(filepath.Dir(file), at))
			}
		case "complexType", "simpleType":
			s.types[name] = e
		case "element":
			s.elements[name] = e
		case "attribute":
			s.attributes[name] = e
		}
	}
}

// typeOf is the name of an element's or attribute's type; an anonymous one gets the name of its owner.
func (s *schema) typeOf(owner string, e *element) string {
	if t := e.attr("type"); t != "" {
		return e.qname(t)
	}
	for _, c := range e.Children {
		if c.XMLName.Local == "complexType" || c.XMLName.Local == "simpleType" {
			name := owner
			if s.types[name] != nil {
				name += "."
			}
			s.pending = append(s.pending, named{name, c})
			return name
		}
	}
	return "xs:string"
}

func (s *schema) write(name string, e *element) {
	if e.XMLName.Local == "simpleType" {
		s.simple(name, e)
		return
	}
	fmt.Fprintf(s.out, "\ntype %s", name)
	body := e
	mixed := e.attr("mixed") == "true"
	for _, c := range e.Children {
		if c.XMLName.Local != "complexContent" && c.XMLName.Local != "simpleContent" {
			continue
		}
		mixed = mixed || c.attr("mixed") == "true"
		for _, d := range c.Children {
			if how := d.XMLName.Local; how == "extension" || how == "restriction" {
				fmt.Fprintf(s.out, " %s %s", how, d.qname(d.attr("base")))
				body = d
			}
		}
		if c.XMLName.Local == "simpleContent" {
			fmt.Fprint(s.out, " simple")
		}
	}
	if mixed {
		fmt.Fprint(s.out, " mixed")
	}
	if e.attr("abstract") == "true" {
		fmt.Fprint(s.out, " abstract")
	}
	fmt.Fprintln(s.out)
	var content []string
	for _, c := range body.Children {
		switch c.XMLName.Local {
		case "sequence", "choice":
			content = append(content, s.particle(name, c))
		case "attribute":
			s.attribute(name, c)
		case "annotation", "complexContent", "simpleContent":
		default:
			log.Fatalf("%s: %s is not known here", name, c.XMLName.Local)
		}
	}
	if len(content) > 0 {
		fmt.Fprintf(s.out, "%s\n", strings.Join(content, " "))
	}
}

func (s *schema) attribute(owner string, a *element) {
	name := a.attr("name")
	def := a
	if ref := a.attr("ref"); ref != "" {
		name = a.qname(ref)
		if strings.HasPrefix(ref, "xml:") {
			name, def = ref, nil
		} else if def = s.attributes[name]; def == nil {
			log.Fatalf("%s: no attribute is called %s", owner, name)
		}
	}
	typ := "xs:string"
	if def != nil {
		typ = s.typeOf(owner+"@"+name, def)
	}
	fmt.Fprintf(s.out, "@%s %s", name, typ)
	switch a.attr("use") {
	case "required", "prohibited":
		fmt.Fprintf(s.out, " %s", a.attr("use"))
	}
	for _, k := range []string{"default", "fixed"} {
		if v := a.attr(k); v != "" {
			fmt.Fprintf(s.out, " %s=%s", k, v)
		}
	}
	fmt.Fprintln(s.out)
}

func (s *schema) particle(owner string, e *element) string {
	var text string
	switch e.XMLName.Local {
	case "sequence", "choice":
		var parts []string
		for _, c := range e.Children {
			if c.XMLName.Local != "annotation" {
				parts = append(parts, s.particle(owner, c))
			}
		}
		sep := " "
		if e.XMLName.Local == "choice" {
			sep = "|"
		}
		text = "(" + strings.Join(parts, sep) + ")"
	case "element":
		name, typ := e.prefix+e.attr("name"), ""
		if ref := e.attr("ref"); ref != "" {
			name = e.qname(ref)
			def := s.elements[name]
			if def == nil {
				log.Fatalf("%s: no element is called %s", owner, name)
			}
			typ = s.typeOf(name, def)
		} else {
			typ = s.typeOf(owner+"."+e.attr("name"), e)
		}
		text = name + "=" + typ
	case "any":
		text = "*=*"
	default:
		log.Fatalf("%s: %s is no particle", owner, e.XMLName.Local)
	}
	least, most := e.attr("minOccurs"), e.attr("maxOccurs")
	switch {
	case least == "0" && most == "unbounded":
		text += "*"
	case least == "0" && (most == "" || most == "1"):
		text += "?"
	case least == "0" && most == "0":
		text += "{0}"
	case (least == "" || least == "1") && most == "unbounded":
		text += "+"
	case (least == "" || least == "1") && (most == "" || most == "1"):
	default:
		if least == "" {
			least = "1"
		}
		if most == "unbounded" {
			most = ""
		}
		text += "{" + least + "," + most + "}"
	}
	return text
}

func (s *schema) simple(name string, e *element) {
	fmt.Fprintf(s.out, "\nsimple %s", name)
	inner := 0
	own := func(c *element) string {
		inner++
		n := fmt.Sprintf("%s.%d", name, inner)
		s.pending = append(s.pending, named{n, c})
		return n
	}
	for _, c := range e.Children {
		switch c.XMLName.Local {
		case "restriction":
			if base := c.attr("base"); base != "" {
				fmt.Fprintf(s.out, " restriction %s", c.qname(base))
			}
			var values []string
			for _, f := range c.Children {
				switch f.XMLName.Local {
				case "enumeration":
					values = append(values, f.attr("value"))
				case "pattern":
					fmt.Fprintf(s.out, " pattern=%s", f.attr("value"))
				case "simpleType":
					fmt.Fprintf(s.out, " restriction %s", own(f))
				case "annotation":
				default:
					fmt.Fprintf(s.out, " %s=%s", f.XMLName.Local, f.attr("value"))
				}
			}
			if len(values) > 0 {
				fmt.Fprintf(s.out, "\n%s", strings.Join(values, " "))
			}
		case "union":
			members := strings.Fields(c.attr("memberTypes"))
			for i := range members {
				members[i] = c.qname(members[i])
			}
			for _, d := range c.Children {
				if d.XMLName.Local == "simpleType" {
					members = append(members, own(d))
				}
			}
			fmt.Fprintf(s.out, " union %s", strings.Join(members, " "))
		case "list":
			item := c.attr("itemType")
			if item != "" {
				item = c.qname(item)
			} else {
				for _, d := range c.Children {
					if d.XMLName.Local == "simpleType" {
						item = own(d)
					}
				}
			}
			fmt.Fprintf(s.out, " list %s", item)
		}
	}
	fmt.Fprintln(s.out)
}
