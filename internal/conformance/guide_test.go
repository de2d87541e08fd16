package conformance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

func TestReadGuide(t *testing.T) {
	rows, err := ReadGuideDir(testshared.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	targets := 0
	for _, r := range rows {
		n[r.Kind]++
		if r.Kind == "segment" && r.HasTarget() {
			targets++
		}
	}
	if n["segment"] != 2547 || n["datatype"] != 1090 || n["message"] != 735 || targets != 1055 {
		t.Errorf("%v rows, %d segment rows with a target", n, targets)
	}
	find := func(table, place, path string) GuideRow {
		for _, r := range rows {
			if r.Map == table && r.Place == place && r.FHIRPath == path {
				return r
			}
		}
		t.Fatalf("no row %s %s %s", table, place, path)
		return GuideRow{}
	}
	if r := find("PID[Patient]", "PID-5", "name[1]"); r.Source != "PID" || r.Target != "Patient" || r.Datatype != "XPN" ||
		r.TypeMap != "XPN[HumanName]" || r.FHIRType != "HumanName" || r.Max != "-1" {
		t.Errorf("PID-5: %+v", r)
	}
	if c, ok := find("PID[Patient]", "PID-13", "telecom[1].use").Constant(); !ok || c != "home" {
		t.Errorf("PID-13's use: %q", c)
	}
	if r := find("ORU_R01", "ORU_R01.PATIENT_RESULT.ORDER_OBSERVATION.OBSERVATION.NTE", "Observation[2].note"); r.TypeMap != "NTE[ServiceRequest]" {
		t.Errorf("NTE under OBX: %+v", r)
	}
}

func TestRenderGuide(t *testing.T) {
	shared := testshared.Dir(t)
	rows, err := ReadGuideDir(shared)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := ReadCodesDir(shared)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := RenderGuide(dir, rows, codes); err != nil {
		t.Fatal(err)
	}
	for pattern, n := range map[string]int{"segments/*.txt": 75, "datatypes/*.txt": 105, "messages/*.txt": 13, "tables/*.txt": 70} {
		list, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(list) != n {
			t.Errorf("%s: %d files, %d expected (%v)", pattern, len(list), n, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "segments", "PID[Patient].txt")); err != nil || len(b) < 1000 {
		t.Errorf("PID[Patient]: %d bytes, %v", len(b), err)
	}
}
