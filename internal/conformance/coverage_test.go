package conformance

import (
	"testing"

	"github.com/chartpost/chartpost/pkg/mapping"
)

func TestCoverage(t *testing.T) {
	rows := []GuideRow{
		{Kind: "segment", Map: "PID[Patient]", Source: "PID", Target: "Patient", Place: "PID-5", FHIRPath: "name[1]"},
		{Kind: "segment", Map: "PID[Patient]", Source: "PID", Target: "Patient", Place: "PID-8", FHIRPath: "gender"},
		{Kind: "segment", Map: "PID[Patient]", Source: "PID", Target: "Patient", Place: "PID-16", FHIRPath: "maritalStatus"},
		{Kind: "segment", Map: "PID[Patient]", Source: "PID", Target: "Patient", Place: "PID-29", FHIRPath: "deceasedDateTime"},
		{Kind: "segment", Map: "PID[Patient]", Source: "PID", Target: "Patient", Place: "PID-1", FHIRPath: ""},
		{Kind: "segment", Map: "PID[Account]", Source: "PID", Target: "Account", Place: "PID-18", FHIRPath: "identifier"},
		{Kind: "segment", Map: "PID[Patient]", Source: "PID", Target: "Patient", Place: "PID-50", FHIRPath: "name"},
		{Kind: "datatype", Map: "EI[Identifier-System]", Source: "EI", Target: "Identifier", Place: "EI.1", FHIRPath: "value"},
		{Kind: "datatype", Map: "EIP[Identifier]", Source: "EIP", Target: "Identifier", Place: "EIP.1", FHIRPath: "value"},
	}
	file := &mapping.File{Items: []mapping.Item{
		&mapping.Table{Name: "PID", Types: []string{"Patient"}, Rows: []*mapping.Row{
			{Kind: mapping.MapRow, Place: "5", Target: "name"},
			{Kind: mapping.MapRow, Place: "8", Target: "extension(x).valueCode"},
			{Kind: mapping.DeclineSource, Place: "16"},
			{Kind: mapping.MapRow, Place: "29", Target: "deceasedDateTime"},
		}},
		&mapping.Table{Name: "PIDAccount", Types: []string{"Account"}, Rows: []*mapping.Row{{Kind: mapping.MapRow, Place: "18", Target: "identifier"}}},
		&mapping.Table{Name: "EIPlacer", Types: []string{"Identifier"}, Rows: []*mapping.Row{{Kind: mapping.MapRow, Place: "1", Target: "value"}}},
	}}
	list := Coverage(rows, []*mapping.File{file})
	want := map[string]string{"PID-5": covered, "PID-8": otherwise, "PID-16": declined, "PID-29": covered, "PID-18": covered, "PID-50": absent,
		"EI.1": covered, "EIP.1": absent}
	if len(list) != len(want) {
		t.Errorf("%d rows, %d expected", len(list), len(want))
	}
	for _, c := range list {
		if c.State != want[c.Place] {
			t.Errorf("%s: %s, %s expected", c.Place, c.State, want[c.Place])
		}
	}
}

func TestMapsOf(t *testing.T) {
	rows := []GuideRow{
		{Kind: "message", Map: "ORU_R01", TypeMap: "PID[Patient]"},
		{Kind: "message", Map: "SIU_S12", TypeMap: "SCH[Appointment]"},
		{Kind: "segment", Map: "PID[Patient]", TypeMap: "XPN[HumanName]"},
		{Kind: "segment", Map: "SCH[Appointment]", TypeMap: "EI[Identifier]"},
		{Kind: "datatype", Map: "XPN[HumanName]", TypeMap: "FN[HumanName]"},
	}
	got := MapsOf(rows, []string{"ORU_R01"})
	if len(got) != 3 || !got["FN[HumanName]"] || got["SCH[Appointment]"] {
		t.Errorf("maps %v", got)
	}
}
