package transport

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/chartpost/chartpost/internal/safefile"
)

const (
	partEnding = ".part" // of what is not whole yet on the other side

	// Many writes are under way at once, so what an interruption leaves may have holes, but only so far from its end.
	sftpRequests = 64
	sftpPacket   = 32 << 10
	sftpWindow   = 2 * sftpRequests * sftpPacket
	compared     = 64 << 10 // of what is there already, before going on from it
)

// sftpBox is a folder on another computer.
type sftpBox struct {
	*sftp.Client
	conn *ssh.Client
	dir  string
	host string
	stop func() bool
}

func (b *sftpBox) goesOn() bool { return true }

func (b *sftpBox) close() {
	b.stop()
	b.Client.Close()
	b.conn.Close()
}

func openSFTP(ctx context.Context, u *url.URL, o *Options) (*sftpBox, error) {
	config, err := sshConfig(ctx, u, o)
	if err != nil {
		return nil, err
	}
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "22")
	}
	if config.HostKeyCallback, config.HostKeyAlgorithms, err = o.hostKeys(addr); err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{Timeout: connectTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	c, channels, requests, err := ssh.NewClientConn(conn, addr, config)
	if err != nil {
		stop()
		conn.Close()
		var host *hostError
		if errors.As(err, &host) {
			return nil, &final{host}
		}
		if strings.Contains(err.Error(), "unable to authenticate") {
			return nil, giveUp("%s does not let %s in: none of the keys, nor a password, was taken", u.Host, config.User)
		}
		return nil, fmt.Errorf("%s: %w", u.Host, err)
	}
	client := ssh.NewClient(c, channels, requests)
	s, err := sftp.NewClient(client, sftp.UseConcurrentWrites(true), sftp.MaxConcurrentRequestsPerFile(sftpRequests), sftp.MaxPacketChecked(sftpPacket))
	if err != nil {
		stop()
		client.Close()
		return nil, fmt.Errorf("%s offers no SFTP: %w", u.Host, err)
	}
	b := &sftpBox{s, client, strings.TrimPrefix(u.Path, "/~/"), u.Host, stop}
	if b.dir == "" || u.Path == "/~" {
		b.dir = "."
	}
	info, err := b.Stat(b.dir)
	if err == nil && !info.IsDir() {
		err = &final{errors.New("it is a file, not a folder")}
	}
	if err != nil {
		b.close()
		return nil, b.explain(err, b.dir)
	}
	return b, nil
}

// explain says where something went wrong, and whether another try can mend it.
func (b *sftpBox) explain(err error, at string) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return giveUp("%s: %s: %w", b.host, at, err)
	}
	return fmt.Errorf("%s: %s: %w", b.host, at, err)
}

func (b *sftpBox) put(ctx context.Context, f *File, o *Options) (string, error) {
	name := path.Join(b.dir, f.Name)
	at := "sftp://" + b.host + "/" + strings.TrimPrefix(name, "/")
	if info, err := b.Stat(name); err == nil {
		if info.Size() == f.Size && b.agrees(name, f, f.Size) {
			return at, nil // an earlier try ended after all
		}
		return "", giveUp("%w: %s", ErrExists, at)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", b.explain(err, name)
	}
	part := name + partEnding
	off := int64(0)
	if info, err := b.Stat(part); err == nil && info.Size() <= f.Size {
		if off = max(info.Size()-sftpWindow, 0); !b.agrees(part, f, off) {
			off = 0
		}
	}
	flags := os.O_WRONLY | os.O_CREATE
	if off == 0 {
		flags |= os.O_TRUNC
	}
	out, err := b.OpenFile(part, flags)
	if err != nil {
		return "", b.explain(err, part)
	}
	defer out.Close()
	if _, err := out.Seek(off, io.SeekStart); err != nil {
		return "", b.explain(err, part)
	}
	if _, err := out.ReadFromWithConcurrency(f.from(ctx, off, o), sftpRequests); err != nil {
		return "", b.explain(err, part)
	}
	if _, ok := b.HasExtension("fsync@openssh.com"); ok {
		if err := out.Sync(); err != nil {
			return "", b.explain(err, part)
		}
	}
	if err := out.Close(); err != nil {
		return "", b.explain(err, part)
	}
	if info, err := b.Stat(part); err != nil || info.Size() != f.Size {
		return "", fmt.Errorf("%s: %s is not as long as it was sent", b.host, part)
	}
	if err := b.Rename(part, name); err != nil {
		return "", b.explain(err, name)
	}
	return at, nil
}

// agrees reports whether the last bytes before an offset are those of the file.
func (b *sftpBox) agrees(name string, f *File, off int64) bool {
	n := min(off, compared)
	if n == 0 {
		return off == 0
	}
	r, err := b.Open(name)
	if err != nil {
		return false
	}
	defer r.Close()
	there, here := make([]byte, n), make([]byte, n)
	if _, err := r.ReadAt(there, off-n); err != nil && err != io.EOF {
		return false
	}
	if _, err := f.Src.ReadAt(here, off-n); err != nil && err != io.EOF {
		return false
	}
	return bytes.Equal(there, here)
}

// sshConfig is how to log in: by the agent, by the files of keys, by a password, in this order.
func sshConfig(ctx context.Context, u *url.URL, o *Options) (*ssh.ClientConfig, error) {
	c := &ssh.ClientConfig{User: u.User.Username(), Timeout: connectTimeout}
	if c.User == "" {
		c.User = o.User
	}
	var signers []ssh.Signer
	for _, file := range o.SSHKeys {
		s, err := o.readKey(ctx, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, &final{err}
		}
		signers = append(signers, s)
	}
	c.Auth = append(c.Auth, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		list := slices.Clone(signers)
		if o.AgentAddr != "" {
			if conn, err := (&net.Dialer{}).DialContext(ctx, "unix", o.AgentAddr); err == nil {
				context.AfterFunc(ctx, func() { conn.Close() })
				if more, err := agent.NewClient(conn).Signers(); err == nil {
					list = append(more, list...)
				}
			}
		}
		return list, nil
	}))
	if o.Secret != nil {
		c.Auth = append(c.Auth, ssh.PasswordCallback(func() (string, error) {
			return o.Secret(ctx, fmt.Sprintf("Password of %s at %s:", c.User, u.Host))
		}))
	}
	return c, nil
}

func (o *Options) readKey(ctx context.Context, file string) (ssh.Signer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s, err := ssh.ParsePrivateKey(data)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) && o.Secret != nil {
		var text string
		if text, err = o.Secret(ctx, fmt.Sprintf("Passphrase of %s:", file)); err != nil {
			return nil, err
		}
		s, err = ssh.ParsePrivateKeyWithPassphrase(data, []byte(text))
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used as a key: it is damaged, or its passphrase is wrong or missing", file)
	}
	return s, nil
}

// hostError says that the computer at an address is not known to be the one that is meant.
type hostError struct {
	host, found string
	changed     bool
}

func (e *hostError) Error() string {
	if e.changed {
		return fmt.Sprintf("%s has another key (%s) than the one that is known: somebody may stand in between", e.host, e.found)
	}
	return fmt.Sprintf("%s is not known; its key is %s", e.host, e.found)
}

// ErrHost reports whether an error says that a host is not known, or not the known one, and which key it showed.
func ErrHost(err error) (fingerprint string, changed, ok bool) {
	var h *hostError
	if !errors.As(err, &h) {
		return "", false, false
	}
	return h.found, h.changed, true
}

// hostKeys checks the key of a host against the one that is given, else against the files; and says which kinds of keys to ask it for,
// so that it does not show one that is not in the files.
func (o *Options) hostKeys(addr string) (ssh.HostKeyCallback, []string, error) {
	if o.HostKey != "" {
		return func(host string, _ net.Addr, key ssh.PublicKey) error {
			if found := ssh.FingerprintSHA256(key); found != o.HostKey {
				return &hostError{host, found, true}
			}
			return nil
		}, nil, nil
	}
	var files []string
	for _, f := range o.KnownHosts {
		if _, err := os.Stat(f); err == nil {
			files = append(files, f)
		}
	}
	known, err := knownhosts.New(files...)
	if err != nil {
		return nil, nil, giveUp("the list of known hosts cannot be read: %w", err)
	}
	check := func(host string, remote net.Addr, key ssh.PublicKey) error {
		err := known(host, remote, key)
		var unlike *knownhosts.KeyError
		var revoked *knownhosts.RevokedError
		switch {
		case errors.As(err, &unlike):
			return &hostError{host, ssh.FingerprintSHA256(key), len(unlike.Want) > 0}
		case errors.As(err, &revoked):
			return &hostError{host, ssh.FingerprintSHA256(key), true}
		}
		return err
	}
	var kinds []string
	var unlike *knownhosts.KeyError
	if err := known(addr, &net.TCPAddr{IP: net.IPv4zero}, nobody{}); errors.As(err, &unlike) {
		for _, k := range unlike.Want {
			switch t := k.Key.Type(); t {
			case ssh.KeyAlgoRSA:
				kinds = append(kinds, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			default:
				kinds = append(kinds, t)
			}
		}
	}
	return check, kinds, nil
}

// nobody is a key that no host has; asking for it tells which keys a host is known to have.
type nobody struct{}

func (nobody) Type() string                        { return "nobody" }
func (nobody) Marshal() []byte                     { return []byte("nobody") }
func (nobody) Verify([]byte, *ssh.Signature) error { return errors.New("nobody signs") }

// sftpInbox is an sftpBox that is connected anew when the connection was lost.
type sftpInbox struct {
	box    *sftpBox
	o      *Options
	reopen func(context.Context) (*sftpBox, error)
}

func (i *sftpInbox) Close() {
	if i.box != nil {
		i.box.close()
	}
}

// do runs f, and again on a new connection if the old one is lost.
func (i *sftpInbox) do(ctx context.Context, f func(*sftpBox) error) error {
	return i.o.retry(ctx, func() (_ int64, err error) {
		if i.box == nil {
			if i.box, err = i.reopen(ctx); err != nil {
				return 0, err
			}
		}
		err = f(i.box)
		var end *final
		if err != nil && !errors.As(err, &end) {
			i.box.close()
			i.box = nil
		}
		return 0, err
	})
}

func (i *sftpInbox) List(ctx context.Context) (items []Item, err error) {
	err = i.do(ctx, func(b *sftpBox) error {
		entries, err := b.ReadDirContext(ctx, b.dir)
		if err != nil {
			return b.explain(err, b.dir)
		}
		items = items[:0]
		for _, e := range entries {
			if e.Mode().IsRegular() && isOurs(e.Name()) && e.Name() == path.Base(e.Name()) && !strings.Contains(e.Name(), "\\") {
				items = append(items, Item{e.Name(), e.Size(), e.ModTime()})
			}
		}
		return nil
	})
	slices.SortStableFunc(items, func(a, b Item) int { return strings.Compare(a.Name, b.Name) })
	return items, err
}

// Fetch downloads a file. What a try got before it broke off is kept for the next.
func (i *sftpInbox) Fetch(ctx context.Context, it Item, spool string) (string, func(), error) {
	f, err := newSpool(spool)
	if err != nil {
		return "", nil, err
	}
	remove := func() { f.Close(); os.Remove(f.Name()) }
	have := int64(0)
	err = i.do(ctx, func(b *sftpBox) error {
		r, err := b.Open(path.Join(b.dir, it.Name))
		if err != nil {
			return b.explain(err, it.Name)
		}
		defer r.Close()
		// Several parts are asked for at once but written in their order, so all that is there is whole.
		if _, err := r.Seek(have, io.SeekStart); err != nil {
			return b.explain(err, it.Name)
		}
		n, err := r.WriteTo(&told{f, i.o})
		have += n
		if err != nil {
			return b.explain(err, it.Name)
		}
		if have < it.Size {
			return fmt.Errorf("%s: %s broke off", b.host, it.Name)
		}
		return nil
	})
	if err == nil && onWindows {
		err = f.Close()
	}
	if err != nil {
		remove()
		return "", nil, err
	}
	return f.Name(), remove, nil
}

// Files that are being fetched are called so, and locked while they are.
const spoolBegin = "fetch-"

func newSpool(dir string) (*os.File, error) {
	var random [8]byte
	rand.Read(random[:])
	return safefile.Create(filepath.Join(dir, fmt.Sprintf("%s%x.age%s", spoolBegin, random, partEnding)), 0o600)
}

// Sweep removes what killed runs left in a folder that files are fetched into.
func Sweep(spool string) {
	left, _ := filepath.Glob(filepath.Join(spool, spoolBegin+"*.age"+partEnding))
	for _, path := range left {
		safefile.RemoveStale(path)
	}
}

// told writes and tells of it.
type told struct {
	w io.Writer
	o *Options
}

func (t *told) Write(p []byte) (int, error) {
	n, err := t.w.Write(p)
	t.o.progress(int64(n))
	return n, err
}

func (i *sftpInbox) Move(ctx context.Context, name, to, why string) error {
	return i.do(ctx, func(b *sftpBox) error {
		dir := path.Join(b.dir, to)
		if err := b.MkdirAll(dir); err != nil {
			return b.explain(err, dir)
		}
		for n := range maxCandidates {
			at := path.Join(dir, candidate(name, n))
			if _, err := b.Lstat(at); err == nil {
				continue
			}
			if why != "" {
				f, err := b.Create(at + reasonEnding)
				if err != nil {
					return b.explain(err, at)
				}
				_, err = f.Write([]byte(why + "\n"))
				if cerr := f.Close(); err == nil {
					err = cerr
				}
				if err != nil {
					return b.explain(err, at)
				}
			}
			if err := b.Rename(path.Join(b.dir, name), at); err != nil {
				return b.explain(err, at)
			}
			return nil
		}
		return giveUp("%s holds too many files called %s", dir, name)
	})
}

// DefaultSSH are the files of keys and of known hosts that SSH has in a home folder.
func DefaultSSH(home string) (keys, knownHosts []string) {
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		keys = append(keys, filepath.Join(home, ".ssh", name))
	}
	return keys, []string{filepath.Join(home, ".ssh", "known_hosts")}
}
