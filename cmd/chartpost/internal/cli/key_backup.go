package cli

import (
	"context"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/seal"
)

type keyBackupOptions struct {
	identityOptions
	outputOptions
	plain bool
}

func newKeyBackupCommand(c *CLI) *cobra.Command {
	o := new(keyBackupOptions)
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Make a sheet to print, from which the keys can be restored",
		Long: `Make a sheet to print, from which the keys can be restored: words, and a QR code that says the same.

The sheet has no passphrase. Whoever has it can open what is sealed for you and sign as you:
print it, lay it into a safe, and delete the file. chartpost key test-backup checks it.

It holds all keys, those from before a rotation too, but neither contacts nor the log: keep copies
of the whole folder as well. Keys of OpenSSH and of plugins are not on it.`,
		Example: `  chartpost key backup -o sheet.html`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runKeyBackup(cmd.Context(), o) },
	}
	o.identityOptions.addTo(cmd)
	o.outputOptions.addTo(cmd, "the sheet")
	cmd.Flags().BoolVar(&o.plain, "text", false, "write it as plain text instead of HTML")
	return cmd
}

func (c *CLI) runKeyBackup(ctx context.Context, o *keyBackupOptions) error {
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	make := backupPage
	if o.plain {
		make = backupText
	}
	page, err := make(h.id, c.now())
	if err != nil {
		return err
	}
	if err := o.write(c, page, 0o600); err != nil {
		return err
	}
	fmt.Fprintln(c.Err, "Whoever has this sheet has your keys: print it, lay it into a safe, and delete the file.")
	for _, g := range h.id.Generations() {
		if g.UsesSSH() {
			fmt.Fprintln(c.Err, "  your SSH key is not on it: keep a copy of its file as well")
		}
		if g.UsesPlugin() {
			fmt.Fprintln(c.Err, "  the key of your plugin is not on it: keep a copy of its file, and the device")
		}
	}
	fmt.Fprintln(c.Err, "  check what is on the paper: chartpost key test-backup")
	return nil
}

// backupHead begins the text of a backup's QR code.
const backupHead = "CHARTPOST:KEYS1:"

func backupCode(id *seal.Identity) string {
	return backupHead + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(id.Backup())
}

// readBackup reads what is on a sheet: the words, or what the QR code says.
func readBackup(name, typed string) (*seal.Restored, error) {
	if code, ok := strings.CutPrefix(strings.ToUpper(strings.TrimSpace(typed)), backupHead); ok {
		data, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(code)
		if err != nil {
			return nil, seal.ErrBackup
		}
		return seal.Restore(name, data)
	}
	n := len(contacts.SplitWords(typed))
	for generations := 1; ; generations++ {
		size := seal.BackupSize(generations)
		want := contacts.PhraseLen(size)
		if n < want {
			return nil, fmt.Errorf("%w: there are %d words, and the sheet has at least %d", seal.ErrBackup, n, want)
		}
		if n > want {
			if generations < 100 {
				continue
			}
			return nil, seal.ErrBackup
		}
		data, err := contacts.ReadPhrase(typed, size)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", seal.ErrBackup, err)
		}
		r, err := seal.Restore(name, data)
		if err != nil {
			return nil, fmt.Errorf("%w: every word is one of the list, but one or more are not those of the sheet, or stand in another order", err)
		}
		return r, nil
	}
}

const backupWhat = "These words are the keys with which records are opened that were sealed for %s, and with which it signs. " +
	"Whoever has this sheet can do both: keep it in a safe, and never photograph or mail it."

const backupHow = `To restore: install Chartpost, run  chartpost key restore --name %q  and type the words in their order, or scan the code. ` +
	"The first four letters of each word are enough. To check the sheet while the keys are there: chartpost key test-backup."

func backupRows(id *seal.Identity, now time.Time, words int) [][2]string {
	rows := [][2]string{{"Practice", id.Name}, {"Printed", now.UTC().Format(time.DateOnly)}, {"Words", fmt.Sprint(words)}}
	for i, g := range id.Generations() {
		what := "Keys since"
		if i > 0 {
			what = "Former keys since"
		}
		rows = append(rows, [2]string{what, g.Since.UTC().Format(time.DateOnly)})
		switch {
		case g.UsesSSH():
			rows = append(rows, [2]string{"Not on this sheet", "the SSH key, which wants a copy of its own"})
		case g.UsesPlugin():
			rows = append(rows, [2]string{"Not on this sheet", "the key of the plugin: its file, and the device"})
		}
	}
	return rows
}

func backupText(id *seal.Identity, now time.Time) (string, error) {
	words := contacts.Phrase(id.Backup())
	code, err := qrCode(backupCode(id))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "CHARTPOST: BACKUP OF THE KEYS\n\n")
	for _, r := range backupRows(id, now, len(words)) {
		fmt.Fprintf(&b, "%-18s %s\n", r[0]+":", r[1])
	}
	fmt.Fprintf(&b, "\n"+backupWhat+"\n\n", id.Name)
	for i, w := range words {
		fmt.Fprintf(&b, "%3d %-8s", i+1, w)
		if i%6 == 5 || i == len(words)-1 {
			b.WriteByte('\n')
		}
	}
	fmt.Fprintf(&b, "\n"+backupHow+"\n\nThe code says: %s\n\n%s", id.Name, backupCode(id), qrTerminal(code))
	return b.String(), nil
}

func backupPage(id *seal.Identity, now time.Time) (string, error) {
	words := contacts.Phrase(id.Backup())
	code, err := qrCode(backupCode(id))
	if err != nil {
		return "", err
	}
	s := newSheet("Chartpost: backup of the keys")
	s.paragraph(fmt.Sprintf(backupWhat, id.Name))
	s.printf(`<ol class="words">`)
	for i, w := range words {
		s.printf("<li><b>%d</b>%s</li>\n", i+1, text(w))
	}
	s.printf("</ol>\n<div class=\"two\"><div>%s</div><div>", qrSVG(code))
	s.rows(backupRows(id, now, len(words)))
	s.paragraph(fmt.Sprintf(backupHow, id.Name))
	s.printf(`<p class="small">The code says: <code>%s</code></p>`, text(backupCode(id)))
	s.printf("</div></div>\n<p>Where this sheet is kept, who knows of it, and when it was last checked:</p><p class=\"line\"></p><p class=\"line\"></p>\n")
	return s.end(), nil
}
