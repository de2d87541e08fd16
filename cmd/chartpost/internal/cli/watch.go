package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/transport"
)

type watchOptions struct {
	fetchOptions
	every time.Duration
}

func newWatchCommand(c *CLI) *cobra.Command {
	o := new(watchOptions)
	cmd := &cobra.Command{
		Use:   "watch INBOX",
		Short: "Open packages as they come into an inbox, until it is stopped",
		Long: `Do what fetch does, again and again, as a fax machine does, until Ctrl-C. A connection that is lost is made
anew.`,
		Example: `  chartpost watch /mnt/inbox -o received --passphrase-file ~/.chartpost-passphrase`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.runWatch(cmd.Context(), o, args[0]) },
	}
	o.addTo(cmd)
	cmd.Flags().DurationVar(&o.every, "every", 10*time.Second, "look every `TIME`")
	return cmd
}

func (c *CLI) runWatch(ctx context.Context, o *watchOptions, from string) error {
	if o.every < time.Second {
		return usagef("--every must be a second or more")
	}
	in, err := c.newInbox(ctx, &o.fetchOptions, from)
	if err != nil {
		return err
	}
	defer in.box.Close()
	in.say("Watching %s; Ctrl-C ends it.", from)
	var before []transport.Item
	lost := false
	for {
		items, err := in.box.List(ctx)
		if err == nil {
			_, err = in.all(ctx, unchanged(before, items))
			before = items
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !lost:
			fmt.Fprintf(c.Err, "%s; going on\n", onScreen(err.Error()))
		case err == nil && lost:
			in.say("Watching again.")
		}
		lost = err != nil
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(o.every):
		}
	}
}
