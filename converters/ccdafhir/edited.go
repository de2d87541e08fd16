package ccdafhir

import (
	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	apb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/allergy_intolerance_go_proto"
	cpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/condition_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/chartpost/chartpost/pkg/mapping"
	"github.com/chartpost/chartpost/pkg/tree"
)

// writeStatus writes the clinical status of a problem or an allergy that somebody has changed in FHIR: into the status observation within
// the statement, else into a new one. It comes after the rows that write what is within. (One that is as it was read is claimed by the
// pairs CONDITION and ALLERGY, for it stands in the statements that it was made of.)
func writeStatus(c *mapping.Context, src proto.Message, n tree.Node) bool {
	var status *dpb.CodeableConcept
	template, system := problemStatus, conditionClinical
	switch x := src.(type) {
	case *cpb.Condition:
		status = x.ClinicalStatus
	case *apb.AllergyIntolerance:
		status, template, system = x.ClinicalStatus, allergyStatus, allergyClinical
	}
	if status == nil || isDerived(status) {
		return false
	}
	said, ok := bornClinicalStatus[conceptCode(status, system)]
	if !ok {
		return false
	}
	d := c.Doc
	var at tree.Node
	within(d, n, template, func(o tree.Node) {
		if at == 0 {
			at = o
		}
	})
	typ := "CD"
	if at == 0 {
		rel := d.Add(n, "entryRelationship", "")
		set(d, rel, "typeCode", "REFR")
		if template == allergyStatus {
			set(d, rel, "inversionInd", "true")
			typ = "CE"
		}
		at = d.Add(rel, "observation", "")
		set(d, at, "classCode", "OBS")
		set(d, at, "moodCode", "EVN")
		for _, version := range []string{"", "2019-06-20"} {
			id := d.Add(at, "templateId", "")
			set(d, id, "root", template)
			if version != "" {
				set(d, id, "extension", version)
			}
		}
		code := d.Add(at, "code", "")
		set(d, code, "code", "33999-4")
		set(d, code, "codeSystem", loincOID)
		set(d, code, "displayName", "Status")
		set(d, d.Add(at, "statusCode", ""), "code", "completed")
	}
	value := d.Child(at, "value")
	if value == 0 {
		value = d.Add(at, "value", "")
	}
	for k := d.First(value); k != 0; k = d.Next(k) { // what was said before, its translations and its words
		switch d.Name(k) {
		case "@xsi:type":
			typ = d.Text(k)
		default:
			emptied(d, k)
		}
	}
	set(d, value, "xsi:type", typ)
	set(d, value, "code", said[0])
	set(d, value, "codeSystem", snomedOID)
	set(d, value, "displayName", said[1])
	c.Claim(status)
	return true
}

// emptied empties a node, which is not printed then.
func emptied(d *tree.Doc, n tree.Node) {
	d.SetText(n, "")
	for k := d.First(n); k != 0; k = d.Next(k) {
		emptied(d, k)
	}
}
