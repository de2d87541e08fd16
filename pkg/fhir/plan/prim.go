package plan

import (
	"encoding/base64"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	apb "github.com/google/fhir/go/proto/google/fhir/proto/annotations_go_proto"
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// PrimKind is the kind of a primitive's value.
type PrimKind uint8

const (
	String   PrimKind = iota + 1 // string, uri, url, canonical, id, oid, uuid, markdown, xhtml, and codes of open value sets
	Boolean                      // boolean
	Integer                      // integer
	Unsigned                     // positiveInt, unsignedInt
	Decimal                      // decimal: kept as it was written
	Base64                       // base64Binary
	Date                         // date
	DateTime                     // dateTime
	Instant                      // instant
	Time                         // time
	Code                         // a code of a value set that FHIR requires: an enum of the hub
)

// Prim knows how one primitive type stands in its struct, and FHIR's own text for it. Whoever is not on a hot path speaks
// nothing but that text.
type Prim struct {
	Kind             PrimKind
	Name             string // FHIR's name: dateTime, positiveInt, code
	value, zone, pre int    // struct fields; zone is -1 where there is none
	ext, id          int
	codes            map[string]int32
	shape            shape
	words            []string // by enum number
}

// Value is a primitive's value that was checked but is not stored yet.
type Value struct {
	S         string // of String, Decimal; the bytes of Base64
	I         int64  // of Boolean (0, 1), Integer, Unsigned, Code (the enum's number), and microseconds of the times
	Zone      string // of Date, DateTime, Instant: Z, +05:00; UTC where the text has none
	Precision int32  // the hub's enum
	Lexical   string // the text as it was, if the hub's own form of the value would be written otherwise
}

// The extensions that stand in the hub alone: never in JSON, and hidden from rows, paths and people.
const (
	// NoValueURL marks a primitive that has only extensions, as jsonformat does.
	NoValueURL = "https://g.co/fhir/StructureDefinition/primitiveHasNoValue"
	// LexicalURL keeps the text of a value that the hub cannot hold as it was written: .1234 seconds, 23:59:60, -00:00.
	LexicalURL = "https://chartpost.org/fhir/hub/lexical"
)

// IsInternal reports an extension that stands in the hub alone.
func IsInternal(x *dpb.Extension) bool {
	u := x.GetUrl().GetValue()
	return u == NoValueURL || u == LexicalURL || strings.HasPrefix(u, "https://g.co/fhir/StructureDefinition/base64Binary-")
}

var primKinds = map[string]PrimKind{"Boolean": Boolean, "Integer": Integer, "PositiveInt": Unsigned, "UnsignedInt": Unsigned, "Decimal": Decimal,
	"Base64Binary": Base64, "Date": Date, "DateTime": DateTime, "Instant": Instant, "Time": Time}

func buildPrim(rt reflect.Type, md protoreflect.MessageDescriptor) *Prim {
	p := &Prim{Kind: primKinds[string(md.Name())], Name: lower(string(md.Name())), zone: -1, pre: -1}
	at := func(name string) int {
		if f, ok := rt.FieldByName(name); ok {
			return f.Index[0]
		}
		return -1
	}
	p.value, p.ext, p.id = at("Value"), at("Extension"), at("Id")
	switch p.Kind {
	case Date, DateTime, Instant, Time:
		p.value, p.zone, p.pre = at("ValueUs"), at("Timezone"), at("Precision")
	case 0:
		p.Kind = String
		fd := md.Fields().ByName("value")
		if md.Parent() != md.ParentFile() || strings.HasSuffix(string(md.Name()), "Code") {
			p.Name = "code"
		}
		if fd != nil && fd.Enum() != nil {
			p.Kind, p.Name, p.codes = Code, "code", map[string]int32{}
			vs := fd.Enum().Values()
			for i := range vs.Len() {
				v := vs.Get(i)
				if v.Number() == 0 {
					continue
				}
				w, _ := proto.GetExtension(v.Options(), apb.E_FhirOriginalCode).(string)
				if w == "" {
					w = strings.ReplaceAll(strings.ToLower(string(v.Name())), "_", "-")
				}
				for len(p.words) <= int(v.Number()) {
					p.words = append(p.words, "")
				}
				p.codes[w], p.words[v.Number()] = int32(v.Number()), w
			}
		}
	}
	p.shape = shapes[p.Name]
	return p
}

// Words are the codes that a Code may be.
func (p *Prim) Words() []string {
	var ws []string
	for _, w := range p.words {
		if w != "" {
			ws = append(ws, w)
		}
	}
	return ws
}

// Errors of Parse. They name the type, never the value.
var (
	errBoolean  = errors.New("not a boolean")
	errInteger  = errors.New("not a whole number of 32 bits")
	errUnsigned = errors.New("not a whole number from 0")
	errPositive = errors.New("not a whole number from 1")
	errDecimal  = errors.New("not a decimal")
	errBase64   = errors.New("not base64")
	errDate     = errors.New("not a date")
	errDateTime = errors.New("not a dateTime")
	errInstant  = errors.New("not an instant")
	errTime     = errors.New("not a time")
	errCode     = errors.New("not a code of this element")
	errEmpty    = errors.New("empty")
)

// Parse checks FHIR's text of a value without storing it, so that a bad value leaves no empty element behind.
func (p *Prim) Parse(s string) (v Value, err error) {
	if s == "" {
		return v, errEmpty
	}
	switch p.Kind {
	case String:
		v.S = s
	case Boolean:
		switch s {
		case "true":
			v.I = 1
		case "false":
		default:
			return v, errBoolean
		}
	case Integer:
		if v.I, err = strconv.ParseInt(s, 10, 32); err != nil || s[0] == '+' || strconv.FormatInt(v.I, 10) != s {
			return v, errInteger
		}
	case Unsigned:
		if v.I, err = strconv.ParseInt(s, 10, 32); err != nil || v.I < 0 || strconv.FormatInt(v.I, 10) != s {
			return v, errUnsigned
		}
		if v.I == 0 && p.Name == "positiveInt" {
			return v, errPositive
		}
	case Decimal:
		if !isDecimal(s) {
			return v, errDecimal
		}
		v.S = s
	case Base64:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			compact := strings.Map(func(r rune) rune {
				if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
					return -1
				}
				return r
			}, s)
			if b, err = base64.StdEncoding.DecodeString(compact); err != nil {
				return v, errBase64
			}
			v.Lexical = s
		}
		v.S = string(b)
	case Code:
		n, ok := p.codes[s]
		if !ok {
			return v, errCode
		}
		v.I = int64(n)
	default:
		return parseTime(p.Kind, s)
	}
	return v, nil
}

// shape is what FHIR demands of the text of a String.
type shape uint8

const (
	anyText  shape = iota
	noBlank        // uri, url, canonical
	codeText       // code: single blanks between words
	idText         // id
	oidText        // oid
	uuidText       // uuid
)

var shapes = map[string]shape{"uri": noBlank, "url": noBlank, "canonical": noBlank, "code": codeText, "id": idText, "oid": oidText, "uuid": uuidText}

// MaxString is FHIR's limit for the length of a string, in bytes. Markdown, base64Binary and xhtml have none.
const MaxString = 1 << 20

// WellFormed checks the text of a primitive whose Kind is String against the regular expression that FHIR gives for its type
// (datatypes.html); of other kinds Parse takes nothing else.
func (p *Prim) WellFormed(s string) bool {
	switch p.shape {
	case noBlank, codeText:
		for i := 0; i < len(s); i++ {
			if c := s[i]; c <= ' ' {
				if c < '\t' || c > '\r' && c != ' ' || p.shape == noBlank || i == 0 || i == len(s)-1 || s[i-1] <= ' ' {
					return false
				}
			}
		}
		return true
	case idText:
		for i := 0; i < len(s); i++ {
			if c := s[i]; !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.') {
				return false
			}
		}
		return len(s) <= 64
	case oidText:
		rest, ok := strings.CutPrefix(s, "urn:oid:")
		if !ok || len(rest) < 3 || rest[0] < '0' || rest[0] > '2' || rest[1] != '.' {
			return false
		}
		for arc := range strings.SplitSeq(rest[2:], ".") {
			if arc == "" || arc[0] == '0' && len(arc) > 1 || strings.Trim(arc, "0123456789") != "" {
				return false
			}
		}
		return true
	case uuidText:
		rest, ok := strings.CutPrefix(s, "urn:uuid:")
		if !ok || len(rest) != 36 {
			return false
		}
		for i := 0; i < len(rest); i++ {
			c := rest[i]
			if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
				return false
			}
		}
		return true
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return len(s) <= MaxString || p.Name != "string"
}

// isDecimal checks the grammar of FHIR's decimal, which is JSON's number.
func isDecimal(s string) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	from := i
	if !digits() || s[from] == '0' && i > from+1 {
		return false
	}
	if i < len(s) && s[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(s)
}

// Store puts a value into the struct.
func (p *Prim) Store(v reflect.Value, x Value) {
	f := v.Field(p.value)
	if p.ZeroIsValue() && p.ext >= 0 && v.Field(p.ext).Len() > 0 {
		p.unmark(v)
	}
	switch p.Kind {
	case String, Decimal:
		f.SetString(x.S)
	case Boolean:
		f.SetBool(x.I != 0)
	case Unsigned:
		f.SetUint(uint64(x.I))
	case Base64:
		f.SetBytes([]byte(x.S))
	case Integer, Code:
		f.SetInt(x.I)
	default:
		f.SetInt(x.I)
		v.Field(p.pre).SetInt(int64(x.Precision))
		if p.zone >= 0 {
			v.Field(p.zone).SetString(x.Zone)
		}
	}
	if x.Lexical != "" && p.ext >= 0 {
		p.addInternal(v, &dpb.Extension{Url: &dpb.Uri{Value: LexicalURL},
			Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_StringValue{StringValue: &dpb.String{Value: x.Lexical}}}})
	}
}

// Load gives the value as Store put it, without Lexical. It is nothing to go by where HasValue says no.
func (p *Prim) Load(v reflect.Value) (x Value) {
	f := v.Field(p.value)
	switch p.Kind {
	case String, Decimal:
		x.S = f.String()
	case Boolean:
		if f.Bool() {
			x.I = 1
		}
	case Unsigned:
		x.I = int64(f.Uint())
	case Base64:
		x.S = string(f.Bytes())
	case Integer, Code:
		x.I = f.Int()
	default:
		x.I, x.Precision = f.Int(), int32(v.Field(p.pre).Int())
		if p.zone >= 0 {
			x.Zone = v.Field(p.zone).String()
		}
	}
	return x
}

// TextOf is the text of a value that Parse gave.
func (p *Prim) TextOf(x Value) string {
	switch p.Kind {
	case String, Decimal:
		return x.S
	case Code:
		return p.words[x.I]
	}
	if x.Lexical != "" {
		return x.Lexical
	}
	switch p.Kind {
	case Boolean:
		return strconv.FormatBool(x.I != 0)
	case Integer, Unsigned:
		return strconv.FormatInt(x.I, 10)
	case Base64:
		return base64.StdEncoding.EncodeToString([]byte(x.S))
	}
	return string(appendTime(nil, p.Kind, x.I, x.Precision, x.Zone))
}

// MarkNoValue says that the primitive has no value, only extensions.
func (p *Prim) MarkNoValue(v reflect.Value) {
	if p.ext >= 0 && !p.marked(v) {
		p.addInternal(v, &dpb.Extension{Url: &dpb.Uri{Value: NoValueURL},
			Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}})
	}
}

func (p *Prim) addInternal(v reflect.Value, x *dpb.Extension) {
	push(v.Field(p.ext), reflect.ValueOf(x))
}

func (p *Prim) internal(v reflect.Value, url string) *dpb.Extension {
	if p.ext < 0 {
		return nil
	}
	if f := v.Field(p.ext); f.Len() > 0 {
		for _, x := range f.Interface().([]*dpb.Extension) {
			if x.GetUrl().GetValue() == url {
				return x
			}
		}
	}
	return nil
}

// Extended reports whether the primitive has an id or extensions that are not the hub's own.
func (p *Prim) Extended(v reflect.Value) bool {
	if p.id >= 0 && !v.Field(p.id).IsNil() {
		return true
	}
	if p.ext < 0 || v.Field(p.ext).Len() == 0 {
		return false
	}
	for _, x := range v.Field(p.ext).Interface().([]*dpb.Extension) {
		if !IsInternal(x) {
			return true
		}
	}
	return false
}

// Extras are the id and the extensions of the primitive, with the hub's own.
func (p *Prim) Extras(v reflect.Value) (id *dpb.String, ext []*dpb.Extension) {
	if p.id >= 0 {
		id, _ = v.Field(p.id).Interface().(*dpb.String)
	}
	if p.ext >= 0 && v.Field(p.ext).Len() > 0 {
		ext, _ = v.Field(p.ext).Interface().([]*dpb.Extension)
	}
	return id, ext
}

// ZeroIsValue reports a primitive that has a value unless it is marked: without one it would be false or 0.
func (p *Prim) ZeroIsValue() bool {
	return p.Kind == Boolean || p.Kind == Integer || p.Kind == Unsigned
}

// unmark takes back that the primitive has no value.
func (p *Prim) unmark(v reflect.Value) {
	list := v.Field(p.ext).Addr().Interface().(*[]*dpb.Extension)
	*list = slices.DeleteFunc(*list, func(x *dpb.Extension) bool { return x.GetUrl().GetValue() == NoValueURL })
}

func (p *Prim) marked(v reflect.Value) bool { return p.internal(v, NoValueURL) != nil }

// HasValue reports whether the primitive has a value, and not extensions alone.
func (p *Prim) HasValue(v reflect.Value) bool {
	switch f := v.Field(p.value); p.Kind {
	case String, Decimal:
		return f.Len() > 0
	case Base64:
		return f.Len() > 0
	case Code:
		return f.Int() != 0
	case Date, DateTime, Instant, Time:
		return v.Field(p.pre).Int() != 0
	}
	return !p.marked(v)
}

// Text is FHIR's text of the primitive, empty if it has no value.
func (p *Prim) Text(v reflect.Value) string {
	switch f := v.Field(p.value); p.Kind {
	case String, Decimal:
		return f.String()
	case Code:
		if n := f.Int(); n > 0 && n < int64(len(p.words)) {
			return p.words[n]
		}
		return ""
	}
	return string(p.Append(nil, v))
}

// Append appends FHIR's text of the primitive, nothing if it has no value.
func (p *Prim) Append(b []byte, v reflect.Value) []byte {
	f := v.Field(p.value)
	switch p.Kind {
	case String, Decimal:
		return append(b, f.String()...)
	case Code:
		if n := f.Int(); n > 0 && n < int64(len(p.words)) {
			b = append(b, p.words[n]...)
		}
		return b
	case Base64:
		if x := p.internal(v, LexicalURL); x != nil {
			return append(b, x.GetValue().GetStringValue().GetValue()...)
		}
		return base64.StdEncoding.AppendEncode(b, f.Bytes())
	}
	if !p.HasValue(v) {
		return b
	}
	switch p.Kind {
	case Boolean:
		return strconv.AppendBool(b, f.Bool())
	case Integer:
		return strconv.AppendInt(b, f.Int(), 10)
	case Unsigned:
		return strconv.AppendUint(b, f.Uint(), 10)
	}
	if v.Field(p.ext).Len() > 0 {
		if x := p.internal(v, LexicalURL); x != nil {
			return append(b, x.GetValue().GetStringValue().GetValue()...)
		}
	}
	zone := ""
	if p.zone >= 0 {
		zone = v.Field(p.zone).String()
	}
	return appendTime(b, p.Kind, f.Int(), int32(v.Field(p.pre).Int()), zone)
}

// parseTime reads a date, dateTime, instant or time by hand: time.Parse is slow and forgives what FHIR does not.
func parseTime(kind PrimKind, s string) (v Value, err error) {
	var ok bool
	switch kind {
	case Time:
		if ok = v.clock(s, Time); ok && v.Lexical != "" {
			v.Lexical = s
		}
	case Date:
		ok = len(s) <= 10 && v.date(s)
	default:
		if len(s) <= 10 {
			ok = kind == DateTime && v.date(s)
			break
		}
		if ok = s[10] == 'T' && v.date(s[:10]); ok {
			if ok = v.clock(s[11:], kind); ok && v.Lexical != "" {
				v.Lexical = s
			}
			if kind == DateTime {
				v.Precision += 3
			}
		}
	}
	if ok {
		return v, nil
	}
	switch kind {
	case Date:
		return v, errDate
	case Instant:
		return v, errInstant
	case Time:
		return v, errTime
	}
	return v, errDateTime
}

// digits is the number of the two digits at i, or -1.
func digits(s string, i int) int {
	if i+2 > len(s) || s[i]-'0' > 9 || s[i+1]-'0' > 9 {
		return -1
	}
	return int(s[i]-'0')*10 + int(s[i+1]-'0')
}

// date reads YYYY, YYYY-MM or YYYY-MM-DD.
func (v *Value) date(s string) bool {
	if len(s) != 4 && len(s) != 7 && len(s) != 10 {
		return false
	}
	hi, lo, m, d := digits(s, 0), digits(s, 2), 1, 1
	v.Zone, v.Precision = "UTC", 1
	if len(s) >= 7 {
		if m, v.Precision = digits(s, 5), 2; s[4] != '-' {
			return false
		}
	}
	if len(s) == 10 {
		if d, v.Precision = digits(s, 8), 3; s[7] != '-' {
			return false
		}
	}
	y := hi*100 + lo
	if hi < 0 || lo < 0 || y == 0 || m < 1 || m > 12 || d < 1 || d > 28 && d > daysIn(y, m) {
		return false
	}
	v.I = daysFromCivil(y, m, d) * 86400e6
	return true
}

// clock reads hh:mm:ss with a fraction and, unless it is of a time, an offset, and adds it to the date that was read.
// Lexical becomes the text if the hub cannot give it back as it was.
func (v *Value) clock(s string, kind PrimKind) bool {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return false
	}
	hh, mm, ss := digits(s, 0), digits(s, 3), digits(s, 6)
	if hh < 0 || hh > 23 || mm < 0 || mm > 59 || ss < 0 || ss > 60 {
		return false
	}
	v.I += int64((hh*60+mm)*60+ss) * 1e6
	v.Precision = 1
	odd, rest := ss == 60, s[8:]
	if rest != "" && rest[0] == '.' {
		n, us, unit := 1, int64(0), int64(100000)
		for ; n < len(rest) && rest[n]-'0' <= 9; n++ {
			us += int64(rest[n]-'0') * unit
			unit /= 10
		}
		if n == 1 {
			return false
		}
		v.I += us
		if v.Precision = 2; n > 4 {
			v.Precision = 3
		}
		odd = odd || n != 4 && n != 7
		rest = rest[n:]
	}
	switch {
	case kind == Time:
		if rest != "" {
			return false
		}
	case rest == "Z":
		v.Zone = "Z"
	default:
		if len(rest) != 6 || rest[0] != '+' && rest[0] != '-' || rest[3] != ':' {
			return false
		}
		oh, om := digits(rest, 1), digits(rest, 4)
		if oh < 0 || om < 0 || om > 59 || oh > 14 || oh == 14 && om > 0 {
			return false
		}
		off := int64(oh*60+om) * 60e6
		if rest[0] == '+' {
			off = -off
		}
		v.I += off
		v.Zone = rest
		odd = odd || rest == "-00:00"
	}
	if odd {
		v.Lexical = s
	}
	return true
}

func daysIn(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysFromCivil counts the days from 1970-01-01 in the Gregorian calendar, with years that begin in March.
func daysFromCivil(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400 // years are 0 or more here
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	return int64(era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468)
}

// civil is the way back from daysFromCivil.
func civil(days int64) (y, m, d int) {
	z := days + 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := int(z - era*146097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	y, m, d = yoe+int(era)*400, mp+3, doy-(153*mp+2)/5+1
	if m > 12 {
		y, m = y+1, m-12
	}
	return y, m, d
}

func appendTime(b []byte, kind PrimKind, us int64, prec int32, zone string) []byte {
	if kind != Time {
		b = appendDate(b, &us, zone, prec, kind)
		if kind == Date || kind == DateTime && prec <= 3 {
			return b
		}
		b = append(b, 'T')
		if kind == DateTime {
			prec -= 3
		}
	}
	sec := us / 1e6
	b = append(b, byte('0'+sec/36000), byte('0'+sec/3600%10), ':', byte('0'+sec/600%6), byte('0'+sec/60%10), ':', byte('0'+sec%60/10), byte('0'+sec%10))
	switch us %= 1e6; prec {
	case 2:
		b = append(b, '.', byte('0'+us/100000), byte('0'+us/10000%10), byte('0'+us/1000%10))
	case 3:
		b = append(b, '.')
		for div := int64(100000); div > 0; div /= 10 {
			b = append(b, byte('0'+us/div%10))
		}
	}
	if kind != Time {
		if zone == "UTC" || zone == "" {
			zone = "Z"
		}
		b = append(b, zone...)
	}
	return b
}

// appendDate appends as much of the date as the precision says, and leaves the microseconds of the day in us.
func appendDate(b []byte, us *int64, zone string, prec int32, kind PrimKind) []byte {
	t := *us
	if len(zone) == 6 && (zone[0] == '+' || zone[0] == '-') {
		off := (int64(zone[1]-'0')*10+int64(zone[2]-'0'))*3600 + (int64(zone[4]-'0')*10+int64(zone[5]-'0'))*60
		if zone[0] == '-' {
			off = -off
		}
		t += off * 1e6
	} else if zone != "" && zone != "Z" && zone != "UTC" {
		if loc, err := time.LoadLocation(zone); err == nil { // a name, which other writers of these messages may have set
			_, off := time.UnixMicro(t).In(loc).Zone()
			t += int64(off) * 1e6
		}
	}
	days := t / 86400e6
	if t < days*86400e6 {
		days--
	}
	*us = t - days*86400e6
	y, m, d := civil(days)
	b = append(b, byte('0'+y/1000), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10))
	if prec == 1 && kind != Instant {
		return b
	}
	b = append(b, '-', byte('0'+m/10), byte('0'+m%10))
	if prec == 2 && kind != Instant {
		return b
	}
	return append(b, '-', byte('0'+d/10), byte('0'+d%10))
}
