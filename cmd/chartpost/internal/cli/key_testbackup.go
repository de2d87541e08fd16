package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/seal"
)

// sheetOptions say where the words of a sheet come from.
type sheetOptions struct {
	words string
}

func (o *sheetOptions) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.words, "words-file", "", "read the words, or what the QR code says, from `FILE` or - instead of asking for them")
}

// read reads the words of a sheet, or asks for them line by line.
func (o *sheetOptions) typed(ctx context.Context, c *CLI) (string, error) {
	if o.words != "" {
		r := c.In
		if o.words != "-" {
			f, err := os.Open(o.words)
			if err != nil {
				return "", fail(exitUnreadable, err)
			}
			defer f.Close()
			r = f
		}
		b, err := io.ReadAll(io.LimitReader(r, 64<<10))
		if err != nil {
			return "", fail(exitUnreadable, err)
		}
		return string(b), nil
	}
	if c.Ask == nil {
		return "", fail(exitUsage, errors.New("there is no terminal to type the words on"), "give them with --words-file FILE")
	}
	fmt.Fprintln(c.Err, "Type the words of the sheet in their order, or scan its code. Four letters of each word are enough.")
	fmt.Fprintln(c.Err, "An empty line ends them.")
	var all strings.Builder
	for {
		line, err := c.Ask(ctx, fmt.Sprintf("%3d:", len(contacts.SplitWords(all.String()))+1), false)
		if errors.Is(err, io.EOF) || err == nil && strings.TrimSpace(line) == "" {
			return all.String(), nil
		}
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(line)), backupHead) {
			return line, nil
		}
		all.WriteString(line + "\n")
	}
}

// sheetError gives the errors of a sheet their status and hint.
func sheetError(err error) error {
	if errors.Is(err, seal.ErrBackup) {
		return fail(exitRefused, err, "look at the sheet again, word by word")
	}
	return explain(err)
}

type keyTestBackupOptions struct {
	identityOptions
	sheetOptions
}

func newKeyTestBackupCommand(c *CLI) *cobra.Command {
	o := new(keyTestBackupOptions)
	cmd := &cobra.Command{
		Use:   "test-backup",
		Short: "Check that a printed sheet restores my keys",
		Long: `Check that a printed sheet restores your keys, while you still have them: type its words, or scan
its code. Do it once after printing, and once a year. Nothing is changed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runKeyTestBackup(cmd.Context(), o) },
	}
	o.identityOptions.addTo(cmd)
	o.sheetOptions.addTo(cmd)
	return cmd
}

func (c *CLI) runKeyTestBackup(ctx context.Context, o *keyTestBackupOptions) error {
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	typed, err := o.typed(ctx, c)
	if err != nil {
		return err
	}
	r, err := readBackup(h.id.Name, typed)
	if err != nil {
		return sheetError(err)
	}
	mine := h.id.Generations()
	switch theirs := r.Generations(); {
	case bytes.Equal(r.Backup(), h.id.Backup()), r.Hybrid.String() == h.id.Hybrid.String() && len(theirs) == len(mine):
		fmt.Fprintf(c.Err, "The sheet restores your keys since %s%s.\n", h.id.Since.Format("2006-01-02"), formerCount(len(mine)-1))
		return nil
	case len(theirs) < len(mine) && theirs[0].Hybrid.String() == mine[len(mine)-len(theirs)].Hybrid.String():
		return fail(exitRefused, errors.New("the sheet is from before your last rotation: it does not hold the keys of now"),
			"print a new one: chartpost key backup -o sheet.html", "keep both until all contacts have your new card")
	}
	return fail(exitRefused, errors.New("the sheet is whole, but it is of another identity"), "print one of this: chartpost key backup -o sheet.html")
}

func formerCount(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", and those from before"
	}
	return fmt.Sprintf(", and %d sets from before", n)
}
