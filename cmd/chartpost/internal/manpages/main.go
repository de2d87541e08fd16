// Command manpages writes docs/man and docs/completions from the tree of commands.
//
//	go run ./cmd/chartpost/internal/manpages docs
package main

import (
	"log"
	"os"

	"github.com/chartpost/chartpost/cmd/chartpost/internal/manpages/pages"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: manpages FOLDER")
	}
	if err := pages.Write(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}
