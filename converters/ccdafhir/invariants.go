package ccdafhir

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	opb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"
	orgpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/organization_go_proto"
	ppb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/patient_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/terminology"
	"github.com/chartpost/chartpost/pkg/tree"
)

const absentURL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

// This file holds what the invariants of FHIR want and CDA does not.

const extensionBase = "https://chartpost.org/fhir/StructureDefinition/"

// readRangeText: a reference range has a low, a high or a text (obs-3). What CDA has of others stands in extensions, and its words here.
func readRangeText(_ *mapping.Context, _ tree.Node, dst proto.Message) bool {
	d, ok := dst.(*opb.Observation_ReferenceRange)
	if !ok || d.Low != nil || d.High != nil || d.Text != nil || proto.Size(d) == 0 {
		return false
	}
	d.Text = &dpb.String{}
	for _, x := range d.Extension {
		if words := rangeWords(x.GetValue()); words != "" && strings.HasPrefix(x.GetUrl().GetValue(), ownExtensions) {
			d.Text.Value = words
		}
	}
	if d.Text.Value == "" {
		d.Text.Extension = append(d.Text.Extension, noValue("unsupported"))
	}
	markDerived(d.Text)
	return true
}

// readSomebody: a contact has a name, a telephone number, an address or an organization (pat-1). A guardian of whom CDA has a number or a class alone
// has a name that nobody knows.
func readSomebody(_ *mapping.Context, _ tree.Node, dst proto.Message) bool {
	d, ok := dst.(*ppb.Patient_Contact)
	if !ok || d.Name != nil || d.Telecom != nil || d.Address != nil || d.Organization != nil {
		return false
	}
	if d.Extension == nil && !slices.ContainsFunc(d.Relationship, func(cc *dpb.CodeableConcept) bool { return !isDerived(cc) }) {
		return false // it is no contact at all
	}
	d.Name = &dpb.HumanName{Extension: []*dpb.Extension{noValue("unknown")}}
	markDerived(d.Name)
	return true
}

func rangeWords(value *dpb.Extension_ValueX) string {
	cc, q := value.GetCodeableConcept(), value.GetQuantity()
	switch {
	case cc.GetText() != nil:
		return cc.Text.Value
	case len(cc.GetCoding()) > 0:
		return cc.Coding[0].GetDisplay().GetValue()
	case q.GetValue() != nil:
		return strings.TrimSpace(q.Value.Value + " " + q.GetUnit().GetValue())
	}
	return value.GetStringValue().GetValue()
}

// writeRangeText claims the text that was made here: no row writes it.
func writeRangeText(c *mapping.Context, src proto.Message, _ tree.Node) bool {
	d, ok := src.(*opb.Observation_ReferenceRange)
	if !ok || d.Text == nil || !isDerived(d.Text) {
		return false
	}
	c.Claim(d.Text)
	return true
}

// readPeriodOrder: a period does not end before it starts, and FHIRPath must be able to tell (per-1). An end that a sender has there,
// and a time of which the other side has only the day, are kept beside.
func readPeriodOrder(_ *mapping.Context, _ tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Period)
	if !ok {
		return false
	}
	start, end := hl7.FHIRText(d.Start), hl7.FHIRText(d.End)
	if start == "" || end == "" {
		return false
	}
	keep := func(name string, t *dpb.DateTime) {
		d.Extension = append(d.Extension, &dpb.Extension{Url: &dpb.Uri{Value: extensionBase + name},
			Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_DateTime{DateTime: t}}})
	}
	n := min(len(start), len(end))
	switch {
	case len(start) > len("2006-01-02") && len(end) > len("2006-01-02"):
		if d.Start.ValueUs > d.End.ValueUs {
			keep("end", d.End)
			d.End = nil
		}
	case start[:n] > end[:n]:
		keep("end", d.End)
		d.End = nil
	case start[:n] < end[:n] || len(start) == len(end):
		return false
	case len(end) > n:
		short := &dpb.DateTime{}
		if hl7.Store(short, end[:n]) {
			keep("end", d.End)
			d.End = short
		}
	default:
		short := &dpb.DateTime{}
		if hl7.Store(short, start[:n]) {
			keep("start", d.Start)
			d.Start = short
		}
	}
	return true
}

// readOrgName: an organization has a name or an identifier (org-1).
func readOrgName(_ *mapping.Context, _ tree.Node, dst proto.Message) bool {
	d, ok := dst.(*orgpb.Organization)
	if !ok || d.Name != nil || len(d.Identifier) > 0 || proto.Size(d) == 0 {
		return false
	}
	d.Name = &dpb.String{Extension: []*dpb.Extension{noValue("unknown")}}
	return true
}

// readAddressText reads the text of an address. One in parts has none beside them (C-CDA R2.1, US Realm Address, CONF:81-7296), so there
// it does not come back.
func readAddressText(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Address)
	if !ok || c.Doc.Text(n) == "" {
		return false
	}
	if hasParts(c.Doc, n) { // what stands between the parts is no address, which FHIR's text is
		defer c.Fold("what stands between the parts of an address comes back before them")()
		extend(d, textExtension(besideURL, c.Doc.Text(n)))
	} else {
		d.Text = &dpb.String{Value: c.Doc.Text(n)}
	}
	c.CarryText(n)
	return true
}

const besideURL = ownExtensions + "beside-parts"

func writeAddressText(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.Address)
	if !ok {
		return false
	}
	if hasParts(c.Doc, n) {
		any := false
		for _, x := range d.Extension {
			if s := x.GetValue().GetStringValue(); x.GetUrl().GetValue() == besideURL && s.GetValue() != "" {
				c.Doc.SetText(n, s.Value)
				c.Claim(x.Url)
				c.Claim(s)
				any = true
			}
		}
		if d.GetText().GetValue() != "" {
			c.Decline(d.Text, "the address is written in its parts")
		}
		return any
	}
	if d.GetText().GetValue() == "" {
		return false
	}
	c.Doc.SetText(n, d.Text.Value)
	c.Claim(d.Text)
	return true
}

func hasParts(d *tree.Doc, n tree.Node) bool {
	for k := d.First(n); k != 0; k = d.Next(k) {
		if d.Name(k)[0] != '@' && d.Name(k) != "useablePeriod" && !d.Empty(k) {
			return true
		}
	}
	return false
}

// readON reads the name of an organization: its text, else its parts in their order.
func readON(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.String)
	if !ok {
		return false
	}
	if d.Value = c.Doc.Text(n); d.Value != "" {
		c.CarryText(n)
		return true
	}
	defer c.Fold("the name of an organization is one text")()
	var words []string
	for k := c.Doc.First(n); k != 0; k = c.Doc.Next(k) {
		if name := c.Doc.Name(k); name[0] != '@' && name != "validTime" && c.Doc.Text(k) != "" {
			words = append(words, c.Doc.Text(k))
			c.CarryText(k)
		}
	}
	d.Value = strings.Join(words, " ")
	return d.Value != ""
}

func writeON(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.String)
	if !ok || d.Value == "" || c.Doc.Text(n) != "" {
		return false
	}
	c.Doc.SetText(n, d.Value)
	c.ClaimValue(d)
	return true
}

// readPeriod reads the period of a PIVL_TS: into the timing, if it has a number and one of FHIR's units (tim-2, tim-5), else as a
// quantity beside it.
func readPeriod(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Timing)
	if !ok {
		return false
	}
	value, unit := attr(c.Doc, n, "value"), attr(c.Doc, n, "unit")
	if low, high := c.Doc.Child(n, "low"), c.Doc.Child(n, "high"); value == 0 && attr(c.Doc, low, "value") != 0 && readPeriodRange(c, d, low, high) {
		return true
	}
	if value != 0 && unit != 0 && attr(c.Doc, n, "nullFlavor") == 0 {
		number, code := &dpb.Decimal{}, &dpb.Timing_Repeat_PeriodUnitCode{}
		s := hl7.Number(c.Doc.Text(value))
		if s != "" && !strings.HasPrefix(s, "-") && hl7.Store(number, s) && hl7.Store(code, c.Doc.Text(unit)) {
			if d.Repeat == nil {
				d.Repeat = &dpb.Timing_Repeat{}
			}
			if d.Repeat.Period == nil && d.Repeat.PeriodUnit == nil {
				d.Repeat.Period, d.Repeat.PeriodUnit = number, code
				c.Carry(value)
				c.Normal(value, func() string { return s })
				c.Carry(unit)
				return true
			}
		}
	}
	q := &dpb.Quantity{}
	if !c.ReadTable("PQ", n, q) {
		return false
	}
	d.Extension = append(d.Extension, &dpb.Extension{Url: &dpb.Uri{Value: extensionBase + "period"},
		Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Quantity{Quantity: q}}})
	if said := attrText(c.Doc, n, "unit"); d.Code == nil && said != "" && !terminology.IsUCUM(said) { // QUIRK: how often in words, 1 BID
		if often := attrText(c.Doc, n, "value"); often != "" && often != "1" {
			said = often + " " + said
		}
		d.Code = &dpb.CodeableConcept{Text: &dpb.String{Value: said}}
		markDerived(d.Code)
	}
	return true
}

// readPeriodRange reads every four to six hours: a period that is an interval.
func readPeriodRange(c *mapping.Context, d *dpb.Timing, low, high tree.Node) bool {
	for _, k := range []tree.Node{low, high} {
		for j := c.Doc.First(k); j != 0; j = c.Doc.Next(j) {
			if name := c.Doc.Name(j); name != "@value" && name != "@unit" {
				return false
			}
		}
	}
	least, most, unit := &dpb.Decimal{}, &dpb.Decimal{}, &dpb.Timing_Repeat_PeriodUnitCode{}
	from, to := hl7.Number(attrText(c.Doc, low, "value")), hl7.Number(attrText(c.Doc, high, "value"))
	if attrText(c.Doc, low, "unit") != attrText(c.Doc, high, "unit") || strings.HasPrefix(from, "-") || !hl7.Store(least, from) ||
		!hl7.Store(most, to) || !hl7.Store(unit, attrText(c.Doc, low, "unit")) {
		return false
	}
	if d.Repeat == nil {
		d.Repeat = &dpb.Timing_Repeat{}
	}
	if d.Repeat.Period != nil || d.Repeat.PeriodUnit != nil {
		return false
	}
	d.Repeat.Period, d.Repeat.PeriodMax, d.Repeat.PeriodUnit = least, most, unit
	for _, k := range []tree.Node{low, high} {
		c.Carry(k)
		v := attr(c.Doc, k, "value")
		c.Normal(v, func() string { return hl7.Number(c.Doc.Text(v)) })
	}
	return true
}

func writePeriod(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.Timing)
	if !ok {
		return false
	}
	if r := d.Repeat; r != nil && r.Period != nil && r.PeriodMax != nil && r.PeriodUnit != nil {
		for _, bound := range []struct {
			name  string
			value *dpb.Decimal
		}{{"low", r.Period}, {"high", r.PeriodMax}} {
			k := c.Doc.Add(n, bound.name, "")
			set(c.Doc, k, "value", hl7.FHIRText(bound.value))
			set(c.Doc, k, "unit", hl7.FHIRText(r.PeriodUnit))
			c.Claim(bound.value)
		}
		c.Claim(r.PeriodUnit)
		return true
	}
	if r := d.Repeat; r != nil && r.Period != nil && r.PeriodUnit != nil && hl7.FHIRText(r.Period) != "" && hl7.FHIRText(r.PeriodUnit) != "" {
		if !set(c.Doc, n, "value", hl7.FHIRText(r.Period)) || !set(c.Doc, n, "unit", hl7.FHIRText(r.PeriodUnit)) {
			return false
		}
		c.Claim(r.Period)
		c.Claim(r.PeriodUnit)
		return true
	}
	for _, x := range d.Extension {
		if q := x.GetValue().GetQuantity(); q != nil && x.GetUrl().GetValue() == extensionBase+"period" {
			if !c.WriteTable("PQ", q, n) {
				return false
			}
			c.Claim(x)
			return true
		}
	}
	return false
}

// readRangeOrder: the low end of a range is not above the high one, and FHIRPath must be able to tell (rng-2). Where a sender has it
// otherwise, or writes ends in different units, both are kept beside: one of them alone would say something else.
func readRangeOrder(_ *mapping.Context, _ tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.Range)
	if !ok || d.GetLow().GetValue() == nil || d.GetHigh().GetValue() == nil {
		return false
	}
	low, lowErr := strconv.ParseFloat(d.Low.Value.Value, 64)
	high, highErr := strconv.ParseFloat(d.High.Value.Value, 64)
	if lowErr == nil && highErr == nil && low <= high && sameUnit(d.Low, d.High) {
		return false
	}
	for _, end := range []struct {
		name string
		q    *dpb.SimpleQuantity
	}{{"low", d.Low}, {"high", d.High}} {
		q := &dpb.Quantity{Id: end.q.Id, Extension: end.q.Extension, Value: end.q.Value, Unit: end.q.Unit, System: end.q.System, Code: end.q.Code}
		d.Extension = append(d.Extension, &dpb.Extension{Url: &dpb.Uri{Value: extensionBase + end.name},
			Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Quantity{Quantity: q}}})
	}
	d.Low, d.High = nil, nil
	return true
}

func sameUnit(a, b *dpb.SimpleQuantity) bool {
	return a.GetCode().GetValue() == b.GetCode().GetValue() && a.GetSystem().GetValue() == b.GetSystem().GetValue() && a.GetUnit().GetValue() == b.GetUnit().GetValue()
}

// tongues are the codes of ISO 639-2, each with that of two letters (ISO 639-1) which RFC 5646 wants in its place: aaraa is aar, aa.
var tongues = sync.OnceValue(func() map[string]string {
	const list = "aaraa abkab afraf akaak albsq sqisq amham araar argan armhy hyehy asmas avaav aveae aymay azeaz bakba bambm baqeu euseu belbe benbn bihbh bisbi bodbo tibbo " +
		"bosbs brebr bulbg burmy myamy catca cescs czecs chach chece chizh zhozh chucu chvcv corkw cosco crecr cymcy welcy danda deude gerde divdv dutnl nldnl dzodz ellel greel " +
		"engen epoeo estet eweee faofo fasfa perfa fijfj finfi frafr frefr fryfy fulff geoka katka glagd glega glggl glvgv grngn gujgu hatht hauha hbssh hebhe herhz hinhi hmoho " +
		"hrvhr hunhu iboig iceis islis idoio iiiii ikuiu ileie inaia indid ipkik itait javjv jpnja kalkl kankn kasks kaukr kazkk khmkm kikki kinrw kirky komkv konkg korko kuakj " +
		"kurku laolo latla lavlv limli linln litlt ltzlb lublu luglg macmk mkdmk mahmh malml maomi mrimi marmr mayms msams mlgmg mltmt monmn nauna navnv nblnr ndend ndong nepne " +
		"nnonn nobnb norno nyany ocioc ojioj orior ormom ossos panpa plipi polpl porpt pusps quequ rohrm ronro rumro runrn rusru sagsg sansa sinsi slksk slosk slvsl smese smosm " +
		"snasn sndsd somso sotst spaes srdsc srpsr sswss sunsu swasw swesv tahty tamta tattt telte tgktg tgltl thath tirti tonto tsntn tsots tuktk turtr twitw uigug ukruk urdur " +
		"uzbuz venve vievi volvo wlnwa wolwo xhoxh yidyi yoryo zhaza zulzu"
	m := map[string]string{}
	for pair := range strings.FieldsSeq(list) {
		m[pair[:3]] = pair[3:]
		m[pair[3:]] = pair[3:]
	}
	return m
})

// tag is a language as RFC 5646 writes it: two letters where there are two, a region in capitals.
func tag(s string) string {
	parts := strings.Split(s, "-")
	parts[0] = strings.ToLower(parts[0])
	if short := tongues()[parts[0]]; short != "" {
		parts[0] = short
	}
	for i := range parts[1:] {
		if len(parts[i+1]) == 2 {
			parts[i+1] = strings.ToUpper(parts[i+1])
		}
	}
	return strings.Join(parts, "-")
}

// languageTag is a language where FHIR has a code and nothing else.
var languageTag = mapping.Type{Read: func(_ *mapping.Context, s string) (string, error) {
	if s = tag(strings.TrimSpace(s)); !isLanguage(s) {
		return "", errors.New("no language of RFC 5646")
	}
	return s, nil
}}

// isLanguage reports a tag of RFC 5646, as tag writes it: one of ISO 639 first, then a script, a region and variants.
func isLanguage(s string) bool {
	primary, rest, more := strings.Cut(s, "-")
	if !letters(primary) || len(primary) != 3 && tongues()[primary] == "" { // of those of three letters there are thousands
		return false
	}
	for more && rest != "x" && !strings.HasPrefix(rest, "x-") {
		var part string
		part, rest, more = strings.Cut(rest, "-")
		if len(part) < 2 || len(part) == 3 && letters(part) { // en-X, en-USI
			return false
		}
	}
	return terminology.Language(s) == ""
}

func letters(s string) bool {
	return strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz") == ""
}

// readOtherTongue keeps the language of a document that has no such tag, before the row of the language finds that it is none.
func readOtherTongue(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	k := attr(c.Doc, c.Doc.Child(n, "languageCode"), "code")
	if k == 0 || isLanguage(tag(strings.TrimSpace(c.Doc.Text(k)))) {
		return false
	}
	extend(dst, textExtension(languageURL, c.Doc.Text(k)))
	c.Carry(k)
	return true
}

const (
	bcp47       = "urn:ietf:bcp:47"
	languageURL = extensionBase + "language-code"
)

func readTongue(c *mapping.Context, n tree.Node, dst proto.Message) bool {
	d, ok := dst.(*dpb.CodeableConcept)
	code := strings.TrimSpace(c.Doc.Text(n))
	if !ok || code == "" {
		return false
	}
	if !isLanguage(tag(code)) { // said, but not in a code that FHIR knows
		if d.Text != nil {
			return false
		}
		d.Text = &dpb.String{Value: code, Extension: []*dpb.Extension{{Url: &dpb.Uri{Value: languageURL},
			Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_StringValue{StringValue: &dpb.String{Value: code}}}}}}
		c.CarryText(n)
		return true
	}
	said := &dpb.Code{Value: tag(code)}
	if said.Value != code {
		said.Extension = append(said.Extension, textExtension(languageURL, code))
	}
	d.Coding = append(d.Coding, &dpb.Coding{System: &dpb.Uri{Value: bcp47}, Code: said})
	c.CarryText(n)
	return true
}

func writeTongue(c *mapping.Context, src proto.Message, n tree.Node) bool {
	d, ok := src.(*dpb.CodeableConcept)
	if !ok {
		return false
	}
	for _, x := range d.Coding {
		if x.GetSystem().GetValue() != bcp47 || x.GetCode().GetValue() == "" || c.Doc.Text(n) != "" {
			continue
		}
		text := x.Code.Value
		for _, e := range x.Code.Extension {
			if said := e.GetValue().GetStringValue(); said != nil && e.GetUrl().GetValue() == languageURL {
				text = said.Value
				c.Claim(e)
			}
		}
		c.Doc.SetText(n, text)
		c.Claim(x.System)
		c.ClaimValue(x.Code)
		return true
	}
	for _, e := range d.GetText().GetExtension() {
		if said := e.GetValue().GetStringValue(); said != nil && e.GetUrl().GetValue() == languageURL && c.Doc.Text(n) == "" {
			c.Doc.SetText(n, said.Value)
			c.Claim(e)
			c.ClaimValue(d.Text)
			return true
		}
	}
	return false
}
