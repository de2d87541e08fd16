package csvtab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chartpost/chartpost/internal/testshared"
	. "github.com/chartpost/chartpost/pkg/csvtab"
)

func TestTry(t *testing.T) {
	dir := filepath.Join(testshared.Dir(t), "corpus", "csv", "synthea")
	files, _ := filepath.Glob(filepath.Join(dir, "*.csv"))
	for _, name := range files {
		b, _ := os.ReadFile(name)
		f, err := Open(filepath.Base(name), Bytes(b), Options{})
		if err != nil {
			t.Fatal(err)
		}
		tab := f.Tables[0]
		fmt.Println(name, tab.Count, tab.Dialect)
		for _, c := range tab.Columns {
			if c.Dates != nil {
				fmt.Printf("   %s %+v\n", c.Name, *c.Dates)
			}
		}
		for _, f := range tab.Findings {
			fmt.Println("   ", f)
		}
		n := 0
		for r, err := range tab.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 1 {
				fmt.Printf("    %+v\n", r)
			}
		}
		fmt.Println(n)
	}
}
