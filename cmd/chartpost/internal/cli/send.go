package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chartpost/chartpost/pkg/journal"
	"github.com/chartpost/chartpost/pkg/pack"
	"github.com/chartpost/chartpost/pkg/seal"
	"github.com/chartpost/chartpost/pkg/transport"
)

// transportOptions are the flags of every command that carries sealed files.
type transportOptions struct {
	sshKeys      []string
	knownHosts   string
	hostKey      string
	passwordFile string
	retries      int
	quiet        bool
}

func (o *transportOptions) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.sshKeys, "ssh-key", nil, "SFTP: log in with the private key in `FILE`, instead of those in ~/.ssh; an SSH agent is asked first")
	f.StringVar(&o.knownHosts, "known-hosts", "", "SFTP: the hosts that are known are in `FILE`, instead of ~/.ssh/known_hosts")
	f.StringVar(&o.hostKey, "host-key", "", "SFTP: the host's key has this `FINGERPRINT` (SHA256:...), whatever is known")
	f.StringVar(&o.passwordFile, "password-file", "", "SFTP: log in with the password in the first line of `FILE`")
	f.IntVar(&o.retries, "retries", 5, "try again at most `N` times where that may help")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing but errors")
}

// options is what the transport is told.
func (o *transportOptions) options(c *CLI) (*transport.Options, error) {
	if o.retries < 0 {
		return nil, usagef("--retries must not be negative")
	}
	t := &transport.Options{AgentAddr: c.Env("SSH_AUTH_SOCK"), User: userName(c.Env), HostKey: o.hostKey, Tries: o.retries + 1}
	if dir, err := os.UserHomeDir(); err == nil {
		t.SSHKeys, t.KnownHosts = transport.DefaultSSH(dir)
	}
	if o.sshKeys != nil {
		t.SSHKeys = o.sshKeys
		for _, file := range o.sshKeys {
			if _, err := os.Stat(file); err != nil {
				return nil, fail(exitUnreadable, err)
			}
		}
	}
	if o.knownHosts != "" {
		t.KnownHosts = []string{o.knownHosts}
	}
	if c.Ask != nil {
		t.Secret = func(ctx context.Context, question string) (string, error) { return c.Ask(ctx, question, true) }
	}
	if o.passwordFile != "" {
		password, err := readPassphrase(o.passwordFile)
		if err != nil {
			return nil, err
		}
		t.Secret = func(context.Context, string) (string, error) { return password, nil }
	}
	t.Notify = func(p transport.Pause) {
		if o.quiet {
			return
		}
		how := ""
		if p.Lost > 0 {
			how = fmt.Sprintf(", from the beginning (%s were carried in vain: the web has no way to go on with a file)", byteCount(p.Lost))
		}
		fmt.Fprintf(c.Err, "%s; trying again in %s%s\n", onScreen(transport.Plain(p.Err)), max(p.Wait.Round(time.Second), time.Second), how)
	}
	return t, nil
}

// carried gives the errors of transport their exit status and hints.
func carried(err error, address string) error {
	var known *exitError
	switch found, changed, isHost := transport.ErrHost(err); {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, transport.ErrAddress):
		return fail(exitUsage, err, "it is a folder, sftp://[USER@]HOST[:PORT]/FOLDER, or (to send) https://...")
	case errors.Is(err, transport.ErrNotSealed):
		return fail(exitUnreadable, err, "seal it first: chartpost seal FILE --to NAME --purpose PURPOSE")
	case isHost && changed:
		return fail(exitNetwork, err, "ask whoever runs it, by telephone, whether its key was changed; until then send nothing")
	case isHost:
		return fail(exitNetwork, err, "ask whoever runs it for the key's fingerprint; if it is the same, use --host-key "+found)
	case transport.Unreachable(err):
		return fail(exitNetwork, errors.New(transport.Plain(err)), "nobody answers there: see that the address is right, and that this computer has a connection")
	case transport.IsRemote(address):
		return fail(exitNetwork, err)
	}
	return fail(exitUnreadable, err)
}

type sendOptions struct {
	identityOptions
	transportOptions
	via        string
	headerFile string
}

func newSendCommand(c *CLI) *cobra.Command {
	o := new(sendOptions)
	cmd := &cobra.Command{
		Use:   "send PACKAGE... --via ADDRESS",
		Short: "Carry a sealed package into a folder, by SFTP or to the web",
		Long: `Carry sealed packages, or receipts, to an address:

  DIR                                  a folder: a share, a stick, a cloud folder
  sftp://[USER@]HOST[:PORT]/FOLDER     by SFTP; /~/FOLDER is in the user's home
  https://HOST/PATH                    by HTTP PUT: into a folder if it ends with a slash, else to the
                                       very address, as one that was signed beforehand (S3 and the like)

Whoever carries them is not trusted: what is not sealed is not sent. A package appears under its name
when it is whole. What fails is tried again: by SFTP from where it broke off, by HTTPS from the
beginning, since servers have no common way to go on with a PUT.

By SFTP the host must be known, in ~/.ssh/known_hosts or by --host-key. Passwords and tokens come from
files, never from the command line.`,
		Example: `  chartpost send chartpost-2026-11-22-6f30-27b0.zip.age --via /mnt/outbox
  chartpost send *.zip.age --via sftp://maple@transfer.example.org/in`,
		Args: someInput,
		RunE: func(cmd *cobra.Command, args []string) error { return c.runSend(cmd.Context(), o, args) },
	}
	o.identityOptions.addTo(cmd)
	o.transportOptions.addTo(cmd)
	f := cmd.Flags()
	f.StringVar(&o.via, "via", "", "the `ADDRESS`")
	f.StringVar(&o.headerFile, "header-file", "", "HTTPS: send the lines of `FILE` (Name: value) as headers, as for a token")
	return cmd
}

func (c *CLI) runSend(ctx context.Context, o *sendOptions, args []string) error {
	if o.via == "" {
		return usagef("send needs --via, a folder or an address")
	}
	t, err := o.transportOptions.options(c)
	if err != nil {
		return err
	}
	if err := readHeaders(o.headerFile, t); err != nil {
		return err
	}
	h, err := c.unlock(ctx, &o.identityOptions)
	if errors.Is(err, seal.ErrNoFile) {
		h, err = nil, nil // a computer that only carries has no log
	}
	if err != nil {
		return err
	}
	for _, path := range args {
		at, err := c.send(ctx, h, t, path, o)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.Out, at)
	}
	return nil
}

// send carries one file and logs it.
func (c *CLI) send(ctx context.Context, h *home, t *transport.Options, path string, o *sendOptions) (at string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fail(exitUnreadable, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", path)
	}
	if err != nil {
		return "", fail(exitUnreadable, err)
	}
	progress, done := c.progress("sending", info.Size(), o.quiet)
	t.Progress = progress
	at, err = transport.Send(ctx, o.via, &transport.File{Name: filepath.Base(path), Src: f, Size: info.Size()}, t)
	done()
	if err != nil {
		return "", carried(fmt.Errorf("%s: %w", path, err), o.via)
	}
	if h == nil {
		return at, nil
	}
	cipher, err := digestOf(path)
	if err != nil {
		return "", fail(exitUnreadable, err)
	}
	j, err := h.journal()
	if err != nil {
		return "", err
	}
	body := h.body(nil)
	id := ""
	e, b, err := j.Last(journal.Sealed, func(_ *journal.Entry, b *journal.Body) bool { return b.Cipher == cipher })
	if err != nil {
		return "", explain(err)
	}
	if e != nil {
		id, body.Peer, body.Also, body.Seq = e.Package, b.Peer, b.Also, b.Seq
	}
	body.Via, body.Cipher, body.Bytes = at, cipher, info.Size()
	_, err = h.log(ctx, journal.Sent, id, body)
	return at, err
}

// readHeaders reads the lines of a file of headers.
func readHeaders(path string, t *transport.Options) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fail(exitUnreadable, err)
	}
	defer f.Close()
	t.Header = map[string][]string{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t") || !pack.IsText(value) {
			return usagef("line %d of %s is not a name, a colon and a value", n, path)
		}
		t.Header[textproto.CanonicalMIMEHeaderKey(name)] = append(t.Header[textproto.CanonicalMIMEHeaderKey(name)], strings.TrimSpace(value))
	}
	if err := lines.Err(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return fail(exitUnreadable, err)
	}
	return nil
}
