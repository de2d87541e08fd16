package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/contacts"
	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
)

type contactSetOptions struct {
	identityOptions
	address, city, phone string
	consent              string
}

func newContactSetCommand(c *CLI) *cobra.Command {
	o := new(contactSetOptions)
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Note what I know of a contact: address, telephone, that they want a consent",
		Long: `Note what you know of a contact. It stands in your contact book only, and goes before what their card
says. The accounting of disclosures (45 CFR 164.528) wants the address of who received records.

With --consent required nothing is sealed for them without the patient's consent in the package.`,
		Example: `  chartpost contact set lakeside --address "1 Shore Road" --city Lakeside --consent required`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.runContactSet(cmd.Context(), o, args[0], cmd.Flags().Changed)
		},
	}
	o.addTo(cmd)
	f := cmd.Flags()
	f.StringVar(&o.address, "address", "", "street and number; empty for what the card says")
	f.StringVar(&o.city, "city", "", "city")
	f.StringVar(&o.phone, "phone", "", "telephone `NUMBER`, from somewhere else than the card")
	f.StringVar(&o.consent, "consent", "", "whether every package for them must hold a consent: required or optional")
	return cmd
}

func (c *CLI) runContactSet(ctx context.Context, o *contactSetOptions, name string, given func(string) bool) error {
	if !given("address") && !given("city") && !given("phone") && !given("consent") {
		return usagef("contact set needs --address, --city, --phone or --consent")
	}
	if given("consent") && o.consent != "required" && o.consent != "optional" {
		return usagef("--consent is required or optional")
	}
	h, err := c.unlock(ctx, &o.identityOptions)
	if err != nil {
		return err
	}
	err = h.changeBook(ctx, false, func(b *contacts.Book) (journal.Event, *contacts.Contact, error) {
		k, err := b.Find(name)
		if err != nil {
			return "", nil, err
		}
		for flag, f := range map[string]struct {
			value string
			to    *string
		}{"address": {o.address, &k.Address}, "city": {o.city, &k.City}, "phone": {o.phone, &k.Phone}} {
			if !given(flag) {
				continue
			}
			if *f.to = strings.TrimSpace(f.value); *f.to != "" && !pack.IsLine(*f.to) {
				return "", nil, usagef("the %s must be one short line of plain text", flag)
			}
		}
		if given("consent") {
			k.Consent = o.consent == "required"
		}
		name = k.Name
		return journal.ContactUpdated, k, nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Err, "Noted of %s\n", name)
	return nil
}
