package cda

import (
	"testing"
)

// Every statement of the table compiles, and its words can be made.
func TestTable(t *testing.T) {
	tab := loadTable()
	n := 0
	for _, r := range tab.rules {
		n += len(tab.statements(r))
	}
	t.Logf("%d rules, %d statements, %d template ids, %d names, %d value sets", len(tab.rules), n, len(tab.known), len(tab.names), len(tab.sets))
	if n < 4000 || len(tab.known) < 250 {
		t.Error("the table has shrunk")
	}
}
