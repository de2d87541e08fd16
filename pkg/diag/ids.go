package diag

import "fmt"

// ID names a kind of finding for good: CP-V2-001. An id is never used again for something else.
type ID string

// Entry is what the list of ids says of one of them.
type Entry struct {
	ID       ID
	Severity Severity
	What     string // what is wrong, in one sentence
	Why      string // why it matters
	Fix      string // how to mend it
}

// Entry returns the list's entry. An id that is not in the list is a fault of the program, which a test finds.
func (id ID) Entry() Entry {
	if i, ok := index[id]; ok {
		return entries[i]
	}
	return Entry{ID: id, Severity: Reject, What: fmt.Sprintf("the finding %s is not in the list of findings", string(id))}
}

// Entries is the whole list, in the order of the areas and numbers.
func Entries() []Entry { return entries }

var index = func() map[ID]int {
	m := make(map[ID]int, len(entries))
	for i, e := range entries {
		m[e.ID] = i
	}
	return m
}()
