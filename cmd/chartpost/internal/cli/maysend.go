package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chartpost/chartpost/pkg/contacts"
)

// rotationAccepted stands in the log where somebody sent to keys that had only been introduced by the contact's old ones.
const rotationAccepted = "its new keys were accepted as its old ones introduced them"

// maySend refuses a contact that packages are not to be sent to: revoked, expired, or not verified. The last can be overruled, with a
// reason for a contact that is new, and by accepting the rotation for one whose new keys were introduced by the old ones.
func (c *CLI) maySend(k *contacts.Contact, unverified string, acceptRotation bool) error {
	err := k.CheckSend(c.now())
	reason := strings.TrimSpace(unverified) != ""
	call := fmt.Sprintf("call them at a number that you already had, and run: chartpost contact verify %q", k.Name)
	switch {
	case errors.Is(err, contacts.ErrNotVerified) && reason, errors.Is(err, contacts.ErrChanged) && (reason || acceptRotation):
		return nil
	case errors.Is(err, contacts.ErrNotVerified):
		return fail(exitUsage, fmt.Errorf("%s is not verified", k.Name), call, "if it cannot wait, say why with --unverified REASON; it is logged")
	case errors.Is(err, contacts.ErrChanged):
		return fail(exitUsage, fmt.Errorf("%s has new keys since %s, and their words have not been heard yet", k.Name, k.Changed.Format(time.DateOnly)),
			call, "if it cannot wait, use --accept-rotation; it is logged")
	}
	return explain(err)
}

// overruled is what the log says of a contact that maySend let pass without having been verified.
func overruled(k *contacts.Contact, unverified string) string {
	switch {
	case k.State == contacts.Verified:
		return ""
	case strings.TrimSpace(unverified) != "":
		return unverified
	}
	return rotationAccepted
}

// standing says in a few words how well a contact is known, for what is shown before a package is opened or after it was sealed.
func standing(k *contacts.Contact) string {
	switch {
	case k.State == contacts.Verified:
		return "verified " + k.Verified.Format(time.DateOnly)
	case k.State == contacts.Changed:
		return "new keys since " + k.Changed.Format(time.DateOnly) + ", introduced by the old ones"
	}
	return "not verified"
}
