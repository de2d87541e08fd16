// Package transport carries sealed files: into a folder, by SFTP (draft-ietf-secsh-filexfer-02, version 3, over SSH, RFC 4251) and by HTTP
// PUT (RFC 9110). It is the only package that opens a network connection, and it trusts nobody it connects to: what it carries is sealed,
// and it refuses whatever is not.
//
// A file appears under its name when it is whole: it is written under another name and renamed, where the protocol can.
package transport

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/chartpost/chartpost/pkg/seal"
)

// Options are what a connection needs. The zero value suffices for folders.
type Options struct {
	KnownHosts []string // files of known host keys; those that are missing are passed over
	HostKey    string   // "SHA256:..." of the one host key that is taken, instead of KnownHosts
	SSHKeys    []string // files of private keys; those that are missing are passed over
	AgentAddr  string   // socket of an SSH agent; may be empty
	User       string   // whom to log in as where the address does not say
	// Secret asks for a password, or for the passphrase of a key; nil if there is nobody to ask.
	Secret func(ctx context.Context, question string) (string, error)

	Header http.Header    // sent with an HTTP PUT
	Roots  *x509.CertPool // instead of the system's

	Tries  int           // how often at most; 0 is 1
	Wait   time.Duration // before the second try; twice as long before each further one; 0 is a second
	Notify func(Pause)

	Progress func(int64) // told of every stretch that was carried
}

// A Pause comes before another try.
type Pause struct {
	Err  error // what the try before met
	Wait time.Duration
	Lost int64 // how many bytes had been carried and have to be carried once more
}

// Errors that decide what a person has to do.
var (
	ErrNotSealed = errors.New("this is not a sealed file; nothing else is sent")
	ErrExists    = errors.New("there is another file of that name")
	ErrAddress   = errors.New("the address is not of a kind that is known")
)

// Unreachable reports whether an error is that a host has no such name, or that nobody answers there.
func Unreachable(err error) bool {
	var name *net.DNSError
	var way *net.OpError
	return errors.As(err, &name) || errors.As(err, &way) && way.Op == "dial"
}

// Plain is the text of an error, with what the system says of a name that nobody has said plainly.
func Plain(err error) string {
	var name *net.DNSError
	var way *net.OpError
	if !errors.As(err, &name) || !name.IsNotFound {
		return err.Error()
	}
	said := name.Error()
	if errors.As(err, &way) {
		said = way.Error()
	}
	return strings.Replace(err.Error(), said, "no computer is called "+name.Name, 1)
}

// final is an error that another try would meet again.
type final struct{ err error }

func (f *final) Error() string { return f.err.Error() }
func (f *final) Unwrap() error { return f.err }

func giveUp(format string, args ...any) error { return &final{fmt.Errorf(format, args...)} }

// File is a sealed file that is to be sent.
type File struct {
	Name string
	Src  io.ReaderAt
	Size int64

	mu   sync.Mutex
	told int64 // how much of it Progress has been told of
	turn int   // which reader of it is the one that counts
}

// check refuses what is not sealed: no plaintext ever leaves.
func (f *File) check() error {
	h, err := seal.ReadHeader(f.Src, f.Size)
	if err != nil || len(h.Recipients) == 0 {
		return ErrNotSealed
	}
	if f.Name == "" || f.Name != path.Base(f.Name) || f.Name == "." || f.Name == ".." || strings.ContainsAny(f.Name, "/\\\x00") {
		return fmt.Errorf("the file's name cannot be used elsewhere")
	}
	return nil
}

// outbox is somewhere to put files.
type outbox interface {
	put(ctx context.Context, f *File, o *Options) (at string, err error)
	goesOn() bool // with what broke off
	close()
}

// Send carries a file to an address: a folder, sftp://[USER@]HOST[:PORT]/FOLDER (with /~/ for the home folder), or https://..., which is
// the file's own address, or that of a folder if it ends with a slash. It says where the file is then, without secrets. What may be
// mended by trying again is tried again; what was carried by then is not carried twice where the protocol can go on.
func Send(ctx context.Context, to string, f *File, o *Options) (at string, err error) {
	if err := f.check(); err != nil {
		return "", err
	}
	open, err := opener(to)
	if err != nil {
		return "", err
	}
	err = o.retry(ctx, func() (lost int64, err error) {
		box, err := open(ctx, o)
		if err != nil {
			return 0, err
		}
		defer box.close()
		at, err = box.put(ctx, f, o)
		if !box.goesOn() {
			lost = f.stop()
		}
		return lost, err
	})
	return at, err
}

func opener(to string) (func(context.Context, *Options) (outbox, error), error) {
	u, err := address(to)
	if err != nil {
		return nil, err
	}
	switch {
	case u == nil:
		return func(context.Context, *Options) (outbox, error) { return openFolder(to) }, nil
	case u.Scheme == "sftp":
		return func(ctx context.Context, o *Options) (outbox, error) { return openSFTP(ctx, u, o) }, nil
	case u.Scheme == "https":
		return func(_ context.Context, o *Options) (outbox, error) { return newWeb(u, o), nil }, nil
	}
	return nil, fmt.Errorf("%w: %s://", ErrAddress, u.Scheme)
}

// address reads an address; nil is that of a folder.
func address(to string) (*url.URL, error) {
	scheme, _, ok := strings.Cut(to, "://")
	if !ok {
		return nil, nil
	}
	u, err := url.Parse(to)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: it is not written as an address", ErrAddress) // the parser's words repeat it, with its secrets
	case scheme == "http":
		return nil, fmt.Errorf("%w: http:// shows who sends what size to whom; use https://", ErrAddress)
	case u.Host == "":
		return nil, fmt.Errorf("%w: it names no host", ErrAddress)
	}
	if _, secret := u.User.Password(); secret {
		return nil, fmt.Errorf("%w: a password in it would be seen by others on this computer", ErrAddress)
	}
	return u, nil
}

// IsRemote reports whether an address is not a folder.
func IsRemote(to string) bool { u, err := address(to); return u != nil || err != nil }

// retry tries again while it may help. do says how much of what it carried is lost where it fails.
func (o *Options) retry(ctx context.Context, do func() (lost int64, err error)) error {
	wait := o.Wait
	if wait == 0 {
		wait = time.Second
	}
	for try := 1; ; try++ {
		lost, err := do()
		var end *final
		if err == nil || ctx.Err() != nil || errors.As(err, &end) || try >= max(o.Tries, 1) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
		// Some more or less, so that those who were cut off together do not come back together.
		pause := wait + time.Duration(rand.Int64N(int64(wait)/4+1))
		if o.Notify != nil {
			o.Notify(Pause{err, pause, lost})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		wait = min(2*wait, time.Minute)
	}
}

func (o *Options) progress(n int64) {
	if o.Progress != nil {
		o.Progress(n)
	}
}

// reader reads a file from somewhere on and tells of it, until ctx ends or another reader takes its place.
type reader struct {
	ctx  context.Context
	r    io.Reader
	f    *File
	o    *Options
	turn int
}

// from begins to read. Where a try before this one had come further, Progress is told of a negative stretch.
func (f *File) from(ctx context.Context, off int64, o *Options) io.Reader {
	f.mu.Lock()
	defer f.mu.Unlock()
	o.progress(off - f.told)
	f.told = off
	f.turn++
	return &reader{ctx, io.NewSectionReader(f.Src, off, f.Size-off), f, o, f.turn}
}

// stop ends what still reads, and says how far it came: a request of HTTP may be read from after its answer.
func (f *File) stop() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn++
	return f.told
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	if r.turn != r.f.turn {
		return 0, errors.New("this try is over")
	}
	n, err := r.r.Read(p)
	r.f.told += int64(n)
	r.o.progress(int64(n))
	return n, err
}

// Item is a file in an inbox.
type Item struct {
	Name     string
	Size     int64
	Modified time.Time
}

// Inbox is a folder that packages come into, here or by SFTP.
type Inbox interface {
	// List lists the sealed files, by name. Those that are still being written are left out as far as their names tell.
	List(ctx context.Context) ([]Item, error)
	// Fetch brings a file here, below spool if it is not here already, and says what has to be called when it is no longer needed.
	Fetch(ctx context.Context, it Item, spool string) (path string, done func(), err error)
	// Move puts a file aside, into a folder of the inbox, with a few words why if there are any.
	Move(ctx context.Context, name, folder, why string) error
	Close()
}

// OpenInbox opens a folder, or sftp://[USER@]HOST[:PORT]/FOLDER.
func OpenInbox(ctx context.Context, from string, o *Options) (Inbox, error) {
	u, err := address(from)
	switch {
	case err != nil:
		return nil, err
	case u == nil:
		return openFolder(from)
	case u.Scheme != "sftp":
		return nil, fmt.Errorf("%w: packages are fetched from a folder or by sftp://", ErrAddress)
	}
	var box *sftpBox
	err = o.retry(ctx, func() (_ int64, err error) {
		box, err = openSFTP(ctx, u, o)
		return 0, err
	})
	if err != nil {
		return nil, err
	}
	return &sftpInbox{box: box, o: o, reopen: func(ctx context.Context) (*sftpBox, error) { return openSFTP(ctx, u, o) }}, nil
}

// isOurs reports whether a name in an inbox can be that of a whole file.
func isOurs(name string) bool {
	for _, end := range []string{partEnding, ".partial", ".tmp", ".crdownload", ".filepart"} {
		if strings.HasSuffix(strings.ToLower(name), end) {
			return false
		}
	}
	return strings.HasSuffix(strings.ToLower(name), ".age") && name[0] != '.'
}

// reasonEnding is what the name of the file beside a refused one ends with.
const reasonEnding = ".reason.txt"

// candidate is the n-th name for a file where others may be taken.
func candidate(name string, n int) string {
	if n == 0 {
		return name
	}
	ext := path.Ext(name)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n+1, ext)
}

const maxCandidates = 1000

// onWindows: an open file cannot be renamed there.
const onWindows = runtime.GOOS == "windows"
