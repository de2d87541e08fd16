package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"sort"
	"strings"
	"time"
)

// resource is one resource of a bundle, or contained in another, as a bag of leaves.
type resource struct {
	typ    string
	keys   []string // the names by which references find it: fullUrl, Type/id, id of an urn:uuid
	leaves []leaf
}

// leaf is one primitive: its path without indexes, below the resource, and its normalised value.
type leaf struct {
	path  string
	value string
	ref   bool // value is the text of a reference
}

// ownURL says of an extension's URL or of a code system that a converter made it up: its dialect, not content.
func ownURL(url string) bool {
	if strings.Contains(url, "://example.com/v2-to-fhir-converter") || strings.Contains(url, "reportstream.cdc.gov") ||
		strings.Contains(url, "ibm.com/fhir/cdm") || strings.Contains(url, "chartpost") {
		return true
	}
	return false
}

// standardExtension says of an extension's URL that HL7 published it. Only an extension within another has a bare name.
func standardExtension(url string, nested bool) bool {
	return nested && !strings.Contains(url, "://") || strings.Contains(url, "://hl7.org/fhir") && !ownURL(url)
}

// readBundle reads a bundle, or a lone resource, into its resources; the bundle itself comes first.
func readBundle(b []byte) ([]*resource, error) {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	var out []*resource
	addResource(&out, v, "", "")
	if err := checkTrailing(dec); err != nil {
		return nil, err
	}
	return out, nil
}

func checkTrailing(dec *json.Decoder) error {
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("something follows the first JSON value")
	}
	return nil
}

// addResource adds a resource, what it contains and, of a bundle, its entries.
func addResource(out *[]*resource, v map[string]any, fullURL, container string) {
	typ, _ := v["resourceType"].(string)
	r := &resource{typ: typ}
	*out = append(*out, r)
	id, _ := v["id"].(string)
	switch {
	case container != "":
		r.keys = append(r.keys, container+"#"+id)
	default:
		if id != "" {
			r.keys = append(r.keys, typ+"/"+id, "urn:uuid:"+id)
		}
		if fullURL != "" {
			r.keys = append(r.keys, fullURL)
		}
		container = strings.Join(r.keys, " ")
	}
	for k, x := range v {
		switch {
		case k == "resourceType" || k == "id" || k == "text" || k == "implicitRules":
		case k == "meta":
			// security labels (MSH-8) and tags (MSH-11) are content; when, by what and under which profile is not.
			if m, ok := x.(map[string]any); ok {
				for _, kk := range []string{"security", "tag"} {
					r.add("meta."+kk, m[kk], container)
				}
			}
		case typ == "Bundle" && (k == "type" || k == "link" || k == "total"):
		case typ == "Bundle" && k == "entry":
		case k == "contained":
		default:
			r.add(strings.TrimPrefix(k, "_"), x, container)
		}
	}
	sort.SliceStable(r.leaves, func(i, j int) bool {
		return r.leaves[i].path < r.leaves[j].path || r.leaves[i].path == r.leaves[j].path && r.leaves[i].value < r.leaves[j].value
	})
	list, _ := v["contained"].([]any)
	for _, c := range list {
		if m, ok := c.(map[string]any); ok {
			addResource(out, m, "", container)
		}
	}
	if typ == "Bundle" {
		entries, _ := v["entry"].([]any)
		for _, e := range entries {
			m, _ := e.(map[string]any)
			res, ok := m["resource"].(map[string]any)
			if !ok {
				continue
			}
			u, _ := m["fullUrl"].(string)
			addResource(out, res, u, "")
		}
	}
}

func (r *resource) add(path string, v any, container string) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		if sys, ok := v["system"].(string); ok && ownURL(sys) && path == "meta.tag" {
			return
		}
		for k, x := range v {
			switch k {
			case "id":
			case "div":
			case "extension", "modifierExtension":
				r.addExtensions(path, x, container)
			case "reference":
				if s, ok := x.(string); ok {
					if strings.HasPrefix(s, "#") {
						s = container + s
					}
					r.leaves = append(r.leaves, leaf{path, s, true})
				}
			default:
				name := strings.TrimPrefix(k, "_")
				if s, ok := x.(string); ok && ownURL(s) {
					continue // an invented system
				}
				r.add(path+"."+name, x, container)
			}
		}
	case []any:
		if strings.HasSuffix(path, "extension") {
			r.addExtensions(strings.TrimSuffix(strings.TrimSuffix(path, "extension"), "."), v, container)
			return
		}
		for _, x := range v {
			r.add(path, x, container)
		}
	case string:
		if s := normalText(v); s != "" {
			r.leaves = append(r.leaves, leaf{path, s, false})
		}
	case json.Number:
		r.leaves = append(r.leaves, leaf{path, normalNumber(v.String()), false})
	case bool:
		r.leaves = append(r.leaves, leaf{path, fmt.Sprint(v), false})
	}
}

func (r *resource) addExtensions(path string, v any, container string) {
	list, _ := v.([]any)
	for _, x := range list {
		m, _ := x.(map[string]any)
		url, _ := m["url"].(string)
		if !standardExtension(url, strings.HasSuffix(path, ")")) {
			continue
		}
		short := url[strings.LastIndexByte(url, '/')+1:]
		p := strings.TrimPrefix(path+".extension("+short+")", ".")
		for k, xx := range m {
			switch k {
			case "url", "id":
			case "extension":
				r.addExtensions(p, xx, container)
			default:
				r.add(p+"."+strings.TrimPrefix(k, "_"), xx, container)
			}
		}
	}
}

// instant matches a FHIR dateTime or instant that has a time.
var instant = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$`)

// normalText makes texts comparable: blanks run together, moments as UTC without empty fractions, OIDs and UUIDs without the
// urn: that FHIR wants before them (some of the expected values lack it).
func normalText(s string) string {
	if instant.MatchString(s) {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"} {
			if t, err := time.Parse(layout, s); err == nil {
				return t.UTC().Format(time.RFC3339Nano)
			}
		}
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "urn:oid:"), "urn:uuid:")
	return strings.Join(strings.Fields(s), " ")
}

// normalNumber makes numbers comparable: 1.0 is 1.
func normalNumber(s string) string {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(r.FloatString(20), "0"), ".")
}
