package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
)

type contactOptions struct {
	identityOptions
	as     string
	words  string
	code   string
	called string
	json   bool
}

func newContactCommand(c *CLI) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contact",
		Short: "Whom I send to and take from: add, list, show, verify, set, remove, export",
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
before you have compared the words of the card with them: chartpost contact verify NAME.

A newer card of a contact takes the place of the one you have. If they have new keys, which the old ones
introduced, you read what they send as before, but are asked for the words again before you send. Keys
that nothing introduced are refused. A card that revokes keys makes an end with them.`,
		cobra.ExactArgs(1), func(s *cobra.Command, o *contactOptions) {
			s.Flags().StringVar(&o.as, "as", "", "call the contact `NAME` instead of what the card says")
		}, c.runContactAdd)
	sub("list", "List my contacts", "", cobra.NoArgs, asJSON, c.runContactList)
	sub("show NAME", "Show a contact", "", cobra.ExactArgs(1), asJSON, c.runContactShow)
	sub("verify NAME", "Verify a contact by the words that they read to me", `Verify a contact. Call them at a number that you already had, not the one on the card, and ask
them to run chartpost card and to read you their eight words. Type what you hear; the first four
letters of each word are enough.

If you have their printed page from their own hands, --code FILE is what its QR code says.`,
		cobra.ExactArgs(1), func(s *cobra.Command, o *contactOptions) {
			s.Flags().StringVar(&o.words, "words", "", "the eight `WORDS` that were heard, instead of asking for them")
			s.Flags().StringVar(&o.called, "called", "", "the `NUMBER` that was called; it is noted")
			s.Flags().StringVar(&o.code, "code", "", "verify by the QR code on paper from their own hands, scanned into `FILE` or -")
		}, c.runContactVerify)
	sub("remove NAME", "Remove a contact", `Remove a contact. The log keeps what was sent to them and received from them.`,
		cobra.ExactArgs(1), none, c.runContactRemove)
	cmd.AddCommand(newContactSetCommand(c), newContactExportCommand(c))
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
		var f *diag.Finding
		if asFinding(err, &f) && f.Place.Source == "" {
			f.Place.Source = inputName(args[0])
		}
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
	} else if own.Age == card.Age || own.AgeCompat == card.AgeCompat {
		return explain(findingf("CP-PKG-032", "the card holds a key of your own: what is sealed for it would not reach whoever made it"))
	} else if !card.Revoked && contacts.LookAlike(own.Name, card.Name) && (o.as == "" || contacts.LookAlike(own.Name, o.as)) {
		return explain(findingf("CP-PKG-037", "the name %q could be taken for your own", card.Name))
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
		return map[contacts.Added]journal.Event{contacts.AddedNew: journal.ContactAdded, contacts.AddedUpdate: journal.ContactUpdated,
			contacts.AddedRotation: journal.ContactUpdated, contacts.AddedRevocation: journal.ContactRevoked}[added], contact, nil
	})
	if err != nil {
		return err
	}
	c.sayAdded(card, contact, added)
	return nil
}

// sayAdded tells what a card was to the contact book.
func (c *CLI) sayAdded(card *contacts.Card, k *contacts.Contact, added contacts.Added) {
	say := func(format string, args ...any) { fmt.Fprintf(c.Err, format+"\n", args...) }
	switch added {
	case contacts.AddedNothing:
		say("%s is among your contacts already (%s)", k.Name, k.State)
	case contacts.AddedOlder:
		say("You have a newer card of %s already, number %d (%s)", k.Name, k.Card().Sequence, k.State)
	case contacts.AddedUpdate:
		say("%s has a newer card now, with the same keys (%s)", k.Name, k.State)
		if k.Card().Recovery != "" || k.Card().RecoveryCompat != "" {
			say("  what you seal for them can be opened with their recovery key too")
		}
	case contacts.AddedRotation:
		say("%s has new keys now, which the old ones introduced", k.Name)
		say("  you read what they send as before; before you send to them, call them at a number that you already had, and run")
		say("  chartpost contact verify %q", k.Name)
	case contacts.AddedRevocation:
		if k == nil {
			say("The keys of this card, of %q, are revoked: it will never be taken as a contact", card.Name)
			return
		}
		say("%s revoked their keys: nothing is sent to them or taken from them any more", k.Name)
		say("  when they have a new card, remove this contact, then add and verify the new one")
	default:
		say("%s is among your contacts now, not verified", k.Name)
		say("  before you send to them, call them at a number that you already had, and run")
		say("  chartpost contact verify %q", k.Name)
	}
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
	By       string     `json:"verified_by,omitempty"`
	Called   string     `json:"called,omitempty"`
	Changed  *time.Time `json:"changed,omitempty"`
	Consent  bool       `json:"consent_required"`
	Recovery bool       `json:"recovery_key"`
	Person   string     `json:"person,omitempty"`
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
	v := contactView{Name: k.Name, CardName: card.Name, State: string(k.StateAt(now)), Added: k.Added, Verified: k.Verified, By: k.VerifiedBy,
		Called: k.Called, Changed: k.Changed, Consent: k.Consent, Recovery: card.Recovery != "" || card.RecoveryCompat != "", Person: card.Person,
		Phone: k.Phone, Created: card.Created.Format(time.DateOnly), Sequence: card.Sequence, Card: card.Digest(), Sign: card.Sign}
	v.Address, v.City = k.PostalAddress()
	if v.Phone == "" {
		v.Phone = card.Phone
	}
	if !card.Expires.IsZero() {
		v.Expires = card.Expires.Format(time.DateOnly)
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
		switch {
		case v.State == string(contacts.Verified):
			since = *v.Verified
		case v.Changed != nil:
			since = *v.Changed
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.Name, v.State, since.Format(time.DateOnly), v.City)
	}
	return w.Flush()
}

func (c *CLI) runContactShow(ctx context.Context, o *contactOptions, args []string) error {
	_, k, err := c.unlockContact(ctx, &o.identityOptions, args[0])
	if err != nil {
		return err
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
	if v.Changed != nil {
		row("keys changed", v.Changed.Format(time.DateOnly))
	}
	if v.Verified != nil {
		row("verified", v.Verified.Format(time.DateOnly))
		row("verified by", v.By)
		row("number called", v.Called)
	}
	if k.State == contacts.Verified {
		// Before that they are not shown: they are to be heard from the contact, not compared with a yes.
		row("words", strings.Join(k.Card().Words(), " "))
	}
	row("ask for", v.Person)
	row("address", v.Address)
	row("city", v.City)
	row("phone", v.Phone)
	if v.Consent {
		row("consent", "required in every package")
	}
	if v.Recovery {
		row("recovery key", "what is sealed for them can be opened with it too")
	}
	row("card number", strconv.Itoa(v.Sequence))
	row("card made", v.Created)
	row("card expires", v.Expires)
	row("signing key", v.Sign)
	return w.Flush()
}

func (c *CLI) runContactVerify(ctx context.Context, o *contactOptions, args []string) error {
	h, k, err := c.unlockContact(ctx, &o.identityOptions, args[0])
	if err != nil {
		return err
	}
	if o.code != "" && o.words != "" {
		return usagef("--words and --code exclude each other")
	}
	if o.called != "" && !pack.IsLine(o.called) {
		return usagef("the number must be one short line of plain text")
	}
	var code []byte
	if o.code != "" {
		if code, err = readCard(c.In, o.code); err != nil {
			return err
		}
	}
	if o.words == "" && o.code == "" {
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
		if code != nil {
			err = now.VerifyCode(string(code), userName(c.Env), c.now())
		} else {
			err = now.Verify(o.words, userName(c.Env), o.called, c.now())
		}
		if err != nil {
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
