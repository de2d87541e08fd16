// Squeeze writes the lists that are embedded compressed, each beside its source: codes.csv becomes codes.csv.gz. One whose text is
// right already stays as it is, so that another release of Go changes nothing.
//
//	go run ./internal/gen/squeeze FILE...
package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	for _, name := range os.Args[1:] {
		text, err := os.ReadFile(name)
		check(err)
		if holds(name+".gz", text) {
			continue
		}
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		check(err)
		_, err = z.Write(text)
		check(err)
		check(z.Close())
		check(os.WriteFile(name+".gz", b.Bytes(), 0o644))
		log.Printf("%s: %d bytes in %d", name, len(text), b.Len())
	}
}

// holds reports whether a compressed file holds a text.
func holds(name string, text []byte) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return false
	}
	have, err := io.ReadAll(z)
	return err == nil && bytes.Equal(have, text)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
