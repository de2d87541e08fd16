package v2fhir

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// mediaTypes are the types of referenced data (table 0191) that are not names of media types themselves.
var mediaTypes = map[string]string{"ap": "application", "au": "audio", "ft": "text", "im": "image", "ns": "application", "sd": "application",
	"si": "image", "tx": "text", "multipart": "multipart", "application": "application", "audio": "audio", "image": "image", "text": "text",
	"video": "video", "message": "message", "model": "model", "font": "font"}

var subtypes = map[string]string{"jpg": "jpeg", "htm": "html", "tif": "tiff", "text": "plain", "txt": "plain", "postscript": "postscript"}

// mediaType is the media type that a type of data and its subtype (table 0291) mean, with the parameters that stand behind it, empty if they mean none.
func mediaType(typ, sub string) string {
	sub, parameters, more := strings.Cut(sub, ";")
	t, s := strings.ToLower(typ), strings.ToLower(sub)
	if strings.Contains(s, "/") {
		t, s, _ = strings.Cut(s, "/")
	} else if strings.Contains(t, "/") {
		t, s, _ = strings.Cut(t, "/")
	}
	if mediaTypes[t] == "" && s == "" {
		t, s = "", t // PDF alone
	}
	main := mediaTypes[t]
	if known := subtypes[s]; known != "" {
		s = known
	}
	if main == "" {
		switch s {
		case "pdf", "rtf", "octet-stream", "zip", "xml", "json", "dicom":
			main = "application"
		case "jpeg", "png", "gif", "tiff", "bmp":
			main = "image"
		case "html", "plain":
			main = "text"
		}
	}
	if main == "text" && s == "" {
		s = "plain"
	}
	if main == "" || s == "" || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-") != "" {
		return ""
	}
	if more {
		s += ";" + parameters
	}
	return main + "/" + s
}

// media reads or writes the media type of an attachment from two components. What they say beyond it stands in extensions.
type media struct{ typ, sub string }

func (m media) read(c *mapping.Context, n tree.Node, a *dpb.Attachment) bool {
	typ, typLeaf := part(c, n, m.typ)
	sub, subLeaf := part(c, n, m.sub)
	mime := mediaType(typ, sub)
	main, rest, _ := strings.Cut(mime, "/")
	if mime != "" {
		a.ContentType = &dpb.Attachment_ContentTypeCode{Value: mime}
	}
	if typ != "" && typ != main {
		a.Extension = append(a.Extension, stringExt("data-type", typ))
	}
	// The way back leaves the subtype out where the type alone says it: one that was there all the same must say so.
	if sub != "" && (sub != rest || typ != main && mediaType(typ, "") == mime) {
		a.Extension = append(a.Extension, stringExt("data-subtype", sub))
	}
	carry(c, "", typLeaf, subLeaf)
	return typ != "" || sub != ""
}

func (m media) write(c *mapping.Context, a *dpb.Attachment, n tree.Node) bool {
	main, rest, _ := strings.Cut(a.GetContentType().GetValue(), "/")
	typ, typExt := extText(a.Extension, "data-type")
	sub, subExt := extText(a.Extension, "data-subtype")
	if typExt == nil {
		typ = main
	}
	if subExt == nil {
		if sub = rest; mediaType(typ, "") == a.GetContentType().GetValue() && typExt != nil {
			sub = "" // the type alone said it
		}
	}
	if typ == "" && sub == "" || !setPart(c, n, m.typ, typ) || !setPart(c, n, m.sub, sub) {
		return false
	}
	for _, x := range []*dpb.Extension{typExt, subExt} {
		if x != nil {
			c.Claim(x)
		}
	}
	if a.ContentType != nil {
		c.ClaimValue(a.ContentType)
	}
	return true
}

func readMedia(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	a, ok := dst.(*dpb.Attachment)
	return ok && media{"3", "4"}.read(c, n, a)
}

func writeMedia(c *mapping.Context, src proto.Message, n tree.Node) bool {
	a, ok := src.(*dpb.Attachment)
	return ok && media{"3", "4"}.write(c, a, n)
}

// early finds the encoding and the data of an ED where a sender has left out components before them (^PDF^Base64^JVBERi0=): the encoding is
// Base64 or Hex, and what follows it is so written and the last. The components before it are the type.
func early(d *tree.Doc, n tree.Node) (encoding, data tree.Node, bytes []byte, ok bool) {
	for at, name := range []string{"2", "3"} {
		if encoding = d.Child(n, name); encoding == 0 || d.First(encoding) != 0 {
			continue
		}
		switch strings.ToLower(d.Text(encoding)) {
		case "base64", "hex":
			if data = d.Next(encoding); data == 0 || d.Name(data) != strconv.Itoa(at+3) || d.First(data) != 0 || d.Next(data) != 0 {
				return 0, 0, nil, false
			}
			bytes, _, ok = decodeData(d.Text(encoding), d.Text(data))
			return encoding, data, bytes, ok
		}
	}
	return 0, 0, nil, false
}

// readEarly is readData for such an ED. It comes back with each component in its place.
func readEarly(c *mapping.Context, n tree.Node, a *dpb.Attachment) bool {
	encoding, data, bytes, ok := early(c.Doc, n)
	if !ok {
		return false
	}
	if c.Doc.Name(encoding) == "3" {
		media{"2", "none"}.read(c, n, a)
	} else if mime := mediaType(textAt(c.Doc, n, "1"), ""); mime != "" {
		a.ContentType = &dpb.Attachment_ContentTypeCode{Value: mime}
	}
	a.Data = &dpb.Base64Binary{Value: bytes}
	if text := c.Doc.Text(encoding); text != "Base64" {
		a.Extension = append(a.Extension, stringExt("ED-4", text))
	}
	carry(c, "comes back in the component that is for it", encoding, data)
	return true
}

// readData reads ED.2 to ED.5. The data are bytes in FHIR; how they were written, if not in Base64, stands in an extension.
func readData(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	a, ok := dst.(*dpb.Attachment)
	if !ok {
		return false
	}
	if readEarly(c, n, a) {
		return true
	}
	any := media{"2", "3"}.read(c, n, a)
	encoding, encodingLeaf := part(c, n, "4")
	text, leaves := undivided(c.Doc, n, "5")
	if text == "" {
		if encoding != "" {
			a.Extension = append(a.Extension, stringExt("ED-4", encoding))
			carry(c, "", encodingLeaf)
			any = true
		}
		return any
	}
	data, why, ok := decodeData(encoding, text)
	if !ok {
		for _, leaf := range leaves {
			c.Doc.Mark(leaf, tree.Invalid, "not in the encoding that component 4 names")
		}
		if encoding != "" {
			a.Extension = append(a.Extension, stringExt("ED-4", encoding))
			carry(c, "", encodingLeaf)
		}
		return any
	}
	a.Data = &dpb.Base64Binary{Value: data}
	if encoding != "Base64" && encoding != "" {
		a.Extension = append(a.Extension, stringExt("ED-4", encoding))
	}
	carry(c, "", encodingLeaf)
	if why == "" && len(leaves) > 1 {
		why = "what divides it comes back escaped, as part of the text"
	}
	carry(c, why, leaves...)
	return true
}

// undivided is the text of a component that has no parts by its type, with its leaves. QUIRK: chapter 2.7 wants a subcomponent separator in it
// escaped; who sends XML or HTML as text often leaves its & as it is.
func undivided(d *tree.Doc, n tree.Node, name string) (text string, leaves []tree.Node) {
	k := d.Find(n, 0, &tree.Step{Name: name})
	if k == 0 || d.Text(k) == d.Null {
		return "", nil
	}
	if d.First(k) == 0 {
		return d.Text(k), []tree.Node{k}
	}
	separator := "&"
	if msh2 := textAt(d, d.Child(tree.Root, "MSH"), "2"); len(msh2) > 3 {
		separator = msh2[3:4]
	}
	var b strings.Builder
	at := 1
	for part := d.First(k); part != 0; part = d.Next(part) {
		for number, _ := strconv.Atoi(d.Name(part)); at < number; at++ {
			b.WriteString(separator)
		}
		b.WriteString(d.Text(part))
		if !d.Empty(part) {
			leaves = append(leaves, part)
		}
	}
	return b.String(), leaves
}

// decodeData gives the bytes of ED.5 by ED.4: A (or nothing) is text as it is, Hex, Base64. why says what does not come back.
func decodeData(encoding, text string) (data []byte, why string, ok bool) {
	switch strings.ToLower(encoding) {
	case "base64":
		compact := strings.NewReplacer(`\.br\`, "", "\r", "", "\n", "", " ", "", "\t", "").Replace(text)
		data, err := base64.StdEncoding.DecodeString(compact)
		if err != nil {
			if data, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(compact, "=")); err != nil {
				return nil, "", false
			}
		}
		if base64.StdEncoding.EncodeToString(data) != text {
			why = "comes back without line breaks"
		}
		return data, why, len(data) > 0
	case "hex":
		data, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
		if err == nil && hex.EncodeToString(data) != text {
			why = "comes back in small letters, without blanks"
		}
		return data, why, err == nil
	}
	if encoding == "" {
		why = "comes back with its encoding"
	}
	return []byte(text), why, true
}

func writeData(c *mapping.Context, src proto.Message, n tree.Node) bool {
	a, ok := src.(*dpb.Attachment)
	if !ok {
		return false
	}
	any := media{"2", "3"}.write(c, a, n)
	encoding, x := extText(a.Extension, "ED-4")
	if len(a.GetData().GetValue()) == 0 {
		if x != nil && setPart(c, n, "4", encoding) {
			c.Claim(x)
			any = true
		}
		return any
	}
	if x == nil {
		encoding = "Base64"
		if s := a.GetContentType().GetValue(); s == "" && isText(a.Data.Value) {
			encoding = "A"
		}
	}
	text := ""
	switch strings.ToLower(encoding) {
	case "base64":
		text = base64.StdEncoding.EncodeToString(a.Data.Value)
	case "hex":
		text = hex.EncodeToString(a.Data.Value)
	default:
		text = string(a.Data.Value)
	}
	if !setPart(c, n, "4", encoding) || !setPart(c, n, "5", text) {
		return any
	}
	if x != nil {
		c.Claim(x)
	}
	c.ClaimValue(a.Data)
	return true
}

func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' {
			return false
		}
	}
	return true
}

// --- VALUES, SNTEXT, VRTEXT ---

// readValues reads a numeric array as sampled data: one dimension, an E where a value is missing.
func readValues(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.SampledData)
	if !ok {
		return false
	}
	var values []string
	add := func(name string, k tree.Node) {
		for len(values) < number999(name)-1 {
			values = append(values, "E")
		}
		s := hl7.Number(c.Doc.LeafText(k))
		why := ""
		if s == "" {
			s = "E"
		} else if s != c.Doc.LeafText(k) {
			why = "comes back in its normal form"
		}
		values = append(values, s)
		carry(c, why, c.Doc.Leaf(k))
	}
	if c.Doc.First(n) == 0 {
		if c.Doc.Text(n) == "" {
			return false
		}
		add("1", n)
	}
	for k := c.Doc.First(n); k != 0; k = c.Doc.Next(k) {
		add(c.Doc.Name(k), k)
	}
	d.Data, d.Dimensions = str(strings.Join(values, " ")), &dpb.PositiveInt{Value: 1}
	return true
}

// number999 is the number that names a component.
func number999(s string) int {
	n := 0
	for i := range len(s) {
		if n = n*10 + int(s[i]-'0'); n > 999 || s[i] < '0' || s[i] > '9' {
			return 0
		}
	}
	return n
}

func writeValues(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.SampledData)
	if !ok || d.GetData().GetValue() == "" || d.GetDimensions().GetValue() > 1 {
		return false
	}
	for i, s := range strings.Fields(d.GetData().GetValue()) {
		if s == "E" {
			continue
		}
		if s == "U" || s == "L" {
			return false // above and below a limit: a numeric array knows neither
		}
		if !setPart(c, n, component(i+1), s) {
			return false
		}
	}
	claim(c, d.Data, d.Dimensions)
	return true
}

// component is the name of the i-th component.
func component(i int) string {
	if i < 10 {
		return string(rune('0' + i))
	}
	return component(i/10) + component(i%10)
}

// joined is a pair for a value that is its components joined by a mark.
func readJoined(c *mapping.Context, n tree.Node, dst proto.Message, names []string, mark string) bool {
	d, ok := dst.(*dpb.String)
	if !ok {
		return false
	}
	var parts []string
	for _, name := range names {
		s, leaf := part(c, n, name)
		parts = append(parts, s)
		why := ""
		if strings.Contains(s, mark) {
			why = "runs together with its neighbour"
		}
		carry(c, why, leaf)
	}
	d.Value = strings.TrimRight(strings.Join(parts, mark), mark)
	return d.Value != ""
}

func writeJoined(c *mapping.Context, src proto.Message, n tree.Node, names []string, mark string) bool {
	d, ok := src.(*dpb.String)
	if !ok || d.Value == "" {
		return false
	}
	parts := strings.Split(d.Value, mark)
	if len(parts) > len(names) {
		return false
	}
	for i, s := range parts {
		if !setPart(c, n, names[i], s) {
			return false
		}
	}
	c.ClaimValue(d)
	return true
}

func readSNText(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	return readJoined(c, n, dst, []string{"1", "2", "3", "4"}, " ")
}

func writeSNText(c *mapping.Context, src proto.Message, n tree.Node) bool {
	return writeJoined(c, src, n, []string{"1", "2", "3", "4"}, " ")
}

func readVRText(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	return readJoined(c, n, dst, []string{"1", "2"}, "-")
}

func writeVRText(c *mapping.Context, src proto.Message, n tree.Node) bool {
	return writeJoined(c, src, n, []string{"1", "2"}, "-")
}
