package cli

import (
	"context"
	"errors"
	"fmt"

	"filippo.io/age/plugin"
)

// pluginUI is what a plugin of age may say and ask, in the words of the plugin.
func (c *CLI) pluginUI(ctx context.Context) *plugin.ClientUI {
	noTerminal := errors.New("it wants an answer, and there is no terminal")
	return &plugin.ClientUI{
		DisplayMessage: func(name, message string) error {
			_, err := fmt.Fprintf(c.Err, "age-plugin-%s: %s\n", name, message)
			return err
		},
		RequestValue: func(name, message string, secret bool) (string, error) {
			if c.Ask == nil {
				return "", noTerminal
			}
			return c.Ask(ctx, fmt.Sprintf("age-plugin-%s: %s", name, message), secret)
		},
		Confirm: func(name, message, yes, no string) (bool, error) {
			if c.Ask == nil {
				return false, noTerminal
			}
			return c.confirm(ctx, fmt.Sprintf("age-plugin-%s: %s (y: %s, n: %s)", name, message, yes, no))
		},
		WaitTimer: func(name string) { fmt.Fprintf(c.Err, "waiting for age-plugin-%s\n", name) },
	}
}
