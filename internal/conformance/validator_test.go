package conformance

import (
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
)

// TestValidatorCases: at least 95 % of the decidable cases are decided as the suite decides them, and every other one is explained.
func TestValidatorCases(t *testing.T) {
	cases, err := ValidatorCases(testshared.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + ValidatorTable(cases))
	why := Disagreements()
	decidable, agree := 0, 0
	for _, c := range cases {
		if c.Decidable {
			decidable++
			if c.Agrees() {
				agree++
			}
		}
		switch _, known := why[c.Name]; {
		case c.Agrees() && known:
			t.Errorf("%s agrees, and validator.tsv explains why not", c.Name)
		case !c.Agrees() && !known:
			t.Errorf("%s (%s, decidable %v): %d errors in the suite, and we say", c.Name, c.Module, c.Decidable, c.Errors)
			for _, f := range c.Ours {
				if f.Severity() == 1 {
					t.Logf("    %v", f)
				}
			}
		}
	}
	if decidable < 154 || agree*100 < decidable*95 {
		t.Errorf("%d of %d decidable cases agree", agree, decidable)
	}
}
