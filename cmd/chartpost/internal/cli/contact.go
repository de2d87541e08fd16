package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/journal"
)

type contactOptions struct {
	identityOptions
	as    string
	words string
	json  bool
}

func newContactCommand(c *CLI) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contact",
		Short: "Whom I send to and take from: add, list, show, verify, remove",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	sub := func(use, short, long string, args cobra.PositionalArgs, flags func(*cobra.Command, *contactOptions),
		run func(context.Context, *contactOptions, []string) error) {
		o := new(contactOptions)
		s := &cobra.Command{Use: use, Short: short, Long: long, Args: args,
			RunE: func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), o, args) }}
		o.addTo(s)
		flags(s, o)
		cmd.AddCommand(s)
	}
	none := func(*cobra.Command, *contactOptions) {}
	asJSON := func(s *cobra.Command, o *contactOptions) {
		s.Flags().BoolVar(&o.json, "json", false, "print as JSON")
	}
	sub("add FILE", "Add a card that somebody gave me", `Add a card that somebody gave you. It never asks anything.

A new contact is not verified: you can open what they send, with a warning, but not send to them
before you have compared the words of the card with them: chartpost contact verify NAME.`,
		cobra.ExactArgs(1), func(s *cobra.Command, o *contactOptions) {
			s.Flags().StringVar(&o.as, "as", "", "call the contact `NAME` instead of what the card says")
		}, c.runContactAdd)
	sub("list", "List my contacts", "", cobra.NoArgs, asJSON, c.runContactList)
	sub("show NAME", "Show a contact", "", cobra.ExactArgs(1), asJSON, c.runContactShow)
	sub("verify NAME", "Verify a contact by the words that they read to me", `Verify a contact. Call them at a number that you already had, not the one on the card, and ask
them to run chartpost card and to read you their eight words. Type what you hear; the first four
letters of each word are enough.`,
		cobra.ExactArgs(1), func(s *cobra.Command, o *contactOptions) {
			s.Flags().StringVar(&o.words, "words", "", "the eight `WORDS` that were heard, instead of asking for them")
		}, c.runContactVerify)
	sub("remove NAME", "Remove a contact", `Remove a contact. The log keeps what was sent to them and received from them.`,
		cobra.ExactArgs(1), none, c.runContactRemove)
	return cmd
}

func (c *CLI) runContactAdd(ctx context.Context, o *contactOptions, args []string) error {
	data, err := readCard(c.In, args[0])
	if err != nil {
		return err
	}
	if !contacts.Sniff(data) {
		return fail(exitUnreadable, fmt.Errorf("%s is not a card", args[0]), "a card is a text file that begins with: chartpost card v1")
	}
	card, err := contacts.ParseCard(data)
	if err != nil {
		return explain(err)
	}
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	if own, err := h.card(); err != nil {
		return err
	} else if own.Sign == card.Sign {
		return usagef("this is your own card")
	}
	var contact *contacts.Contact
	var added contacts.Added
	err = h.changeBook(ctx, true, func(b *contacts.Book) (event journal.Event, _ *contacts.Contact, err error) {
		if card.Expired(c.now()) {
			return "", nil, explain(findingf("CP-PKG-034", "the card expired on %s", card.Expires.Format(time.DateOnly)))
		}
		if contact, added, err = b.Add(card, o.as, c.now()); err != nil {
			return "", nil, err
		}
		return map[contacts.Added]journal.Event{contacts.AddedNew: journal.ContactAdded, contacts.AddedUpdate: journal.ContactUpdated}[added], contact, nil
	})
	if err != nil {
		return err
	}
	switch added {
	case contacts.AddedNothing:
		fmt.Fprintf(c.Err, "%s is among your contacts already (%s)\n", contact.Name, contact.State)
	case contacts.AddedUpdate:
		fmt.Fprintf(c.Err, "%s has a newer card now, with the same keys (%s)\n", contact.Name, contact.State)
	default:
		fmt.Fprintf(c.Err, "%s is among your contacts now, not verified\n", contact.Name)
		fmt.Fprintln(c.Err, "  before you send to them, call them at a number that you already had, and run")
		fmt.Fprintf(c.Err, "  chartpost contact verify %q\n", contact.Name)
	}
	return nil
}

func readCard(in io.Reader, path string) ([]byte, error) {
	r := in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fail(exitUnreadable, err)
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, 64<<10))
	if err != nil {
		return nil, fail(exitUnreadable, err)
	}
	return data, nil
}

// contactView is a contact as list and show print it.
type contactView struct {
	Name     string     `json:"name"`
	CardName string     `json:"card_name"`
	State    string     `json:"state"`
	Added    time.Time  `json:"added"`
	Verified *time.Time `json:"verified"`
	Address  string     `json:"address,omitempty"`
	City     string     `json:"city,omitempty"`
	Phone    string     `json:"phone,omitempty"`
	Created  string     `json:"card_created"`
	Sequence int        `json:"card_sequence"`
	Expires  string     `json:"card_expires,omitempty"`
	Card     string     `json:"card_sha256"`
	Sign     string     `json:"sign"`
}

func viewContact(k *contacts.Contact, now time.Time) contactView {
	card := k.Card()
	v := contactView{Name: k.Name, CardName: card.Name, State: string(k.State), Added: k.Added, Verified: k.Verified, Address: card.Address,
		City: card.City, Phone: card.Phone, Created: card.Created.Format(time.DateOnly), Sequence: card.Sequence, Card: card.Digest(), Sign: card.Sign}
	if !card.Expires.IsZero() {
		v.Expires = card.Expires.Format(time.DateOnly)
	}
	if card.Expired(now) {
		v.State = "expired"
	}
	return v
}

func (c *CLI) printJSON(v any) error {
	b, err := json.Marshal(v, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return err
	}
	if _, err := c.Out.Write(append(b, '\n')); err != nil {
		return fail(exitUnreadable, err)
	}
	return nil
}

func (c *CLI) runContactList(ctx context.Context, o *contactOptions, _ []string) error {
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	b, err := h.book()
	if err != nil {
		return err
	}
	views := make([]contactView, len(b.Contacts))
	for i, k := range b.Contacts {
		views[i] = viewContact(k, c.now())
	}
	if o.json {
		return c.printJSON(views)
	}
	if len(views) == 0 {
		fmt.Fprintln(c.Err, "You have no contacts yet.")
		fmt.Fprintln(c.Err, "  add one: chartpost contact add FILE.contact")
		return nil
	}
	w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	for _, v := range views {
		since := v.Added
		if v.Verified != nil {
			since = *v.Verified
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.Name, v.State, since.Format(time.DateOnly), v.City)
	}
	return w.Flush()
}

func (c *CLI) runContactShow(ctx context.Context, o *contactOptions, args []string) error {
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	b, err := h.book()
	if err != nil {
		return err
	}
	k, err := b.Find(args[0])
	if err != nil {
		return explain(err)
	}
	v := viewContact(k, c.now())
	if o.json {
		return c.printJSON(v)
	}
	w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	row("name", v.Name)
	if v.CardName != v.Name {
		row("name on the card", v.CardName)
	}
	row("state", v.State)
	row("added", v.Added.Format(time.DateOnly))
	if v.Verified != nil {
		row("verified", v.Verified.Format(time.DateOnly))
		// Before that they are not shown: they are to be heard from the contact, not compared with a yes.
		row("words", strings.Join(k.Card().Words(), " "))
	}
	row("address", v.Address)
	row("city", v.City)
	row("phone", v.Phone)
	row("card made", v.Created)
	row("card expires", v.Expires)
	row("signing key", v.Sign)
	return w.Flush()
}

func (c *CLI) runContactVerify(ctx context.Context, o *contactOptions, args []string) error {
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	b, err := h.book()
	if err != nil {
		return err
	}
	k, err := b.Find(args[0])
	if err != nil {
		return explain(err)
	}
	if o.words == "" {
		if c.Ask == nil {
			return fail(exitUsage, errors.New("there is no terminal to type the words on"), "give them with --words 'EIGHT WORDS'")
		}
		fmt.Fprintf(c.Err, "Call %s at a number that you already had, not the one on the card.\n", k.Name)
		fmt.Fprintln(c.Err, "Ask them to run chartpost card and to read you the eight words.")
		if o.words, err = c.Ask(ctx, "Type what you hear (four letters of each are enough):", false); err != nil {
			return err
		}
	}
	err = h.changeBook(ctx, false, func(b *contacts.Book) (journal.Event, *contacts.Contact, error) {
		now, err := b.Find(args[0])
		if err != nil {
			return "", nil, err
		}
		if now.CardText != k.CardText {
			return "", nil, fail(exitRefused, errors.New("the contact was changed meanwhile"), "verify it again")
		}
		if err := now.Verify(o.words, userName(c.Env), "", c.now()); err != nil {
			return "", nil, err
		}
		k = now
		return journal.ContactVerified, now, nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Err, "%s is verified\n", k.Name)
	return nil
}

func (c *CLI) runContactRemove(ctx context.Context, o *contactOptions, args []string) error {
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	var gone *contacts.Contact
	err = h.changeBook(ctx, false, func(b *contacts.Book) (_ journal.Event, _ *contacts.Contact, err error) {
		if gone, err = b.Find(args[0]); err != nil {
			return "", nil, err
		}
		b.Remove(gone)
		return journal.ContactRemoved, gone, nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Err, "%s is no longer among your contacts\n", gone.Name)
	return nil
}
