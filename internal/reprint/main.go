// Command reprint reads clinical documents and prints them again, as xmllint does with XML: what the codec costs without a conversion.
// usage: reprint [-jobs N] FILE...
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/chartpost/chartpost/pkg/ccda"
)

func main() {
	jobs := flag.Int("jobs", runtime.GOMAXPROCS(0), "how many documents at once")
	flag.Parse()
	files := flag.Args()
	var next atomic.Int64
	var out sync.Mutex
	var wait sync.WaitGroup
	failed := false
	for range *jobs {
		wait.Go(func() {
			var parser ccda.Parser
			var buf []byte
			for i := next.Add(1) - 1; int(i) < len(files); i = next.Add(1) - 1 {
				b, err := os.ReadFile(files[i])
				if err == nil {
					var doc *ccda.Document
					if doc, err = parser.Parse(b); err == nil {
						buf, _ = ccda.AppendDocument(buf[:0], doc.Doc, doc.Namespaces)
					}
				}
				out.Lock()
				if err == nil {
					_, err = os.Stdout.Write(buf)
				}
				if err != nil {
					fmt.Fprintf(os.Stderr, "%s: %v\n", files[i], err)
					failed = true
				}
				out.Unlock()
			}
		})
	}
	wait.Wait()
	if failed {
		os.Exit(1)
	}
}
