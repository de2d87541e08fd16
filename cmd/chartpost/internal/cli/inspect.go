package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/converters"
	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/convert"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/seal"
)

type inspectOptions struct {
	inspectPackageOptions
	from, charset string
	maps, sheets  []string
	jobs          int
	quiet         bool
}

func newInspectCommand(c *CLI) *cobra.Command {
	o := new(inspectOptions)
	cmd := &cobra.Command{
		Use:   "inspect IN|PACKAGE...",
		Short: "Tell what a file is: format, version, counts; of a package or card whose it is",
		Long: `Inspect tells what is in a file, a folder, an archive or a package, without writing anything and without showing
a patient's values: so there is neither --force nor --show-values.`,
		Example: "  chartpost inspect lab.hl7\n  chartpost inspect chartpost-2026-11-22-6f30.zip.age",
		Args:    cobra.ArbitraryArgs,
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runInspect(cmd.Context(), o, args) },
	}
	o.identityOptions.addTo(cmd)
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "auto", "format to read, where it is not recognised")
	f.StringVar(&o.charset, "encoding", "", "character set of the input, whatever it says of itself")
	addSheetFlag(f, &o.sheets)
	f.StringArrayVar(&o.maps, "map", nil, "mapping file; of tables it says what their rows are")
	addJobsFlag(f, &o.jobs)
	f.BoolVar(&o.json, "json", false, "print as JSON")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print what cannot be read only")
	return cmd
}

// inspection is what inspect tells of one source.
type inspection struct {
	Source   string                    `json:"source"`
	Format   string                    `json:"format"` // empty if it is not known
	Records  int                       `json:"records"`
	Rejected int                       `json:"rejected"`
	Kinds    map[string]int            `json:"kinds"`
	Facts    map[string]map[string]int `json:"facts"`
	Problem  string                    `json:"problem,omitzero"`
	Card     *inspectedCard            `json:"card,omitzero"`
}

// inspectedCard is what a card says. Its words are not told: whoever has to type them hears them.
type inspectedCard struct {
	Name     string `json:"name"`
	City     string `json:"city,omitzero"`
	Created  string `json:"created"`
	Expires  string `json:"expires,omitzero"`
	Sequence int    `json:"sequence"`
	Revoked  bool   `json:"revoked,omitzero"`
	Recovery bool   `json:"recovery,omitzero"`
}

// card reads a card, whose own signature must be valid.
func (x *inspection) card(r io.Reader) {
	text, err := io.ReadAll(io.LimitReader(r, contacts.MaxCard+1))
	if err != nil {
		x.Problem = "it cannot be read: " + convert.Plain(err)
		return
	}
	k, err := contacts.ParseCard(text)
	if err != nil {
		x.Format, x.Problem = seal.NamespaceCard, err.Error()
		return
	}
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.DateOnly)
	}
	x.Format = seal.NamespaceCard
	x.Card = &inspectedCard{k.Name, k.City, day(k.Created), day(k.Expires), k.Sequence, k.Revoked, k.Recovery != "" || k.RecoveryCompat != ""}
}

// line says what a card is, in words.
func (k *inspectedCard) line() string {
	kind := "the card of "
	if k.Revoked {
		kind = "the revocation of "
	}
	s := fmt.Sprintf("%s%s, number %d, made %s", kind, place(k.Name, k.City), k.Sequence, k.Created)
	if k.Expires != "" && !k.Revoked {
		s += ", good until " + k.Expires
	}
	if k.Recovery {
		s += ", with a recovery key"
	}
	return s + "\n  whole and signed by its own key; whose it is, its words show: chartpost contact add, then contact verify\n"
}

func (c *CLI) runInspect(ctx context.Context, o *inspectOptions, args []string) error {
	if len(args) == 0 {
		return fail(exitUsage, errors.New("no input"), "name a file, a folder or a package, or - for standard input")
	}
	jobs, err := jobsOf(o.jobs)
	if err != nil {
		return err
	}
	o.jobs = jobs
	overlays, err := c.overlays(o.maps)
	if err != nil {
		return err
	}
	formats, err := converters.Formats(overlays)
	if err != nil {
		return err
	}
	if o.from != "auto" {
		if _, err := formats.Named(o.from); err != nil {
			return fail(exitUsage, fmt.Errorf("--from: %w", err))
		}
	}
	sources, _, err := convert.Sources(args, c.In)
	if err != nil {
		return convertError(err)
	}
	if len(sources) == 0 {
		return noFile()
	}
	bad, worst := 0, exitOK
	for _, src := range sources {
		if err := ctx.Err(); err != nil {
			return err
		}
		x, pkg, err := c.inspect(ctx, src, formats, o)
		if err != nil {
			return err
		}
		if pkg {
			where := ""
			if len(sources) > 1 {
				where = diag.Printable(src.Path) + ": "
			}
			err := c.inspectPackage(ctx, src.Path, where, o.inspectPackageOptions)
			var e *exitError
			if err != nil && (len(sources) == 1 || ctx.Err() != nil || !errors.As(err, &e)) {
				return err
			}
			if err != nil { // the others are looked at all the same
				c.complain(where, e)
				worst = worse(worst, e.code)
			}
			continue
		}
		if x.Format == "" || x.Records == 0 && x.Card == nil || x.Problem != "" {
			bad++
		}
		if o.quiet && x.Problem == "" && x.Format != "" {
			continue
		}
		if o.json {
			b, err := json.Marshal(x)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.Out, "%s\n", b)
			continue
		}
		fmt.Fprint(c.Out, onScreen(x.String()))
	}
	if bad > 0 {
		worst = worse(worst, exitUnreadable)
	}
	if worst != exitOK {
		return fail(worst, errors.New(""))
	}
	return nil
}

func (c *CLI) inspect(ctx context.Context, src convert.Source, formats *convert.Formats, o *inspectOptions) (x *inspection, pkg bool, err error) {
	path := src.Path
	if path == "-" {
		path = src.Name
	}
	x = &inspection{Source: path, Kinds: map[string]int{}, Facts: map[string]map[string]int{}}
	r, err := src.Open()
	if err != nil {
		x.Problem = "it cannot be read: " + convert.Plain(err)
		return x, false, nil
	}
	defer r.Close()
	in := bufio.NewReaderSize(convert.Interruptible(ctx, src, r), convert.SniffLen)
	head, err := in.Peek(convert.SniffLen)
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if err != nil && err != io.EOF && len(head) == 0 {
		x.Problem = "it cannot be read: " + convert.Plain(err)
		return x, false, nil
	}
	if isPackage(head) && src.Path != "-" {
		return nil, true, nil
	}
	if contacts.IsCard(head) && o.from == "auto" {
		x.card(in)
		return x, false, nil
	}
	format := formats.Detect(src.Name, head)
	if o.from != "auto" {
		if format, err = formats.Named(o.from); err != nil {
			return nil, false, err
		}
	}
	switch {
	case len(head) == 0:
		x.Problem = "it is empty"
		return x, false, nil
	case format == nil:
		x.Problem = convert.Unknown(diag.Place{}, head).Message()
		return x, false, nil
	}
	x.Format = format.Name
	opts := &convert.Options{Charset: o.charset, Sheets: o.sheets, To: "ndjson", Jobs: o.jobs} // one by one: a resource that stands alone waits for no other
	for raw, err := range format.Read(convert.Rereadable(in, src), src.Name, opts) {
		if err != nil {
			if ctx.Err() != nil {
				return nil, false, ctx.Err()
			}
			x.Problem = "it broke off: " + convert.Plain(err)
			return x, false, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		if raw.Index == 0 {
			continue
		}
		d, f := format.Describe(raw, opts)
		if f != nil {
			x.Rejected++
			continue
		}
		for k, n := range d.Kinds {
			x.Kinds[k] += n
		}
		if raw.More { // the rest of a large bundle comes
			continue
		}
		x.Records++
		for name, value := range d.Facts {
			if x.Facts[name] == nil {
				x.Facts[name] = map[string]int{}
			}
			x.Facts[name][value]++
		}
	}
	return x, false, nil
}

// String is the inspection in words.
func (x *inspection) String() string {
	var b strings.Builder
	if x.Card != nil {
		return x.Source + ": " + x.Card.line()
	}
	if x.Format == "" || x.Format == seal.NamespaceCard {
		fmt.Fprintf(&b, "%s: %s\n", x.Source, x.Problem)
		return b.String()
	}
	name := formatNames[x.Format]
	if name == "" {
		name = x.Format
	}
	fmt.Fprintf(&b, "%s: %s, %s", x.Source, name, plural(x.Records, "record"))
	if x.Rejected > 0 {
		fmt.Fprintf(&b, ", %d that cannot be read", x.Rejected)
	}
	b.WriteByte('\n')
	for _, name := range slices.Sorted(maps.Keys(x.Facts)) {
		fmt.Fprintf(&b, "  %-14s %s\n", name, counted(x.Facts[name], x.Records))
	}
	for _, k := range slices.Sorted(maps.Keys(x.Kinds)) {
		fmt.Fprintf(&b, "  %6d %s\n", x.Kinds[k], k)
	}
	if x.Problem != "" {
		fmt.Fprintf(&b, "  %s\n", x.Problem)
	}
	return b.String()
}

// counted lists values, with their counts unless one value holds for all.
func counted(values map[string]int, all int) string {
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(values)) {
		if values[v] == all {
			parts = append(parts, v)
		} else {
			parts = append(parts, fmt.Sprintf("%s (%d)", v, values[v]))
		}
	}
	return strings.Join(parts, ", ")
}
