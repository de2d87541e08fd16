package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/seal"
	"github.com/chartpost/chartpost/pkg/transport"
)

// Where an inbox's files go once they have been looked at.
const (
	openedFolder  = "opened"
	refusedFolder = "refused"
)

type fetchOptions struct {
	identityOptions
	transportOptions
	out      string
	receipts string
	yes      bool
}

func (o *fetchOptions) addTo(cmd *cobra.Command) {
	o.identityOptions.addTo(cmd)
	o.transportOptions.addTo(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.out, "output", "o", ".", "unpack into new folders below `DIR`")
	f.StringVar(&o.receipts, "receipts", "", "send the receipts to `ADDRESS`, a folder or sftp://...; they stand in DIR in any case")
	f.BoolVarP(&o.yes, "yes", "y", false, "take packages even from contacts who are not verified")
}

func newFetchCommand(c *CLI) *cobra.Command {
	o := new(fetchOptions)
	cmd := &cobra.Command{
		Use:   "fetch INBOX",
		Short: "Open all packages in an inbox, and sort the refused ones aside",
		Long: `Look through an inbox, a folder or sftp://[USER@]HOST[:PORT]/FOLDER, and open each package in it as open does:
into a folder of its own, with a receipt. Receipts that came are added to the log.

What was opened is moved to the folder opened of the inbox, what was refused to the folder refused,
with the reason beside it. What is for somebody else, or from a contact who is not verified yet, stays.
Nothing is ever deleted.`,
		Example: `  chartpost fetch /mnt/inbox -o received
  chartpost fetch sftp://maple@transfer.example.org/out -o received --receipts sftp://maple@transfer.example.org/in`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.runFetch(cmd.Context(), o, args[0]) },
	}
	o.addTo(cmd)
	return cmd
}

// inbox is an inbox that is being looked through.
type inbox struct {
	c    *CLI // without anybody to ask
	h    *home
	o    *fetchOptions
	t    *transport.Options
	box  transport.Inbox
	left map[string]leftItem
}

// leftItem is a file that stays in the inbox for a reason that may go away.
type leftItem struct {
	transport.Item
	when   time.Time
	counts bool // it is for me
}

// What became of the files of an inbox.
type tally struct {
	opened, receipts, refused, left int
	worst                           int // exit status
}

// fail notes an exit status, of which the first in the order of DESIGN.md section 2 stays.
func (n *tally) fail(code int) { n.worst = worse(n.worst, code) }

func (c *CLI) newInbox(ctx context.Context, o *fetchOptions, from string) (*inbox, error) {
	t, err := o.transportOptions.options(c)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(o.out); err != nil || !info.IsDir() {
		return nil, fail(exitUnreadable, fmt.Errorf("%s is not a folder", o.out), "make it first")
	}
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return nil, err
	}
	transport.Sweep(o.out)
	box, err := transport.OpenInbox(ctx, from, t)
	if err != nil {
		return nil, carried(err, from)
	}
	quiet := *c
	quiet.Ask = nil // nobody sits there when packages come
	return &inbox{&quiet, h, o, t, box, map[string]leftItem{}}, nil
}

func (c *CLI) runFetch(ctx context.Context, o *fetchOptions, from string) error {
	in, err := c.newInbox(ctx, o, from)
	if err != nil {
		return err
	}
	defer in.box.Close()
	items, err := in.settled(ctx)
	if err != nil {
		return carried(err, from)
	}
	n, err := in.all(ctx, items)
	if err != nil {
		return carried(err, from)
	}
	if !o.quiet {
		fmt.Fprintln(c.Err, n)
	}
	switch {
	case n.worst != exitOK:
		return fail(n.worst, errors.New(""))
	case n.left > 0:
		return fail(exitPartial, errors.New(""))
	}
	return nil
}

func (n tally) String() string {
	return fmt.Sprintf("%d opened, %s, %d refused, %d left in the inbox", n.opened, plural(n.receipts, "receipt"), n.refused, n.left)
}

// settle is how long a file that has come lately must stay as it is before it is taken for whole: other programs write under the final name.
const settle = time.Second

// settled lists the files of the inbox that are not being written.
func (in *inbox) settled(ctx context.Context) ([]transport.Item, error) {
	first, err := in.box.List(ctx)
	if err != nil {
		return nil, err
	}
	young := false
	for _, it := range first {
		age := time.Since(it.Modified)
		young = young || age < 10*time.Second // the clock of another computer may go fast
	}
	if !young {
		return first, nil
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(settle):
	}
	second, err := in.box.List(ctx)
	if err != nil {
		return nil, err
	}
	return unchanged(first, second), nil
}

// unchanged are the files of the second list that are in the first as they are.
func unchanged(first, second []transport.Item) []transport.Item {
	was := map[string]transport.Item{}
	for _, it := range first {
		was[it.Name] = it
	}
	var same []transport.Item
	for _, it := range second {
		if w, ok := was[it.Name]; ok && w.Size == it.Size && w.Modified.Equal(it.Modified) {
			same = append(same, it)
		}
	}
	return same
}

// all looks at each file. One that is refused does not stop the others; a connection that is lost does.
func (in *inbox) all(ctx context.Context, items []transport.Item) (n tally, err error) {
	for _, it := range items {
		if l, ok := in.left[it.Name]; ok && l.Size == it.Size && l.Modified.Equal(it.Modified) && time.Since(l.when) < 10*time.Minute {
			if l.counts {
				n.left++
			}
			continue
		}
		if err := in.one(ctx, it, &n); err != nil {
			return n, err
		}
		if err := ctx.Err(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// one looks at one file. An error is of the inbox.
func (in *inbox) one(ctx context.Context, it transport.Item, n *tally) error {
	path, done, err := in.box.Fetch(ctx, it, in.o.out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody else took it
	}
	if err != nil {
		return err
	}
	defer done()
	var opened *opened
	receipt := in.h.isReceipt(path)
	if receipt {
		err = in.receipt(ctx, it, path)
	} else {
		opened, err = in.open(ctx, path)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, gone := os.Lstat(path); err != nil && errors.Is(gone, fs.ErrNotExist) {
		return nil // somebody else took it
	}
	err = explain(err)
	why := ""
	folder := openedFolder
	switch code := exitCode(err); {
	case err == nil && receipt:
		n.receipts++
	case err == nil && opened.before:
		in.say("%s: it was opened before", it.Name)
	case err == nil:
		n.opened++
	case opened != nil: // but its receipt could not be written
		if !opened.before {
			n.opened++
		}
		n.fail(code)
		in.say("%s: %v", it.Name, err)
	case code == exitRefused, errors.Is(err, seal.ErrNotSealed):
		n.refused++
		n.fail(code)
		why, folder = diag.Printable(err.Error()), refusedFolder
		in.say("%s refused: %v", it.Name, err)
	default: // for somebody else, from a contact who is not verified, or something is wrong here: the reason may go away
		counts := code != exitIdentity
		if counts {
			n.left++
		}
		if code == exitUnreadable {
			n.fail(code)
		}
		if _, told := in.left[it.Name]; !told {
			in.say("%s stays: %v", it.Name, err)
		}
		in.left[it.Name] = leftItem{it, time.Now(), counts}
		return nil
	}
	delete(in.left, it.Name)
	if opened != nil {
		if !opened.before {
			fmt.Fprintln(in.c.Out, opened.out)
		}
		if err := in.sendReceipt(ctx, opened); err != nil {
			in.say("%s: the receipt was not sent: %v", it.Name, err)
			n.fail(exitNetwork)
		}
	}
	if err := in.box.Move(ctx, it.Name, folder, why); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil // somebody else moved it
}

func (in *inbox) say(format string, args ...any) {
	if !in.o.quiet {
		fmt.Fprintln(in.c.Err, diag.Printable(fmt.Sprintf(format, args...)))
	}
}

func (in *inbox) receipt(ctx context.Context, it transport.Item, path string) error {
	data, err := readSmall(nil, path, journal.MaxSealedReceipt)
	if err != nil {
		return err
	}
	said, err := in.h.addReceipt(ctx, data)
	if err == nil {
		in.say("%s: %s", it.Name, said)
	}
	return err
}

// open opens a package into a new folder.
func (in *inbox) open(ctx context.Context, path string) (*opened, error) {
	o := &openOptions{identityOptions: in.o.identityOptions, yes: in.o.yes, quiet: true, below: in.o.out}
	return in.c.open(ctx, in.h, o, path)
}

// sendReceipt carries a receipt to where the sender looks for it.
func (in *inbox) sendReceipt(ctx context.Context, o *opened) error {
	if o.receipt == "" || in.o.receipts == "" {
		return nil
	}
	data, err := os.ReadFile(o.receipt)
	if err != nil {
		return err
	}
	_, err = transport.Send(ctx, in.o.receipts, &transport.File{Name: filepath.Base(o.receipt), Src: bytes.NewReader(data), Size: int64(len(data))}, in.t)
	return err
}
