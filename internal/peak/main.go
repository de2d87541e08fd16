// Command peak runs a command several times and prints the least time and the most memory that it took. usage: peak [-n TIMES] COMMAND...
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"time"
)

func main() {
	n := flag.Int("n", 3, "how often")
	before := flag.String("before", "", "what a shell does before each time")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: peak [-n TIMES] [-before LINE] COMMAND...")
		os.Exit(2)
	}
	best, most := time.Duration(0), int64(0)
	for i := range *n {
		if *before != "" {
			if out, err := exec.Command("sh", "-c", *before).CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n%s", *before, err, out)
				os.Exit(1)
			}
		}
		cmd := exec.Command(flag.Arg(0), flag.Args()[1:]...)
		cmd.Stderr = os.Stderr
		begin := time.Now()
		if err := cmd.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "%q: %v\n", flag.Args(), err)
			os.Exit(1)
		}
		took := time.Since(begin)
		if i == 0 || took < best {
			best = took
		}
		most = max(most, peak(cmd.ProcessState))
	}
	fmt.Printf("%.2f %.1f\n", best.Seconds(), float64(most)/(1<<20))
}
