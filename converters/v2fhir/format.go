package v2fhir

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	mhpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/message_header_go_proto"

	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/hl7v2/schema"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Findings of the conversion itself.
const (
	NoTable      diag.ID = "CP-V2-102" // no table reads the structure of the message
	NoStructure  diag.ID = "CP-V2-103" // no table writes the message that was asked for
	NoOrder      diag.ID = "CP-V2-104" // the segments were read by themselves, for want of a table of the structure
	NoPerson     diag.ID = "CP-V2-105" // the message holds no record of a person
	FilledIn     diag.ID = "CP-V2-106" // what the message must have and the record does not say was filled in
	AboutNobody  diag.ID = "CP-V2-107" // the message must have a patient and the record has none
	AboutNothing diag.ID = "CP-V2-108" // the record holds nothing of what the message is about
	LeftOut      diag.ID = "CP-V2-117" // what no message that was made has a place for
)

// Format is HL7 v2 as a format of convert, with the maps of a run.
func Format(maps *mapping.Maps) *convert.Format {
	return &convert.Format{
		Name: "hl7v2", Extension: ".hl7", Sniff: hl7v2.Sniff, Read: read,
		NewWorker: func(o *convert.Options) convert.Worker {
			return &worker{o: o, maps: maps, parser: hl7v2.Parser{Options: hl7v2.Options{Charset: o.Charset, MaxMessage: o.MaxRecord}}}
		},
		NewWriter: func(o *convert.Options) convert.Writer { return &writer{o: o, maps: maps} },
		Describe:  describe,
	}
}

// describe says the type, event and version of a message.
func describe(raw *convert.Raw, o *convert.Options) (convert.Description, *diag.Finding) {
	if raw.Reject != nil {
		return convert.Description{}, raw.Reject
	}
	parser := hl7v2.Parser{Options: hl7v2.Options{Charset: o.Charset}}
	msg, err := parser.Parse(raw.Data.(*hl7v2.Raw))
	var f *diag.Finding
	if errors.As(err, &f) {
		return convert.Description{}, f
	} else if err != nil {
		return convert.Description{}, diag.New("CP-V2-001", diag.Place{Record: raw.Index}, "")
	}
	kind := msg.Type
	if msg.Event != "" {
		kind += "^" + msg.Event
	}
	d := convert.Description{Kinds: map[string]int{kind: 1}, Facts: map[string]string{}}
	for name, value := range map[string]string{"version": msg.Version, "character set": msg.Charset, "structure": msg.Group()} {
		if value != "" {
			d.Facts[name] = value
		}
	}
	return d, nil
}

func read(r io.Reader, source string, o *convert.Options) iter.Seq2[*convert.Raw, error] {
	return func(yield func(*convert.Raw, error) bool) {
		reader := hl7v2.NewReader(r, hl7v2.Options{Source: source, Charset: o.Charset, MaxMessage: o.MaxRecord})
		for raw, err := range reader.All() {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&convert.Raw{Index: raw.Record, Bytes: raw.Bytes, Size: len(raw.Data), Reject: raw.Reject, Data: raw}, nil) {
				return
			}
		}
		if finds := reader.Findings(); len(finds) > 0 { // a batch that counts wrong, or is cut off
			yield(&convert.Raw{Findings: finds}, nil)
		}
	}
}

// worker turns messages into the hub.
type worker struct {
	o      *convert.Options
	maps   *mapping.Maps
	parser hl7v2.Parser
	text   []byte // room for key
}

func (w *worker) ToHub(raw *convert.Raw) (*convert.Record, error) {
	msg, err := w.parser.Parse(raw.Data.(*hl7v2.Raw))
	if err != nil {
		var f *diag.Finding
		if errors.As(err, &f) {
			return nil, f
		}
		return nil, err
	}
	structure := msg.Group()
	m, err := w.maps.For(SourceOf(msg))
	if err != nil {
		return nil, err
	}
	// A table of a site for a message that we have none for stands above what we know of its kind.
	if f := withoutPerson(msg); f != nil && (kindsWithoutPerson[msg.Type] == anAnswer || !m.Set().Has(structure, "Bundle")) {
		return nil, f
	}
	if structure == "" || !m.Set().Has(structure, "Bundle") {
		for i, f := range msg.Findings { // it says of itself why nobody can tell what it is: MSH-9 is empty
			if f.Severity() == diag.Reject {
				raw.Findings = slices.Concat(raw.Findings, msg.Findings[:i], msg.Findings[i+1:])
				return nil, f
			}
		}
		finds := slices.Clone(msg.Findings)
		if msg, err = w.anyMessage(raw.Data.(*hl7v2.Raw), m, msg.Type); err != nil {
			raw.Findings = slices.Concat(raw.Findings, finds)
			return nil, err
		}
		structure = AnyStructure
	}
	key := key(raw.Data.(*hl7v2.Raw).Data, &w.text)
	showNoVisit := hideNoVisit(msg)
	rec, err := m.ToFHIR(structure, "Bundle", msg.Doc, mapping.ReadOptions{Zone: w.o.Zone, Facility: Facility(msg.Doc), Key: key,
		Relative: w.o.Relative(), NoBundle: w.o.Relative(), Origins: w.o.Origins(), Shared: w.o.OnlyFHIR(), Reuse: w.o.OnlyFHIR(), Unread: true})
	if err != nil {
		return nil, err
	}
	showNoVisit()
	aboutPatients(rec, w.o.Relative())
	foldDisplaced(msg)
	out := &convert.Record{Record: rec, ID: msg.ControlID, Key: key, Findings: msg.Findings, Leaves: convert.Leaves(msg.Doc)}
	if n := msg.Child(msg.First(tree.Root), "7"); n != 0 {
		out.Written = convert.Moment(msg.LeafText(n))
	}
	return out, nil
}

// aboutPatients has the header of a message lead to whom the message is about (MessageHeader.focus: its root): from him the links of the others lead to
// all that it tells. The guide is silent on it. The way back needs it not, for a message has one header.
func aboutPatients(rec *mapping.Record, relative bool) {
	var header *mhpb.MessageHeader
	for _, r := range rec.Resources {
		if h, ok := r.Msg.(*mhpb.MessageHeader); ok {
			header = h
		} else if r.Type() == "Patient" && header != nil {
			ref, style := &dpb.Reference{}, fhir.RefURN
			if relative {
				style = fhir.RefRelative
			}
			fhir.RefTo(ref, r.Type(), r.ID, style)
			header.Focus = append(header.Focus, ref)
		}
	}
}

// foldDisplaced says of the segments that come back in another order, or at another number, than they stand in that they do.
func foldDisplaced(msg *hl7v2.Message) {
	foldBehindEmpty(msg.Doc, tree.Root, map[string]bool{})
	foldBehindOthers(msg.Doc, tree.Root)
	if len(msg.Findings) == 0 { // what is in order makes none
		return
	}
	for _, n := range msg.Displaced() {
		msg.Lower(n, tree.Folded, "comes back where the structure of the message has it")
	}
}

// foldBehindEmpty folds the segments behind one of their name that says nothing but its number, which does not come back. empty are the
// names of those that were met.
func foldBehindEmpty(d *tree.Doc, n tree.Node, empty map[string]bool) {
	for k := d.First(n); k != 0; k = d.Next(k) {
		switch {
		case !hl7v2.IsSegment(d, k):
			foldBehindEmpty(d, k, empty)
		case saysNothing(d, k):
			empty[d.Name(k)] = true
		case len(empty) > 0 && empty[d.Name(k)]:
			d.Lower(k, tree.Folded, "written back one place earlier, after a gap")
		}
	}
}

// foldBehindOthers folds the roles and participations of a patient that change places with one of a general practitioner behind them: that stands
// by the patient, and comes back before those of the visit.
func foldBehindOthers(d *tree.Doc, n tree.Node) {
	for k := d.First(n); k != 0; k = d.Next(k) {
		if !hl7v2.IsSegment(d, k) {
			foldBehindOthers(d, k)
		}
	}
	if d.Child(n, "PID") == 0 {
		return
	}
	for _, x := range []struct{ segment, role string }{{"ROL", "3.1"}, {"PRT", "4.1"}} {
		var was, first, rest []tree.Node
		for k := range children(d, n, x.segment) {
			was = append(was, k)
			if textAt(d, k, x.role) == "PP" {
				first = append(first, k)
			} else {
				rest = append(rest, k)
			}
		}
		for i, k := range append(first, rest...) {
			if was[i] != k {
				d.Lower(was[i], tree.Folded, "comes back where the structure of the message has it")
			}
		}
	}
}

// saysNothing reports a segment of which nothing came, but perhaps that it was declined.
func saysNothing(d *tree.Doc, segment tree.Node) bool {
	for k := d.First(segment); k != 0; k = d.Next(k) {
		if !d.Empty(k) && d.State(k) != tree.Declined {
			return false
		}
	}
	return true
}

// AnyStructure is the structure by which a message is read whose own no table reads.
const AnyStructure = "ANY"

// anyMessage is a message whose structure no table reads, arranged as one of a patient. What is not about a person is rejected.
func (w *worker) anyMessage(raw *hl7v2.Raw, m *mapping.Map, typ string) (*hl7v2.Message, error) {
	msg, err := w.parser.Parse(raw)
	if err != nil {
		return nil, err
	}
	at := msg.Place(msg.First(tree.Root))
	at.Path = "MSH-9"
	if pid := msg.Child(tree.Root, "PID"); pid == 0 || msg.Empty(pid) {
		return nil, diag.New(NoTable, at, "")
	}
	if !m.Set().Has(AnyStructure, "Bundle") || len(typ) < 3 || strings.Trim(typ, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return nil, diag.New(NoTable, at, "") // what has no name for a type is garbled, and is not to be guessed at
	}
	read := len(msg.Findings)
	msg.GroupAs(AnyStructure)
	// What is out of order in a structure that is not the message's own is no fault of the message.
	msg.Findings = append(msg.Findings[:read], diag.New(NoOrder, at, ""))
	return msg, nil
}

// withoutPerson is the reject of a message whose kind holds no record of a person, if there is indeed none in it.
func withoutPerson(msg *hl7v2.Message) *diag.Finding {
	what := kindsWithoutPerson[msg.Type]
	if what == "" || holds(msg.Doc, tree.Root, "PID") {
		return nil
	}
	for k := msg.First(tree.Root); k != 0; k = msg.Next(k) {
		if msg.Name(k) == "PID" || msg.Child(k, "PID") != 0 {
			what += ", and its PID is empty"
			break
		}
	}
	at := msg.Place(msg.First(tree.Root))
	at.Path = "MSH-9"
	return diag.New(NoPerson, at, "%s", what)
}

// kindsWithoutPerson are messages that hold no record of a person, by MSH-9.1, with what they are.
var kindsWithoutPerson = map[string]string{
	"ACK": "an acknowledgement: it says that a message has arrived",
	"MCF": "an acknowledgement: it says that a message has arrived",
	"QBP": aQuery, "QRY": aQuery, "QSB": aQuery, "QCN": aQuery, "QSX": aQuery, "QVR": aQuery, "VXQ": aQuery, "EQQ": aQuery, "SPQ": aQuery,
	"VQQ": aQuery, "RQQ": aQuery, "OSQ": aQuery, "RQC": aQuery, "SQM": aQuery,
	"RSP": anAnswer, "RTB": anAnswer, "RDY": anAnswer, "TBR": anAnswer, "EDR": anAnswer, "ERP": anAnswer, "DSR": anAnswer, "QCK": anAnswer,
	"VXX": anAnswer, "VXR": anAnswer, "ADR": anAnswer,
	"MFN": aList, "MFK": aList, "MFQ": aList, "MFR": aList, "MFD": aList,
	"PMU": "what a system tells of its own staff",
	"NMQ": ofNetwork, "NMR": ofNetwork, "NMD": ofNetwork,
	"ESU": ofDevices, "ESR": ofDevices, "INU": ofDevices, "INR": ofDevices, "EAC": ofDevices, "EAR": ofDevices, "EAN": ofDevices, "TCU": ofDevices,
	"TCR": ofDevices, "LSU": ofDevices, "LSR": ofDevices, "SSU": ofDevices, "SSR": ofDevices,
}

const (
	aQuery    = "a query: it asks for a record and holds none"
	anAnswer  = "an answer to a query that names no patient"
	aList     = "a master file: it tells another system of a list, of tests, places or staff"
	ofNetwork = "a message about the network between systems"
	ofDevices = "a message between the machines of a laboratory"
)

// Key identifies a message by its text where nothing in it does: the sha256 of its segments, however their lines end.
func Key(text string) string {
	var room []byte
	return key(text, &room)
}

// key is Key with room for the text that is used again.
func key(text string, room *[]byte) string {
	b := (*room)[:0]
	for part := range strings.SplitSeq(text, "\r") {
		for line := range strings.SplitSeq(part, "\n") {
			if line != "" {
				b = append(append(b, line...), '\r')
			}
		}
	}
	*room = b
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// writer turns records of the hub into messages.
type writer struct {
	o    *convert.Options
	maps *mapping.Maps
}

// outgoing is a message that a record, or a part of it, becomes.
type outgoing struct {
	typ, event, structure string
	doc                   *tree.Doc
	said                  map[tree.Node]bool // what the record says; nil of one that came from a message
	rank                  rank
}

func (w *writer) FromHub(rec *convert.Record) ([]convert.Part, []*diag.Finding, error) {
	whole := wholeOf(rec, w.o.Date)
	if whole.born { // what we made of a message has segments about others, such as the NK1 of a mother
		part := *rec
		part.Record, _ = convert.WithoutOthers(rec.Record, patientsOf(rec.Record))
		whole.Record = &part
	}
	list, err := w.messages(whole)
	if err != nil {
		return nil, nil, err
	}
	if whole.Record.Record != rec.Record {
		rec.Absorb(whole.Record.Record)
	}
	var out []byte
	var finds []*diag.Finding
	var filled []string
	told, listed := map[string]bool{}, map[string]bool{}
	for _, m := range list {
		setIDs(m.doc, m.structure, "")
		var control tree.Node
		if whole.born || len(list) > 1 {
			control = leafAt(m.doc, m.doc.Child(tree.Root, "MSH"), "10")
			m.doc.SetText(control, "")
		}
		text, more := hl7v2.AppendMessage(nil, m.doc, hl7v2.PrintOptions{Structure: m.structure})
		if control != 0 {
			id := shortened(string(text))
			if told[id] {
				continue // another message says all that it says: two visits of which nothing is known but one number
			}
			told[id] = true
			m.doc.SetText(control, id)
			text = withControl(text, id)
		}
		out = append(out, text...)
		finds = append(finds, more...)
		if m.said == nil {
			continue
		}
		for _, place := range w.filledIn(m.doc, m.structure, m.said) {
			if !listed[place] {
				listed[place] = true
				filled = append(filled, place)
			}
		}
	}
	if len(filled) > 0 {
		finds = append(finds, diag.New(FilledIn, diag.Place{}, "filled in, for the message must have it and the record does not say it: %s", strings.Join(filled, ", ")))
	}
	if !whole.dated {
		finds = append(finds, w.o.DayOf("message"))
	}
	if f := leftOut(rec.Record); f != nil && whole.born {
		finds = append(finds, f)
	}
	return []convert.Part{{Data: out}}, finds, nil
}

// patientsOf are the patients of a record, and those within other resources only if there are no others.
func patientsOf(rec *mapping.Record) (list []*mapping.Resource) {
	for _, inside := range []bool{false, true} {
		for _, r := range rec.Resources {
			if r.Type() == "Patient" && !r.Wrapped() && r.Inside() == inside {
				list = append(list, r)
			}
		}
		if list != nil {
			return list
		}
	}
	return nil
}

// withControl is a message with its control id (MSH-10), which it was printed without: the id is made of what it says. A message that says something
// else has another one, for a receiver takes two with one id for the same; the number of a document or a patient is in many of them.
func withControl(text []byte, id string) []byte {
	at := 0
	for range 9 {
		at += bytes.IndexByte(text[at:], '|') + 1
	}
	return slices.Insert(text, at, []byte(id)...)
}

// messages are those that a record becomes: the one that --message asks for or that the record came from, else as many as it takes.
func (w *writer) messages(whole *whole) ([]*outgoing, error) {
	rec := whole.Record.Record
	typ, event, structure := w.message(rec)
	if whole.born {
		if b := rec.Bundle; b != nil {
			rec.DeclineElement(b.Type, "a message is what it is by its type and event")
			rec.DeclineElement(b.Id, "a message has no ids of a server")
			rec.DeclineElement(b.Meta, "a message has no administration of a server")
			rec.DeclineElement(b.Language, "a message says in what language it is (MSH-19), and not its parts")
			rec.Withhold(b.Identifier, "a message has a number of its own (MSH-10): that of a document is in all of its messages, and in other documents")
		}
		hideRepeated(rec)
		if w.o.Message == "" && structure != "" { // as the MessageHeader of another program says
			m, err := w.oneMessage(whole, typ, event, structure)
			if m != nil {
				return []*outgoing{m}, err
			}
			structure = ""
		}
		withholdEvent(rec)
	}
	if structure != "" {
		m, err := w.oneMessage(whole, typ, event, structure)
		if err == nil && m == nil {
			err = diag.New(AboutNothing, diag.Place{}, "")
		}
		return []*outgoing{m}, err
	}
	return divide(rec, func(structure string, part *mapping.Record) (*outgoing, error) {
		typ, event, _ := strings.Cut(structure, "_")
		switch structure {
		case ofPerson:
			event = "A08" // an update says nothing of a visit that begins
		case "SIU_S12":
			event = appointmentEvent(part)
		case "MDM_T02":
			event = documentEvent(part)
			m, err := w.write(whole, part, typ, event, structure)
			if m == nil || err != nil || holds(m.doc, tree.Root, "OBX") {
				return m, err
			}
			structure, event = "MDM_T01", withoutContent[event]
		}
		return w.write(whole, part, typ, event, structure)
	})
}

// toldBy are the segments by which a message of a visit tells of resources of a type.
var toldBy = map[string][]string{"AllergyIntolerance": {"AL1", "IAM"}, "Condition": {"DG1", "PRB"}, "Coverage": {"IN1"}, "Encounter": {"PV1"}, "Observation": {"OBX"}, "Procedure": {"PR1"},
	"RelatedPerson": {"NK1"}}

// withoutContent are the events of a document without its content, by those of one with it.
var withoutContent = map[string]string{"T02": "T01", "T06": "T05", "T10": "T09"}

// oneMessage is a record as one message, nil if it would say nothing of what a message of its type is about, or an error.
func (w *writer) oneMessage(whole *whole, typ, event, structure string) (*outgoing, error) {
	rec := whole.Record.Record
	if !whole.born {
		return w.write(whole, rec, typ, event, structure)
	}
	part := rec.Excerpt(placedIn(rec, structure, w.version())) // so that what is declined already stays declined
	m, err := w.write(whole, part, typ, event, structure)
	if m != nil || w.o.Message != "" {
		rec.Absorb(part)
	}
	return m, err
}

// withholdEvent keeps what the MessageHeaders of another program say of their event out of messages of other events.
func withholdEvent(rec *mapping.Record) {
	for _, r := range rec.Resources {
		if h, ok := r.Msg.(*mhpb.MessageHeader); ok {
			rec.Withhold(h.GetEvent().GetCoding(), "a message is what it is by its type and event")
			rec.Withhold(h.GetEvent().GetUri(), "a message is what it is by its type and event")
		}
	}
}

// placedIn are the places of the resources that are contained in no other, without those that it declines: our tables read in every message of a
// visit what senders put there, but its structure in the version that is written may have no segment for it.
func placedIn(rec *mapping.Record, structure, version string) (places []int) {
	part := schema.StructureIn(structure, version)
	typ, _, _ := strings.Cut(structure, "_")
	for i, r := range rec.Resources {
		by := toldBy[r.Type()]
		switch {
		case r.Inside():
		case by != nil && part != nil && (typ == "ADT" || typ == "BAR") && !slices.ContainsFunc(by, part.Holds):
			rec.Decline(i, "a message of this structure has no place for it; ADT^A08 has")
		default:
			places = append(places, i)
		}
	}
	return places
}

// write makes a message of a record or a part of it, nil if it would say nothing of what a message of its type is about.
func (w *writer) write(whole *whole, part *mapping.Record, typ, event, structure string) (*outgoing, error) {
	m, err := w.maps.For(mapping.Source{Format: "hl7v2", Event: typ + "^" + event, Made: true})
	if err != nil {
		return nil, err
	}
	if !m.Set().Has(structure, "Bundle") {
		if w.o.Message != "" || whole.born {
			return nil, diag.New(NoStructure, diag.Place{}, "")
		}
		structure = AnyStructure // it came from a message that was read so, and goes back so
	}
	sent := part
	if whole.born {
		sent = timely(part)
	}
	var said map[tree.Node]bool
	doc, err := m.FromFHIRThen(structure, "Bundle", sent, func(doc *tree.Doc) {
		if whole.born {
			said = saidLeaves(doc)
		}
		w.header(doc, whole, typ, event, structure)
		if whole.born || tellsOfNoVisit(typ, event) {
			withPV1(doc, structure)
		}
		if whole.born {
			complete(doc, sent, structure, event, w.version(), whole)
			foldChanged(sent, typ+"^"+event+"^"+structure)
		}
	})
	if sent != part {
		part.Absorb(sent)
	}
	if err != nil {
		return nil, err
	}
	if whole.born && lacksSubject(doc, typ, schema.StructureIn(structure, w.version())) {
		return nil, nil
	}
	if (whole.born || whole.event == "") && lacksPerson(doc, tree.Root, schema.Structure(structure)) { // one that came without goes back without
		return nil, diag.New(AboutNobody, diag.Place{}, "")
	}
	return &outgoing{typ: typ, event: event, structure: structure, doc: doc, said: said}, nil
}

// controlLength is the length of MSH-10 up to 2.5.
const controlLength = 20

// shortened is a control id that a longer one comes to.
func shortened(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:controlLength/2])
}

// message is the type, event and structure of the message that a record becomes, as --message or the MessageHeader says; without a structure
// if neither does.
func (w *writer) message(rec *mapping.Record) (typ, event, structure string) {
	asked := strings.NewReplacer("_", "^").Replace(strings.ToUpper(w.o.Message))
	if asked == "" {
		asked = eventOf(rec)
	}
	if asked == "" {
		return "", "", ""
	}
	typ, event, _ = strings.Cut(asked, "^")
	event, _, _ = strings.Cut(event, "^")
	if id, ok := schema.StructureOf(typ, event); ok {
		return typ, event, id
	}
	if w.o.Message != "" {
		return typ, event, typ + "_" + event
	}
	if part := schema.Structure(namedStructure(rec)); part != nil {
		return typ, event, part.Name
	}
	if event != "" {
		return typ, event, AnyStructure // nobody knows the event: it was read so, and goes back so
	}
	return "", "", ""
}

// namedStructure is the message structure that a record's MessageHeader names, as in ORU^R01^ORU_R01, empty if it names none.
func namedStructure(rec *mapping.Record) string {
	for _, r := range rec.Resources {
		if h, ok := r.Msg.(*mhpb.MessageHeader); ok {
			_, rest, _ := strings.Cut(h.GetEvent().GetCoding().GetDisplay().GetValue(), "^")
			_, named, _ := strings.Cut(rest, "^")
			return named
		}
	}
	return ""
}

// eventOf is the message type and trigger event that a record's MessageHeader names, as in ORU^R01.
func eventOf(rec *mapping.Record) string {
	for _, r := range rec.Resources {
		h, ok := r.Msg.(*mhpb.MessageHeader)
		if !ok {
			continue
		}
		coding := h.GetEvent().GetCoding()
		if typ, rest, ok := strings.Cut(coding.GetDisplay().GetValue(), "^"); ok && len(typ) == 3 {
			event, _, _ := strings.Cut(rest, "^")
			return typ + "^" + event
		}
		for _, typ := range []string{"ADT", "ORU", "VXU", "ORM", "OML", "OMG", "OMP", "RDE", "RDS", "DFT", "BAR", "PPR", "SIU", "MDM", "OUL", "RSP", "VXR", "VXX", "RAS", "REF", "RRI",
			"RQA", "RPA", "RQI", "RPI", "RQP", "RQC", "RCI", "RCL", "RPR", "PGL", "PPP", "PPG", "PRR", "PPV", "PTR", "PPT", "OMI", "OMB", "BPS", "BTS", "OMS", "OMN", "OMD", "RGV", "ORL", "ORG", "ORR", "ORB", "SRM", "SRR", "DOC"} {
			if event := coding.GetCode().GetValue(); event != "" {
				if id, ok := schema.StructureOf(typ, event); ok && strings.HasPrefix(id, typ) {
					return typ + "^" + event
				}
			}
		}
	}
	return ""
}

// version is that of the messages that are made.
func (w *writer) version() string { return cmp.Or(w.o.Version, "2.5.1") }

// header fills what every message must have and the record does not say. There is no clock in it: the time of the message is
// the bundle's or none, and its control id comes from what identifies the record.
func (w *writer) header(d *tree.Doc, whole *whole, typ, event, structure string) {
	msh := d.Child(tree.Root, "MSH")
	if msh == 0 {
		msh = d.Add(tree.Root, "MSH", "")
	}
	own := d.Child(msh, "9") != 0 && !d.Empty(d.Child(msh, "9"))
	if structure == AnyStructure {
		structure = "" // no message calls itself so
	}
	for _, x := range [][2]string{{"9.1", typ}, {"9.2", event}, {"9.3", structure}, {"10", whole.control}, {"11", "P"}, {"12", w.version()}} {
		p, err := hl7v2.Format.ParsePath(x[0])
		if err != nil {
			continue
		}
		if x[0] == "12" && w.o.Version != "" || x[0][0] == '9' && (w.o.Message != "" || whole.born) {
			d.SetText(d.Leaf(d.Make(msh, p, false)), x[1])
			continue
		}
		if x[0] == "9.3" && own {
			continue // a message that came without it goes without it
		}
		if k := d.At(msh, p); k == 0 || d.LeafText(k) == "" {
			d.SetText(d.Leaf(d.Make(msh, p, false)), x[1])
		}
	}
}

// controlOf is a control id of a message that went without one.
func controlOf(rec *convert.Record) string {
	control := cmp.Or(rec.Key, rec.ID)
	if control == "" {
		sum := sha256.New()
		for _, r := range rec.Resources {
			fmt.Fprintf(sum, "%s/%s\n", r.Type(), r.ID)
		}
		control = hex.EncodeToString(sum.Sum(nil))
	}
	if len(control) > controlLength {
		control = shortened(control)
	}
	return control
}
