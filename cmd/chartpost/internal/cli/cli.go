// Package cli is the command line of Chartpost: one command, one file, over three streams that tests can drive.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/chartpost/chartpost/pkg/diag"
)

// Exit statuses (DESIGN.md section 2). Where several apply, the first of 130, 2, 6, 5, 4, 3, 7, 1 wins.
const (
	exitOK          = 0
	exitFindings    = 1 // problems found in the data
	exitUsage       = 2
	exitUnreadable  = 3 // input unreadable, of no known format, or nothing of it could be written
	exitIdentity    = 4 // no identity of mine opens it, or wrong passphrase
	exitRefused     = 5 // every refusal after decryption
	exitNetwork     = 6
	exitPartial     = 7 // some records rejected, the rest written
	exitInterrupted = 130
	exitPipe        = 141 // whoever read what is printed has gone (head -1): no fault, and what the signal would have ended with
)

// worse is of two exit statuses the one that is given where both apply.
func worse(a, b int) int {
	for _, c := range []int{exitUsage, exitNetwork, exitRefused, exitIdentity, exitUnreadable, exitPartial, exitFindings} {
		if c == a || c == b {
			return c
		}
	}
	return exitOK
}

// CLI is one run of the program: its streams, its environment and its arguments.
type CLI struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(string) string
	Version  string

	// What the sealing commands need of the world. Zero values mean the system's clock and randomness, and no terminal to ask on.
	Now  func() time.Time
	Rand io.Reader
	Ask  func(ctx context.Context, question string, secret bool) (string, error)

	// Room checks the room on a disk; nil asks the system.
	Room func(dir string, need int64) error

	Keyring Keyring // the system's, if it is nil

	// Terminal reports that a stream is a terminal; nil looks at the stream.
	Terminal func(io.Writer) bool
}

// terminal reports that a stream is a terminal that can move its cursor.
func (c *CLI) terminal(w io.Writer) bool {
	return c.Env("TERM") != "dumb" && c.screen(w)
}

// screen reports that a stream is read by a person who sits there.
func (c *CLI) screen(w io.Writer) bool {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	if c.Terminal != nil {
		return c.Terminal(w)
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// output is standard output or standard error, which keeps the first error of writing to it: what did not arrive is no success, whoever wrote it.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// exitError is an error that knows its exit status. Hints are printed below it, each on its own line.
type exitError struct {
	code  int
	err   error
	hints []string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// fail makes an error with an exit status.
func fail(code int, err error, hints ...string) error { return &exitError{code, err, hints} }

// usagef makes an error of usage.
func usagef(format string, args ...any) error { return fail(exitUsage, fmt.Errorf(format, args...)) }

// someInput is what a command's arguments must be where it works on files.
func someInput(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return nil
	}
	return fail(exitUsage, errors.New("no input"), "name a file: "+cmd.CommandPath()+" --help shows how")
}

// Run runs the program over the process's own streams and returns its exit status.
func Run() int {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	defer stop()
	heedLimits()
	c := &CLI{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv, Version: version(), Ask: terminalAsk(os.Stdin, os.Stderr)}
	return c.run(ctx, os.Args[1:], easeCollector)
}

// endings are the signals after which what is not whole is removed: Ctrl-C, a service that is stopped, and a window that is closed unless nohup
// had it ignored.
func endings() []os.Signal {
	list := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// Run runs one command line and returns its exit status. It changes nothing of the process, in which there may be more runs.
func (c *CLI) Run(ctx context.Context, args []string) int { return c.run(ctx, args, func() {}) }

// run is Run; ease is called before a command over records.
func (c *CLI) run(ctx context.Context, args []string, ease func()) int {
	out, errOut := &output{w: c.Out}, &output{w: c.Err}
	own := *c
	own.Out, own.Err = out, errOut
	c = &own
	root := c.root(ease)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if ctx.Err() != nil {
		fmt.Fprintln(c.Err, "chartpost: interrupted")
		return exitInterrupted
	}
	if errors.Is(out.err, syscall.EPIPE) || errors.Is(errOut.err, syscall.EPIPE) {
		return exitPipe
	}
	if err == nil && out.err == nil {
		return exitOK
	}
	var e *exitError
	switch {
	case errors.As(err, &e):
	case out.err != nil:
		e = &exitError{exitUnreadable, out.err, nil}
	default:
		e = misused(cmd, err)
	}
	c.complain("", e)
	if out.err != nil && !errors.Is(e, out.err) {
		c.complain("", &exitError{exitUnreadable, out.err, nil})
		return worse(e.code, exitUnreadable)
	}
	return e.code
}

// complain prints an error with what can be done about it; where names the input, if that is not clear.
func (c *CLI) complain(where string, e *exitError) {
	if msg := inWords(e.err); msg != "" {
		fmt.Fprintf(c.Err, "chartpost: %s\n", onScreen(where+msg))
	}
	hints := e.hints
	if disk := diskHint(e.err); disk != "" && len(hints) == 0 {
		hints = []string{disk}
	}
	for _, h := range hints {
		fmt.Fprintf(c.Err, "  %s\n", onScreen(h))
	}
}

// onScreen keeps what others wrote, such as the name of a file in an inbox or the answer of a server, from steering a terminal.
func onScreen(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = diag.Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// root makes the command tree anew, so that runs share nothing.
//
// The version has a flag of its own because no template of cobra may be set, nor text/template be imported: it looks methods up
// by name, and with it the linker keeps every method of every FHIR message, 6 MB of them.
func (c *CLI) root(ease func()) *cobra.Command {
	var showVersion bool
	root := &cobra.Command{
		Use:           "chartpost",
		Short:         "Convert, check, seal and open health records",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if showVersion {
				_, err := fmt.Fprintf(c.Out, "chartpost %s\n", c.Version)
				return err
			}
			return cmd.Help()
		},
	}
	root.Flags().BoolVarP(&showVersion, "version", "v", false, "print the version")
	root.SetIn(c.In)
	root.SetOut(c.Out)
	root.SetErr(c.Err)
	for _, x := range commands {
		cmd := x.add(c)
		if x.use == overRecords {
			cmd.PreRun = func(*cobra.Command, []string) { ease() }
		}
		root.AddCommand(cmd)
	}
	schoolDefaults(root)
	return root
}

// Tree is the tree of commands, for manual pages and completions.
func Tree() *cobra.Command {
	c := &CLI{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Env: func(string) string { return "" }}
	return c.root(func() {})
}
