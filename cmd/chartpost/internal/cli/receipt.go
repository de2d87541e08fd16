package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/internal/safefile"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
)

// receiptEnding is what the name of a receipt's file ends with.
const receiptEnding = ".receipt.age"

type receiptOptions struct {
	identityOptions
	out   string
	all   bool
	json  bool
	force bool
	quiet bool
}

func newReceiptCommand(c *CLI) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "receipt",
		Short: "Proof that what I sent has arrived",
		Long: `Proof that what you sent has arrived. Opening a package makes a receipt, signed by its recipient after
everything in it had been verified, and sealed for you. Add it to have it checked against your log.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	sub := func(use, short, long string, args cobra.PositionalArgs, run func(context.Context, *receiptOptions, []string) error) (*cobra.Command, *receiptOptions) {
		o := new(receiptOptions)
		s := &cobra.Command{Use: use, Short: short, Long: long, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
			return run(cmd.Context(), o, args)
		}}
		o.addTo(s)
		cmd.AddCommand(s)
		return s, o
	}
	add, o := sub("add FILE...", "Check a receipt that came back, and keep it", `Check a receipt against the log: that it is signed by whom the package was sealed for, and is about the
very package that was sealed. It is kept in the log, and as it came in the folder receipts beside it.`, someInput, c.runReceiptAdd)
	add.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "say nothing but errors")
	list, o := sub("list", "List what has not been acknowledged", `List the packages that a receipt was asked for and has not come.`, cobra.NoArgs, c.runReceiptList)
	list.Flags().BoolVar(&o.all, "all", false, "list the others too")
	list.Flags().BoolVar(&o.json, "json", false, "print as JSON")
	show, o := sub("show ID", "Print the confirmation of a delivery", `Print the confirmation of a delivery, as the sheet that a fax machine prints: with -o FILE.html a page,
else as text. ID is the package's, as 6f30-27b0, or the name of its file.`, cobra.ExactArgs(1), c.runReceiptShow)
	show.Flags().StringVarP(&o.out, "output", "o", "", "write to `FILE`, a page if its name ends in .html")
	show.Flags().BoolVar(&o.force, "force", false, "replace FILE")
	return cmd
}

func (c *CLI) runReceiptAdd(ctx context.Context, o *receiptOptions, args []string) error {
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	for _, path := range args {
		data, err := readSmall(c.In, path, journal.MaxSealedReceipt)
		if err != nil {
			return err
		}
		d, err := h.addReceipt(ctx, data)
		switch {
		case errors.Is(err, seal.ErrNotSealed):
			return fail(exitUnreadable, fmt.Errorf("%s: this is not a receipt", inputName(path)), receiptsAre)
		case errors.Is(err, seal.ErrNoIdentity):
			return fail(exitIdentity, fmt.Errorf("%s: it is no receipt for what you sent", inputName(path)), receiptsAre,
				"a package is opened with chartpost open")
		case err != nil:
			return explain(fmt.Errorf("%s: %w", inputName(path), err))
		}
		if !o.quiet {
			fmt.Fprintln(c.Err, d)
		}
	}
	return nil
}

const receiptsAre = "a receipt is a file whose name ends in .receipt.age; whoever opened your package sends it back"

// readSmall reads a file, or standard input, that is not large.
func readSmall(in io.Reader, path string, limit int64) ([]byte, error) {
	r := in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fail(exitUnreadable, err)
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s is larger than a receipt: %w", inputName(path), seal.ErrNotSealed)
	}
	if err != nil {
		return nil, fail(exitUnreadable, err)
	}
	return data, nil
}

// isReceipt reports whether a file is a receipt for me: it decrypts to something that begins as one, where a package begins as a zip.
func (h *home) isReceipt(path string) bool {
	_, err := h.readReceipt(path)
	var f *diag.Finding
	return err == nil || errors.As(err, &f) && f.ID != notReceipt
}

// notReceipt is what readReceipt says of something else.
const notReceipt = diag.ID("CP-PKG-001")

// readReceipt decrypts a receipt without comparing it with the log.
func (h *home) readReceipt(path string) (*journal.Receipt, error) {
	no := diag.New(notReceipt, diag.Place{}, "")
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	header, err := seal.ReadHeader(f, info.Size())
	if err != nil || info.Size() > journal.MaxSealedReceipt {
		return nil, no
	}
	keys, err := h.id.Keys(header)
	if err != nil {
		return nil, err
	}
	data := make([]byte, info.Size())
	if _, err := f.ReadAt(data, 0); err != nil {
		return nil, err
	}
	text, err := journal.Unseal(data, keys)
	if err != nil || !bytes.HasPrefix(text, []byte("{")) {
		return nil, no
	}
	return journal.ParseReceipt(text)
}

// addReceipt checks a receipt against the log and keeps it. It says what it is about.
func (h *home) addReceipt(ctx context.Context, sealed []byte) (string, error) {
	header, err := seal.ReadHeader(bytes.NewReader(sealed), int64(len(sealed)))
	if err != nil {
		return "", err
	}
	keys, err := h.id.Keys(header)
	if err != nil {
		return "", err
	}
	text, err := journal.Unseal(sealed, keys)
	if err != nil {
		return "", err
	}
	r, err := journal.ParseReceipt(text)
	if err != nil {
		return "", err
	}
	book, err := h.book()
	if err != nil {
		return "", err
	}
	l, err := h.lock(ctx)
	if err != nil {
		return "", err
	}
	defer l.Unlock()
	j, err := h.journal()
	if err != nil {
		return "", err
	}
	// By the keys and not by the name: another may be called so by now.
	b, to, err := j.Check(r, func(p journal.Peer, sign string) bool { return book.SameOwner(p.Key, sign) })
	if err != nil {
		return "", err
	}
	if revoked, ok := book.IsRevoked(r.By.Sign); ok {
		return "", findingf("CP-PKG-018", "the receipt is signed with keys that %s revoked; you have known it since %s", revoked.Name, revoked.Told.Format(time.DateOnly))
	}
	said := fmt.Sprintf("%s opened package %s (%s) on %s", to.Name, pack.ShortID(r.Package), count(r.Files, r.Bytes), r.Time.Format("2006-01-02 15:04 MST"))
	deliveries, err := j.Deliveries()
	if err != nil {
		return "", err
	}
	for _, d := range deliveries {
		if d.Package == r.Package && d.Peer.Key == to.Key && d.Receipt != nil {
			return said + "; you have that receipt already", journal.KeepReceipt(h.dir, r, sealed)
		}
	}
	body := h.body(nil)
	body.Peer, body.Seq, body.Sums, body.Cipher, body.Files, body.Bytes, body.Purpose = *to, r.Seq, r.Sums, r.Cipher, r.Files, r.Bytes, b.Purpose
	body.Proof = string(text)
	// The file first: if the run is stopped in between, the receipt is kept, and added when it is given once more.
	if err := journal.KeepReceipt(h.dir, r, sealed); err != nil {
		return "", fmt.Errorf("the receipt cannot be kept: %w", err)
	}
	if _, err := j.Append(h.c.now(), journal.ReceiptAdded, r.Package, body); err != nil {
		return "", err
	}
	return said, nil
}

func (c *CLI) runReceiptList(ctx context.Context, o *receiptOptions, _ []string) error {
	_, j, err := c.unlockLog(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	all, err := j.Deliveries()
	if err != nil {
		return explain(err)
	}
	type view struct {
		Package  string    `json:"package"`
		Sealed   time.Time `json:"sealed"`
		To       string    `json:"to"`
		Purpose  string    `json:"purpose"`
		Files    int       `json:"files"`
		Bytes    int64     `json:"bytes"`
		Wanted   bool      `json:"receipt_wanted"`
		Opened   time.Time `json:"opened,omitzero"`
		Received bool      `json:"acknowledged"`
	}
	views := []view{}
	for _, d := range all {
		v := view{d.Package, d.Sealed, d.Peer.Name, d.Body.Purpose, d.Body.Files, d.Body.Bytes, d.Body.Receipt == pack.ReceiptRequested, time.Time{}, d.Receipt != nil}
		if d.Receipt != nil {
			v.Opened = d.Receipt.Time
		}
		if o.all || v.Wanted && !v.Received {
			views = append(views, v)
		}
	}
	if o.json {
		return c.printJSON(views)
	}
	if len(views) == 0 {
		asked := slices.ContainsFunc(all, func(d *journal.Delivery) bool { return d.Body.Receipt == pack.ReceiptRequested })
		switch {
		case asked:
			fmt.Fprintln(c.Err, "Every receipt that was asked for has come.")
		case len(all) > 0:
			fmt.Fprintln(c.Err, "No receipt was asked for of what was sealed; --all lists it.")
		default:
			fmt.Fprintln(c.Err, "Nothing has been sealed for anybody yet.")
		}
		return nil
	}
	w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	for _, v := range views {
		state := "no receipt after " + days(c.now().Sub(v.Sealed))
		switch {
		case v.Received:
			state = "opened " + v.Opened.Format("2006-01-02 15:04Z")
		case !v.Wanted:
			state = "no receipt asked for"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s, %s\t%s\n", v.Sealed.Format("2006-01-02 15:04Z"), pack.ShortID(v.Package), v.To, v.Purpose, count(v.Files, v.Bytes), state)
	}
	return w.Flush()
}

// days says how long something took, as a person would.
func days(d time.Duration) string {
	if d < 48*time.Hour {
		return plural(int(max(d, 0).Hours()), "hour")
	}
	return plural(int(d.Hours()/24), "day")
}

func (c *CLI) runReceiptShow(ctx context.Context, o *receiptOptions, args []string) error {
	h, j, err := c.unlockLog(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	id, err := findPackage(j, args[0], journal.Sealed)
	if err != nil {
		return usagef("%v", err)
	}
	all, err := j.Deliveries()
	if err != nil {
		return explain(err)
	}
	var b bytes.Buffer
	for _, d := range all {
		if d.Package != id {
			continue
		}
		write := d.WriteConfirmationText
		if isPage(o.out) {
			write = d.WriteConfirmation
		}
		if b.Len() > 0 && !isPage(o.out) {
			b.WriteString("\n\f\n")
		}
		if err := write(&b, h.id.Name); err != nil {
			return err
		}
	}
	return c.writeOut(o.out, o.force, b.Bytes())
}

func isPage(name string) bool {
	return strings.HasSuffix(strings.ToLower(name), ".html") || strings.HasSuffix(strings.ToLower(name), ".htm")
}

// writeOut writes a file whole, or to standard output if it has no name or is -.
func (c *CLI) writeOut(name string, force bool, data []byte) error {
	if name == "" || name == "-" {
		if _, err := c.Out.Write(data); err != nil {
			return fail(exitUnreadable, err)
		}
		return nil
	}
	if _, err := os.Lstat(name); err == nil && !force {
		return fail(exitUsage, fmt.Errorf("%s is there already", name), "choose another name, or replace it with --force")
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fail(exitUnreadable, err)
	}
	if err := safefile.Write(name, data, 0o600); err != nil {
		return fail(exitUnreadable, err)
	}
	return nil
}
