package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// terminalAsk makes a function that asks a question on a terminal, or nil where there is none: then every question needs its flag.
func terminalAsk(in *os.File, out io.Writer) func(context.Context, string, bool) (string, error) {
	fd := int(in.Fd())
	if !term.IsTerminal(fd) {
		return nil
	}
	lines := bufio.NewReader(in)
	return func(ctx context.Context, question string, secret bool) (string, error) {
		fmt.Fprint(out, question+" ")
		state, err := term.GetState(fd)
		if err != nil {
			return "", err
		}
		type answer struct {
			text string
			err  error
		}
		got := make(chan answer, 1)
		// Reading cannot be interrupted, so it is left behind when Ctrl-C comes; the terminal must echo again then.
		go func() {
			if secret {
				b, err := term.ReadPassword(fd)
				fmt.Fprintln(out)
				got <- answer{string(b), err}
				return
			}
			s, err := lines.ReadString('\n')
			got <- answer{strings.TrimRight(s, "\r\n"), err}
		}()
		select {
		case <-ctx.Done():
			term.Restore(fd, state)
			fmt.Fprintln(out)
			return "", ctx.Err()
		case a := <-got:
			return a.text, a.err
		}
	}
}

// confirm asks a question that is answered with yes or no.
func (c *CLI) confirm(ctx context.Context, question string) (bool, error) {
	text, err := c.Ask(ctx, question+" [y/N]", false)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}
