package convert

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/chartpost/chartpost/pkg/tree"
)

// TestEntryText: an entry is what encoding/json makes of the same, whatever stands in its texts.
func TestEntryText(t *testing.T) {
	type line struct {
		At  string `json:"at"`
		Why string `json:"why,omitempty"`
	}
	texts := []string{"", "PID-5[2].3", `act[@classCode="ACT"]/id`, "row 3, column \"Größe\"", "a<b>&c", "back\\slash", "tab\tline\n", "\u2028\u2029", "\xff\xfe", "\x7f", "日本"}
	for _, text := range texts {
		list := []Line{{text, text}, {text, ""}}
		want, err := json.Marshal(struct {
			Index    int    `json:"index"`
			ID       string `json:"id"`
			Values   int    `json:"values"`
			Carried  int    `json:"carried"`
			Folded   []line `json:"folded"`
			Declined []line `json:"declined"`
			Unmapped []line `json:"unmapped"`
			Invalid  []line `json:"invalid"`
		}{7, text, 12, 5, []line{{text, text}, {text, ""}}, []line{}, []line{{text, text}, {text, ""}}, []line{}})
		if err != nil {
			t.Fatal(err)
		}
		e := &Entry{Index: 7, ID: text, Tally: tree.Tally{Carried: 5, Folded: 4, Unmapped: 3}, Folded: list, Unmapped: list}
		if got := e.append(nil); !bytes.Equal(got, want) {
			t.Errorf("%q:\n%s\nwant\n%s", text, got, want)
		}
		want, err = json.Marshal(struct {
			Index    int  `json:"index"`
			Rejected line `json:"rejected"`
		}{7, line{text, text}})
		if err != nil {
			t.Fatal(err)
		}
		if got := (&Entry{Index: 7, Rejected: &list[0]}).append(nil); !bytes.Equal(got, want) {
			t.Errorf("rejected, %q:\n%s\nwant\n%s", text, got, want)
		}
	}
}
