// Command chartpost converts, checks, seals and opens health records.
package main

import (
	"os"

	"github.com/chartpost/chartpost/cmd/chartpost/internal/cli"
)

func main() { os.Exit(cli.Run()) }
