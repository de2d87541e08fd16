// Package v2fhir holds the tables between HL7 v2 (2.1 to 2.9) and FHIR R4: row for row those of the HL7 v2-to-FHIR
// Implementation Guide 1.0.0, and rows of Chartpost's own where the guide is silent.
//
// The tables are the .map files; what cannot be a row is a leaf type or a pair of functions beside them.
package v2fhir

import (
	"embed"
	"maps"
	"strings"

	"github.com/chartpost/chartpost/converters/internal/hl7"
	"github.com/chartpost/chartpost/pkg/hl7v2"
	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

//go:embed *.map
var tables embed.FS

// Tables are the built-in mapping.
func Tables() mapping.Tables {
	return mapping.Tables{Format: hl7v2.Format, Types: allTypes(), Files: files}
}

var files = mapping.Embedded(tables)

// allTypes are the leaf types and pairs that rows may name.
func allTypes() mapping.Types {
	all := maps.Clone(Types)
	maps.Copy(all, segmentTypes)
	return all
}

// segmentTypes are the pairs that stand for segments and fields, not for datatypes.
var segmentTypes = mapping.Types{
	"ZSEGMENT":   zSegment,
	"KEPT":       kept,
	"MINUTES":    minutes,
	"OBX_5":      obx5,
	"OBX_UNREAD": obxUnread,
	"NTE_3":      noteLines,
	"OBX_PART":   obxPart,
	"REFRANGE":   refRange,
	"OBR_15":     obr15,
	"OBR_22":     obr22,
	"MSA_2":      msa2,
	"SPM_17":     spm17,

	"SAME_SPECIMEN": sameSpecimen,
	"RACES":         race.pair(),
	"ETHNICITIES":   ethnicity.pair(),
	"DISCHARGE":     discharge,
	"PV1_STATUS":    status,
	"PERFORMED":     performed,
	"CONFIRMED":     confirmed,
	"GIVEN":         given,
	"BIRTHPLACE":    birthplace,
	"IAM_STATUS":    iamStatus,
	"APPOINTMENT":   appointment,
	"SHARED_ROUTE":  sharedRoute,
	"PERIOD_END":    hl7.PeriodEnd("END_OF_PERIOD"),
	"DOC_DATE":      docDate,
	"DOCUMENT":      document,

	"ATTENDER_TYPE":      participation("ATND", "attender", true),
	"REFERRER_TYPE":      participation("REF", "referrer", false),
	"CONSULTANT_TYPE":    participation("CON", "consultant", false),
	"ADMITTER_TYPE":      participation("ADM", "admitter", false),
	"PARTICIPATION_TYPE": participation("PART", "Participation", false),
}

// SourceOf is what a message says of itself, for overlays to match.
func SourceOf(msg *hl7v2.Message) mapping.Source {
	src := mapping.Source{Format: "hl7v2", Event: msg.Type + "^" + msg.Event}
	if msh := msg.Child(tree.Root, "MSH"); msh != 0 {
		src.Sender = parts(msg.Doc, msg.Child(msh, "3"))
		src.Facility = parts(msg.Doc, msg.Child(msh, "4"))
	}
	return src
}

func parts(d *tree.Doc, n tree.Node) (list []string) {
	if n != 0 {
		d.LeavesBelow(n, func(k tree.Node, _ tree.State, _ string) { list = append(list, d.Text(k)) })
	}
	return list
}

// Facility is what scopes the identifiers of a message that have no system: MSH-4.
func Facility(d *tree.Doc) string {
	msh := d.Child(tree.Root, "MSH")
	if msh == 0 {
		return ""
	}
	return strings.Join(parts(d, d.Child(msh, "4")), "^")
}
