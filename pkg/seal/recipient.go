package seal

import (
	"errors"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/plugin"
)

// ErrRecipient says that something is no recipient of age.
var ErrRecipient = errors.New("this is not a recipient of age")

// Kind is what sort of recipient something is.
type Kind int

// The kinds of recipients that are known here.
const (
	NoRecipient Kind = iota
	Hybrid           // age1pq1..., post-quantum
	Classic          // age1..., X25519
	SSH              // ssh-ed25519
	Plugin           // age1NAME1...
)

// KindOf says what sort of recipient s is, if it is written in the one way there is.
func KindOf(s string) Kind {
	switch {
	case strings.HasPrefix(s, "age1pq1"):
		if r, err := age.ParseHybridRecipient(s); err == nil && r.String() == s {
			return Hybrid
		}
	case strings.HasPrefix(s, keyType+" "):
		if _, err := ParseKey(s); err == nil {
			return SSH
		}
	case strings.HasPrefix(s, "age1"):
		if r, err := age.ParseX25519Recipient(s); err == nil && r.String() == s {
			return Classic
		}
		if name, data, err := plugin.ParseRecipient(s); err == nil && plugin.EncodeRecipient(name, data) == s && len(s) <= maxPlugin {
			return Plugin
		}
	}
	return NoRecipient
}

// maxPlugin is longer than any recipient of a plugin that is known.
const maxPlugin = 4096

// ParseRecipient reads what a package can be sealed for: a hybrid recipient (age1pq1...), a classic one (age1...), an ssh-ed25519 key, or
// that of a plugin (age1NAME1...), which needs the program age-plugin-NAME when it is used. ui is what a plugin may ask; it may be nil
// if nothing is sealed.
func ParseRecipient(s string, ui *plugin.ClientUI) (age.Recipient, error) {
	switch KindOf(s) {
	case Hybrid:
		return age.ParseHybridRecipient(s)
	case Classic:
		return age.ParseX25519Recipient(s)
	case SSH:
		return agessh.ParseRecipient(s)
	case Plugin:
		return plugin.NewRecipient(s, ui)
	}
	return nil, ErrRecipient
}

// IsPostQuantum reports whether what is sealed for a recipient is protected against quantum computers. Of a plugin's that is not known.
func IsPostQuantum(recipient string) bool {
	return strings.HasPrefix(recipient, "age1pq1") || strings.HasPrefix(recipient, "age1tagpq1")
}
