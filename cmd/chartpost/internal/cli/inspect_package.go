package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
	"github.com/chartpost/chartpost/pkg/seal/page"
)

// inspectPackageOptions are those of the command inspect that matter for a package.
type inspectPackageOptions struct {
	identityOptions
	json bool
}

// isPackage reports whether a file, of which these are the first bytes, is for inspectPackage.
func isPackage(head []byte) bool { return seal.Sniff(head) || page.Sniff(head) }

// packageView is what inspect tells of a package.
type packageView struct {
	Format   string         `json:"format"`
	Header   *seal.Header   `json:"header"`
	Sealed   string         `json:"sealed"`          // how it is encrypted, in words
	Opens    bool           `json:"opens"`           // with my identity
	State    string         `json:"state,omitempty"` // of the sender
	Manifest *pack.Manifest `json:"manifest,omitempty"`
	Opened   string         `json:"opened,omitempty"` // when I opened it first
	Why      string         `json:"why,omitempty"`    // why nothing more is told

	Receipt   *journal.Receipt `json:"receipt,omitempty"`
	Forwarded bool             `json:"forwarded,omitempty"` // it is signed for somebody else
	Expired   bool             `json:"expired,omitempty"`
	Warnings  []string         `json:"warnings,omitempty"`
}

// inspectPackage tells what a package is: without a key, what anybody can see; with the identity that opens it, and after every check
// that open makes, what is in it. It writes no file and no entry of the log.
func (c *CLI) inspectPackage(ctx context.Context, path, where string, o inspectPackageOptions) error {
	src, size, closeInput, err := openInput(c.In, path, false)
	if err != nil {
		return explain(err)
	}
	header, err := seal.ReadHeader(src, size)
	closeInput()
	if err != nil {
		return explain(fmt.Errorf("%s: %w", inputName(path), err))
	}
	defer frugal()()
	v := &packageView{Format: "age", Header: header, Sealed: sealedHow(header)}
	var refused error
	t, err := (*trusted)(nil), error(nil)
	if header.Passphrase() && o.passphraseFile == "" && o.passphraseFD < 0 {
		v.Why = "it opens with a passphrase; give it with --passphrase-file to see more"
	} else if path == "-" {
		v.Why = "from standard input only the outside is read; name a file to see more"
	} else if t, err = c.trust(ctx, nil, &openOptions{identityOptions: o.identityOptions, forwarded: true, expired: true}, path); err == nil {
		defer t.close()
		if err = t.Verify(ctx, nil); err == nil {
			err = t.history()
		}
		err = explain(err)
	} else if v.Receipt = c.receiptIn(ctx, &o, path); v.Receipt != nil {
		v.Format, v.Opens, err = seal.NamespaceReceipt, true, nil
	}
	switch code := exitCode(err); {
	case err != nil && ctx.Err() != nil:
		return err
	case err == nil && t != nil:
		v.Format, v.Opens, v.State, v.Manifest = pack.Format, true, t.state(), t.Manifest
		if when, ok := t.seen(); ok {
			v.Opened = when.Format("2006-01-02")
		}
		v.Forwarded, v.Expired = t.Forwarded, t.expired
		for _, f := range t.warnings {
			v.Warnings = append(v.Warnings, f.Error())
		}
	case err != nil && code == exitRefused:
		v.Opens, refused = true, err
		v.Why = err.Error()
	case err != nil && (code == exitIdentity || code == exitUsage):
		v.Why = err.Error() // what anybody can see is all that was asked for then
	case err != nil:
		return err
	}
	if o.json {
		if err := c.printJSON(v); err != nil {
			return err
		}
		return refused
	}
	if r := v.Receipt; r != nil {
		fmt.Fprintf(c.Out, "%sa receipt: %s opened package %s (%s) on %s\n", where, r.By.Name, pack.ShortID(r.Package), count(r.Files, r.Bytes), r.Time.Format("2006-01-02 15:04 MST"))
		fmt.Fprintln(c.Out, "  whose signature it is, and whether it fits what was sent, chartpost receipt add says")
		return nil
	}
	fmt.Fprintf(c.Out, "%sa sealed package, %s\n", where, byteCount(header.Size))
	fmt.Fprintf(c.Out, "Sealed:   %s\n", v.Sealed)
	if v.Manifest == nil {
		if refused == nil {
			fmt.Fprintf(c.Out, "Inside:   not shown: %s\n", v.Why)
		}
		return refused
	}
	t.show(c.Out)
	if v.Opened != "" {
		fmt.Fprintf(c.Out, "Opened:   %s\n", v.Opened)
	}
	for _, f := range t.Manifest.Files {
		fmt.Fprintf(c.Out, "  %s  %s\n", f.Path, byteCount(f.Size))
	}
	return nil
}

// receiptIn reads a receipt for me; nil if it is none.
func (c *CLI) receiptIn(ctx context.Context, o *inspectPackageOptions, path string) *journal.Receipt {
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return nil
	}
	r, err := h.readReceipt(path)
	if err != nil {
		return nil
	}
	return r
}

// sealedHow says in words what the header of an age file says.
func sealedHow(h *seal.Header) string {
	var how []string
	for _, r := range h.Recipients {
		switch r {
		case "mlkem768x25519":
			how = append(how, "for one recipient, protected against quantum computers")
		case "X25519":
			how = append(how, "for one recipient, in the form that any age opens")
		case "scrypt":
			how = append(how, "with a passphrase")
		case "ssh-ed25519", "ssh-rsa":
			how = append(how, "for an SSH key")
		default:
			how = append(how, "for a recipient of a kind that Chartpost does not know")
		}
	}
	return strings.Join(how, "; ")
}

// exitCode is the exit status that an error carries.
func exitCode(err error) int {
	var e *exitError
	if errors.As(err, &e) {
		return e.code
	}
	return exitOK
}

func asFinding(err error, f **diag.Finding) bool { return errors.As(err, f) }
