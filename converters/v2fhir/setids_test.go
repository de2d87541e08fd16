package v2fhir

import (
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/hl7v2"
)

// TestSetIDs: segments are numbered where they repeat, or where the group repeats that holds them once; a number that is there
// stays, and a segment that has no set id gets none.
func TestSetIDs(t *testing.T) {
	in := "MSH|^~\\&|||||||ORU^R01^ORU_R01|1|P|2.5.1\rPID|||1\rNK1||Sample\rNK1||Other\rPV1||I\r" +
		"ORC|RE\rOBR||P1\rOBX||ST|a||x\rNTE|||one\rNTE|||two\rOBX||ST|b||y\rOBR||P2\rOBX|7|ST|c||z\rOBX||ST|d||z\rPID|||2\rOBR||P3\r"
	msg, err := hl7v2.Parse(in, hl7v2.Options{})
	if err != nil {
		t.Fatal(err)
	}
	structure := msg.Group()
	setIDs(msg.Doc, structure, "")
	out, _ := hl7v2.AppendMessage(nil, msg.Doc, hl7v2.PrintOptions{Structure: structure})
	var got []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\r") {
		f := strings.Split(line, "|")
		got = append(got, f[0]+f[1])
	}
	want := "MSH^~\\& PID1 NK11 NK12 PV11 ORCRE OBR1 OBX1 NTE1 NTE2 OBX2 OBR2 OBX7 OBX2 PID2 OBR1"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("numbered: %s\nwant:     %s", s, want)
	}
}
