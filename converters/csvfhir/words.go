package csvfhir

import (
	"cmp"
	"reflect"
	"strings"
	"sync"
	"unicode"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/csvtab"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/fhir/plan"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// Vocabularies: the words that offices write into cells for the codes of FHIR, in any mixture of capitals. No two offices agree, and a
// word that nobody foresaw must not be lost: whatever is not the word that would be written back is kept beside the code, in FHIR's
// alternate-codes extension of a code or the text of a CodeableConcept, and comes back from there. An unknown word makes no code of a
// CodeableConcept. Where FHIR closes the list of codes and has one for it, it makes that (unknown); where it has none, it makes nothing at all,
// and the row is rejected if FHIR wants the element: no guess of ours may say that a vaccination was given.

// A Vocabulary is the words for the codes of one element.
type Vocabulary struct {
	system string // of the codes, for a Coding; empty where FHIR wants a bare code
	lines  string // CODE: WORD, WORD, ...; a line for each; the first word is written back
	marked bool   // the code says that it was made of a word, for another column has codes of the system
	bound  bool   // FHIR wants one of the codes: an unknown word makes nothing at all, or what otherwise says
	wanted bool   // and it wants the element

	otherwise string // the code of a word that nobody foresaw

	// beside, if there is one, says what a word of this code stands for among the others of its column; "" if that is open.
	beside func(column *csvtab.Column, word, code string) string

	parsed func() *wordList
}

type wordList struct {
	code map[string]string // by word, in small letters
	word map[string]string // by code
}

func vocabulary(system, lines string) *Vocabulary {
	return &Vocabulary{system: system, lines: lines, parsed: sync.OnceValue(func() *wordList {
		l := &wordList{map[string]string{}, map[string]string{}}
		for line := range strings.Lines(lines) {
			code, words, ok := strings.Cut(strings.TrimSpace(line), ": ")
			if !ok {
				continue
			}
			l.code[strings.ToLower(code)] = code
			for i, w := range strings.Split(words, ", ") {
				if i == 0 {
					l.word[code] = w
				}
				l.code[strings.ToLower(w)] = code
			}
		}
		return l
	})}
}

// Knows reports whether a word, in any capitals, is one of the vocabulary's.
func (v *Vocabulary) Knows(word string) bool {
	_, ok := v.parsed().code[wordOf(word)]
	return ok
}

// bound is a vocabulary for an element that has one of FHIR's codes or is not there.
func bound(system, lines string) *Vocabulary {
	v := vocabulary(system, lines)
	v.bound = true
	return v
}

// wanted is a vocabulary for a code that FHIR demands.
func wanted(lines string) *Vocabulary {
	v := bound("", lines)
	v.wanted = true
	return v
}

// or gives a vocabulary a code for words that nobody foresaw.
func (v *Vocabulary) or(code string) *Vocabulary {
	v.otherwise = code
	return v
}

// codeOf is the code for a word, empty if there is none.
func (v *Vocabulary) codeOf(word string) string {
	return cmp.Or(v.parsed().code[wordOf(word)], v.otherwise)
}

// marked is a vocabulary beside which another column has codes of the same system.
func marked(system, lines string) *Vocabulary {
	v := vocabulary(system, lines)
	v.marked = true
	return v
}

// wordOf is a word without what systems write it in: capitals, blanks, and the underscores of those that keep a name for it.
func wordOf(s string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '_' || unicode.IsSpace(r) }), " "))
}

// noStatus is why a row is rejected that has a word for a status and none that is known.
const noStatus = "no word that is known for a status"

// unsaid is the finding of rows in which a status that FHIR demands is such a word, nil if there is none.
func unsaid(d *tree.Doc, rows []*row) (f *diag.Finding) {
	d.Leaves(func(n tree.Node, state tree.State, why string) {
		if f == nil && state == tree.Invalid && why == noStatus {
			x := rows[d.Ordinal(rowOf(d, n))-1]
			f = diag.New(NoStatus, diag.Place{Source: x.of.file, Line: x.line, Path: d.PlaceOf(n)}, "").WithValue(d.Text(n))
		}
	})
	return f
}

const alternateCodes = "http://hl7.org/fhir/StructureDefinition/alternate-codes"

func (v *Vocabulary) pair() mapping.Pair { return mapping.Pair{Read: v.read, Write: v.write} }

func (v *Vocabulary) read(c *mapping.Context, from tree.Node, dst proto.Message) bool {
	text := c.Doc.Text(from)
	if strings.TrimSpace(text) == "" {
		return false
	}
	l := v.parsed()
	code := v.codeOf(text)
	if v.beside != nil {
		if table, i := columnAt(c, c.Doc.Leaf(from)); table != nil {
			code = cmp.Or(v.beside(&table.Columns[i], wordOf(text), code), v.otherwise)
		}
	}
	if code == "" && v.bound {
		if v.wanted {
			c.Doc.Mark(c.Doc.Leaf(from), tree.Invalid, noStatus)
		}
		return false
	}
	switch d := dst.(type) {
	case *dpb.CodeableConcept:
		if code != "" {
			d.Coding = append(d.Coding, v.coding(code))
		}
		if l.word[code] != text || code == "" {
			d.Text = &dpb.String{Value: text}
		}
	case *dpb.Coding:
		if code == "" {
			return false
		}
		*d = *v.coding(code)
		if l.word[code] != text {
			d.Code.Extension = append(d.Code.Extension, original(text))
		}
	default:
		ti, e := plan.OfMessage(dst), reflect.ValueOf(dst).Elem()
		if ti.Prim == nil || ti.Extension < 0 {
			return false
		}
		if code != "" {
			val, err := ti.Prim.Parse(code)
			if err != nil {
				return false
			}
			ti.Prim.Store(e, val)
		}
		if l.word[code] != text || code == "" {
			list := e.Field(ti.Extension).Addr().Interface().(*[]*dpb.Extension)
			*list = append(*list, original(text))
		}
		if code == "" {
			ti.Prim.MarkNoValue(e)
		}
	}
	c.Carry(from)
	return true
}

func (v *Vocabulary) coding(code string) *dpb.Coding {
	c := &dpb.Coding{System: &dpb.Uri{Value: v.system}, Code: &dpb.Code{Value: code}}
	if v.marked {
		c.Extension = []*dpb.Extension{{Url: &dpb.Uri{Value: byWord}, Value: &dpb.Extension_ValueX{Choice: &dpb.Extension_ValueX_Boolean{Boolean: &dpb.Boolean{Value: true}}}}}
	}
	return c
}

const byWord = "https://chartpost.org/fhir/StructureDefinition/csv-by-word"

// original keeps what a cell says beside the code that it became.
func original(text string) *dpb.Extension {
	return &dpb.Extension{Url: &dpb.Uri{Value: alternateCodes}, Value: &dpb.Extension_ValueX{
		Choice: &dpb.Extension_ValueX_CodeableConcept{CodeableConcept: &dpb.CodeableConcept{Text: &dpb.String{Value: text}}}}}
}

func originalOf(list []*dpb.Extension) string {
	for _, x := range list {
		if x.GetUrl().GetValue() == alternateCodes {
			return x.GetValue().GetCodeableConcept().GetText().GetValue()
		}
	}
	return ""
}

func (v *Vocabulary) write(c *mapping.Context, src proto.Message, to tree.Node) bool {
	text := ""
	var claims []proto.Message
	word := func(x *dpb.Coding) string {
		if x.GetSystem().GetValue() != v.system {
			return ""
		}
		return v.parsed().word[x.GetCode().GetValue()]
	}
	switch s := src.(type) {
	case *dpb.CodeableConcept:
		text = s.GetText().GetValue()
		var known *dpb.Coding
		for _, x := range s.Coding {
			if w := word(x); w != "" {
				// The text comes back only if it would become this code again.
				if text == "" {
					text = w
				} else if v.codeOf(text) != x.GetCode().GetValue() {
					continue
				}
				known = x
				break
			}
		}
		if known != nil {
			claims = append(claims, known.System, known.Code)
			if v.marked && len(known.Extension) == 1 && known.Extension[0].GetUrl().GetValue() == byWord {
				claims = append(claims, known)
			}
		}
		if text == "" {
			for _, x := range s.Coding { // of another vocabulary: its name says what it is
				if text = x.GetDisplay().GetValue(); text != "" {
					claims = append(claims, x.Display)
					break
				}
			}
		}
		if s.Text != nil {
			claims = append(claims, s.Text)
		}
	case *dpb.Coding:
		if text = originalOf(s.GetCode().GetExtension()); text == "" {
			text = word(s)
		}
		claims = append(claims, src)
	default:
		ti, e := plan.OfMessage(src), reflect.ValueOf(src).Elem()
		if ti.Prim == nil || ti.Extension < 0 {
			return false
		}
		if text = originalOf(e.Field(ti.Extension).Interface().([]*dpb.Extension)); text == "" {
			text = v.parsed().word[ti.Prim.Text(e)]
		}
		claims = append(claims, src)
	}
	if text == "" || c.Doc.Text(to) != "" && c.Doc.Text(to) != text {
		return false
	}
	c.Doc.SetText(to, text)
	for _, m := range claims {
		c.Claim(m)
	}
	return true
}

// sexes are those of lists in English, Spanish, French and German.
var sexes = func() *Vocabulary {
	v := vocabulary("", `
		male: M, male, man, boy, hombre, masculino, varón, h, homme, masculin, garçon, männlich, mann, junge
		female: F, female, woman, girl, mujer, femenino, femme, féminin, fille, w, weiblich, frau, mädchen
		other: O, other, x, nonbinary, non-binary, diverse, intersex, d, divers
		unknown: U, unknown, unk, undetermined, not specified, undifferentiated`)
	v.beside = sexBeside
	return v.or("unknown")
}()

// sexBeside: M is mujer beside an H for hombre, and masculino beside an F. Where a column is called Sexo and has neither, or has both, nobody knows.
func sexBeside(column *csvtab.Column, word, code string) string {
	h, f := column.HasLetter('h'), column.HasLetter('f')
	switch {
	case word == "m" && h && !f:
		return "female"
	case word == "m" && (h || !f && normal(column.Name) == "sexo"):
		return ""
	}
	return code
}

// The vocabularies by the names that rows use. The words are those of import templates and exports (docs/lists.md).
var vocabularies = map[string]*Vocabulary{
	"SEX": sexes,
	"MARITAL": vocabulary("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", `
		M: Married, m
		S: Never Married, single, s, unmarried
		D: Divorced, d
		W: Widowed, w, widow, widower
		L: Legally Separated, separated, l
		T: Domestic Partner, partner, t, domestic partnership, civil union, life partner
		A: Annulled, a
		I: Interlocutory, i`),
	"ACTIVE": vocabulary("", `
		true: Active, yes, y, true, 1, a, current, established
		false: Inactive, no, n, false, 0, i, discharged, archived, moved, transferred`),
	"DECEASED": vocabulary("", `
		true: Y, yes, true, 1, t, x, deceased, dead, expired, died
		false: N, no, false, 0, f, alive, living`),
	"YES": vocabulary("", `
		true: Y, yes, true, 1, t, x, prn
		false: N, no, false, 0, f`),
	"APPOINTMENT": wanted(`
		booked: Scheduled, booked, confirmed, s, active, rescheduled, unconfirmed, reserved, geplant, gebucht, bestätigt, programada, programado, confirmada, confirmado, prévu, planifié, confirmé
		arrived: Arrived, checked in early, eingetroffen, arrivé
		checked-in: Checked In, checked-in, checkedin, in room, in progress
		fulfilled: Completed, complete, checked out, done, kept, seen, fulfilled, c, finished, wahrgenommen, erschienen, abgeschlossen, atendida, atendido, realizada, realizado, honoré, effectué, terminé
		cancelled: Cancelled, canceled, cancel, cxl, x, cancelled by patient, cancelled by provider, patient cancelled, abgesagt, storniert, cancelada, cancelado, anulada, anulado, annulé
		noshow: No Show, noshow, no-show, ns, missed, did not attend, dna, left before seen, left without being seen, left without seen, lwbs, nicht erschienen, no asistió, no se presentó, non honoré, non venu
		pending: Pending, requested, tentative
		proposed: Proposed
		waitlist: Waitlist, wait list, waiting list
		entered-in-error: Entered in Error, error, deleted`),
	"GIVEN": wanted(`
		completed: Completed, complete, cp, given, administered, done, valid, pa, partially administered, y, yes, 01, 00, gegeben, verabreicht, geimpft, administrada, administrado, aplicada, administré, vacciné
		not-done: Not Given, not done, refused, re, na, declined, not administered, deferred, n, no, abgelehnt, verweigert, nicht gegeben, nicht verabreicht, rechazada, rechazado, no administrada, no administrado, refusé, non administré
		entered-in-error: Entered in Error, error, deleted, d, invalid`),
	"PRIMARY": vocabulary("", `
		true: New, new immunization record, administered, 00, current, y, yes
		false: Historical, history, historical information, 01, h, hist, 02, 03, 04, 05, 06, 07, 08, reported, transcribed, other provider`),
	"RESULT_STATUS": vocabulary("", `
		final: Final, f, complete, completed, final result, final results, verified
		preliminary: Preliminary, p, prelim, partial
		corrected: Corrected, c, correction
		amended: Amended
		registered: Pending, registered, i, ordered, in process, received
		cancelled: Cancelled, canceled, x, not performed, tnp
		entered-in-error: Entered in Error, error, w, wrong
		unknown: Unknown, unk, u`).or("unknown"),
	"FLAG": vocabulary("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", `
		N: N, normal, wnl, within normal limits
		H: H, high, above range, above high normal
		L: L, low, below range, below low normal
		HH: HH, critical high, panic high, high panic, ch, h*
		LL: LL, critical low, panic low, low panic, cl, l*
		A: A, abnormal, *, abn
		AA: AA, critical, critical abnormal, panic, crit
		POS: POS, positive, p, reactive, detected
		NEG: NEG, negative, nonreactive, non-reactive, not detected
		IND: IND, indeterminate, equivocal, borderline
		S: S, susceptible, sensitive
		R: R, resistant
		I: I, intermediate`),
	"CLINICAL": bound("http://terminology.hl7.org/CodeSystem/condition-clinical", `
		active: Active, a, current, chronic, acute, ongoing, open, y, yes, 1
		inactive: Inactive, i, history, historical, past, n, no, 0, closed
		resolved: Resolved, r, cured, healed
		remission: Remission, in remission
		recurrence: Recurrence, recurrent
		relapse: Relapse`),
	"VERIFICATION": bound("http://terminology.hl7.org/CodeSystem/condition-ver-status", `
		confirmed: Confirmed, verified, definite, final
		provisional: Provisional, suspected, probable, possible, working
		unconfirmed: Unconfirmed, unverified, reported, patient reported
		differential: Differential
		refuted: Refuted, ruled out, rule out negative
		entered-in-error: Entered in Error, error, deleted`),
	"ALLERGY_CLINICAL": bound("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", `
		active: Active, a, current, y, yes, 1
		inactive: Inactive, i, past, n, no, 0
		resolved: Resolved, r, outgrown`).or("active"),
	"ALLERGY_VERIFICATION": bound("http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", `
		confirmed: Confirmed, verified
		unconfirmed: Unconfirmed, unverified, suspected, reported, patient reported
		refuted: Refuted, ruled out
		entered-in-error: Entered in Error, error, deleted`),
	"ALLERGY_TYPE": bound("", `
		allergy: Allergy, allergic, al
		intolerance: Intolerance, adverse reaction, side effect, sensitivity, adverse effect`),
	"ALLERGY_CATEGORY": bound("", `
		medication: Drug, medication, med, da, drug allergy, medicine, rx, ma
		food: Food, fa, food allergy
		environment: Environment, environmental, ea, pollen, seasonal, animal, insect, latex, la, aa, pa
		biologic: Biologic, vaccine, biological`),
	"REACTION_SEVERITY": bound("", `
		mild: Mild, mi, minor, low, 1
		moderate: Moderate, mo, medium, mod, 2
		severe: Severe, sv, high, life threatening, life-threatening, anaphylaxis, fatal, major, 3`),
	"MEDICATION": vocabulary("", `
		active: Active, a, current, taking, ordered, prescribed, continued, y, yes, ongoing, 1
		completed: Completed, complete, finished, c, expired, past, dispensed
		stopped: Stopped, discontinued, d/c, dc, inactive, ended, not taking, i, n, 0
		on-hold: On Hold, hold, held, suspended
		cancelled: Cancelled, canceled, x, voided, void
		entered-in-error: Entered in Error, error, deleted
		draft: Draft, pending
		unknown: Unknown, unk, u`).or("unknown"),
	"VISIT": vocabulary("", `
		finished: Finished, completed, complete, closed, done, discharged, checked out, f, abgeschlossen, entlassen, terminé, finalizada, finalizado, alta
		in-progress: In Progress, in-progress, active, open, ongoing, admitted, current, laufend, en cours, en curso
		arrived: Arrived, checked in, waiting
		triaged: Triaged
		onleave: On Leave, leave
		planned: Planned, scheduled, booked, pending
		cancelled: Cancelled, canceled, cancel, no show, noshow, no-show, abgesagt, annulé, cancelada, cancelado
		entered-in-error: Entered in Error, error, deleted
		unknown: Unknown, unk`).or("unknown"),
	"VISIT_CLASS": bound("http://terminology.hl7.org/CodeSystem/v3-ActCode", `
		AMB: Outpatient, amb, ambulatory, office, office visit, clinic, op, out patient, ambulant, ambulatoire, externe, ambulatorio, ambulatoria, consulta externa, wellness
		IMP: Inpatient, imp, ip, in patient, hospitalization, hospital inpatient, stationär, hospitalisation, hospitalización, hospitalizacion, hospitalizado
		EMER: Emergency, emer, er, ed, emergency room, emergency department, emergency visit, emergency room visit, notfall, notaufnahme, urgences, urgencias, urgencia, emergencia, emergencias
		OBSENC: Observation, obsenc, observation stay
		SS: Short Stay, ss, day case, day surgery, day patient, same day, same day surgery
		HH: Home Health, hh, home, home visit, hausbesuch, visite à domicile, domicilio
		VR: Telehealth, vr, virtual, telemedicine, video, video visit, phone, telephone, telephone visit, virtual visit, telesprechstunde, téléconsultation, telemedicina
		FLD: Field, fld
		PRENC: Pre-admission, prenc, preadmit, pre-admit, preadmission`),
	"NOTE": bound("", `
		final: Final, f, signed, complete, completed, authenticated, finalized
		preliminary: Preliminary, p, draft, unsigned, in progress, incomplete
		amended: Amended, addendum, corrected
		entered-in-error: Entered in Error, error, deleted`),
	"ALLERGEN": marked("http://snomed.info/sct", `
		716186003: No Known Allergies, nka, no known allergy, no allergies, none known, no known active allergies
		409137002: No Known Drug Allergies, nkda, no known drug allergy, no known medication allergies, nkma
		429625007: No Known Food Allergies, nkfa, no known food allergy`),
}

// Word is the vocabulary of a name that rows use; nil if there is none.
func Word(name string) *Vocabulary { return vocabularies[name] }
