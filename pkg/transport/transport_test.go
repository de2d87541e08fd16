package transport_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/chartpost/chartpost/internal/packtest"
	"github.com/chartpost/chartpost/pkg/transport"
)

// sealed makes a sealed file of about n bytes.
func sealed(t testing.TB, n int) []byte {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	plain := make([]byte, n)
	rand.Read(plain)
	return packtest.Encrypt(t, plain, id.Recipient())
}

func file(name string, data []byte) *transport.File {
	return &transport.File{Name: name, Src: bytes.NewReader(data), Size: int64(len(data))}
}

// sshServer is an SSH server with SFTP over a folder.
type sshServer struct {
	addr  string
	dir   string
	host  ssh.Signer
	user  ssh.Signer
	limit atomic.Int64 // of the next connection: bytes that are read before it breaks off; 0 is none
	tries atomic.Int64
	key   string // file of the user's key
}

func newSSHServer(t *testing.T) *sshServer {
	t.Helper()
	signer := func() (ssh.Signer, ed25519.PrivateKey) {
		_, k, _ := ed25519.GenerateKey(rand.Reader)
		s, err := ssh.NewSignerFromKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return s, k
	}
	s := &sshServer{dir: t.TempDir()}
	s.host, _ = signer()
	var key ed25519.PrivateKey
	s.user, key = signer()
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	s.key = filepath.Join(t.TempDir(), "key")
	os.WriteFile(s.key, pem.EncodeToMemory(block), 0o600)
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
			if !bytes.Equal(k.Marshal(), s.user.PublicKey().Marshal()) {
				return nil, errors.New("unknown key")
			}
			return nil, nil
		},
		PasswordCallback: func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			if string(p) != "sesame" {
				return nil, errors.New("wrong password")
			}
			return nil, nil
		},
	}
	config.AddHostKey(s.host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.addr = l.Addr().String()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.tries.Add(1)
			go s.serve(&breaking{Conn: c, left: s.limit.Swap(0)}, config)
		}
	}()
	return s
}

func (s *sshServer) serve(c net.Conn, config *ssh.ServerConfig) {
	defer c.Close()
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for nc := range channels {
		ch, reqs, err := nc.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range reqs {
				ok := r.Type == "subsystem"
				r.Reply(ok, nil)
				if ok {
					server, err := sftp.NewServer(ch, sftp.WithServerWorkingDirectory(s.dir))
					if err == nil {
						server.Serve()
					}
					ch.Close()
				}
			}
		}()
	}
}

// breaking is a connection that breaks off after so many bytes, if that is not 0.
type breaking struct {
	net.Conn
	left int64
}

func (b *breaking) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	if b.left > 0 {
		if b.left -= int64(n); b.left <= 0 {
			b.Conn.Close()
			return 0, io.ErrUnexpectedEOF
		}
	}
	return n, err
}

func (s *sshServer) options(t *testing.T) *transport.Options {
	known := filepath.Join(t.TempDir(), "known_hosts")
	os.WriteFile(known, []byte(knownhosts.Line([]string{knownhosts.Normalize(s.addr)}, s.host.PublicKey())+"\n"), 0o600)
	return &transport.Options{KnownHosts: []string{known}, SSHKeys: []string{s.key}, User: "maple", Tries: 3, Wait: time.Millisecond}
}

func (s *sshServer) at(dir string) string { return "sftp://" + s.addr + dir }

// TestRefusesPlaintext: nothing that is not sealed leaves, by no way.
func TestRefusesPlaintext(t *testing.T) {
	reached := false
	web := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer web.Close()
	s := newSSHServer(t)
	good := sealed(t, 100)
	for _, to := range []string{t.TempDir(), s.at("/~/"), web.URL + "/"} {
		for name, data := range map[string][]byte{
			"text":            []byte("MSH|^~\\&|LAB"),
			"empty":           {},
			"its first line":  []byte("age-encryption.org/v1\nMSH|"),
			"a damaged head":  append(bytes.Clone(good[:30]), "\nMSH|^~\\&"...),
			"a zip":           []byte("PK\x03\x04files/"),
			"armor of no age": []byte("-----BEGIN AGE ENCRYPTED FILE-----\nMSH\n"),
		} {
			if _, err := transport.Send(t.Context(), to, file("a.zip.age", data), s.options(t)); !errors.Is(err, transport.ErrNotSealed) {
				t.Errorf("%s to %s: %v", name, to, err)
			}
		}
		if _, err := transport.Send(t.Context(), to, file("../a", good), s.options(t)); err == nil {
			t.Errorf("%s: a name that climbs was taken", to)
		}
	}
	if reached || s.tries.Load() != 0 {
		t.Error("a connection was opened for plaintext")
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	data := sealed(t, 300_000)
	at, err := transport.Send(t.Context(), dir, file("a.zip.age", data), &transport.Options{})
	if err != nil || at != filepath.Join(dir, "a.zip.age") {
		t.Fatalf("%s %v", at, err)
	}
	if got, _ := os.ReadFile(at); !bytes.Equal(got, data) {
		t.Error("it is not what was sent")
	}
	if _, err := transport.Send(t.Context(), dir, file("a.zip.age", data), &transport.Options{}); err != nil {
		t.Errorf("the same once more: %v", err)
	}
	if _, err := transport.Send(t.Context(), dir, file("a.zip.age", sealed(t, 300_000)), &transport.Options{}); !errors.Is(err, transport.ErrExists) {
		t.Errorf("another of the same name: %v", err)
	}
	for _, bad := range []string{filepath.Join(dir, "missing"), at} {
		if _, err := transport.Send(t.Context(), bad, file("b.age", data), &transport.Options{Tries: 3}); err == nil {
			t.Errorf("%s was taken for a folder", bad)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := transport.Send(ctx, dir, file("b.age", data), &transport.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("left: %v", entries)
	}
}

func TestAddresses(t *testing.T) {
	data := sealed(t, 10)
	for _, to := range []string{"http://example.org/", "ftp://example.org/", "https://", "sftp://maple:secret@example.org/", "https://exa mple/", "s3://bucket/"} {
		_, err := transport.Send(t.Context(), to, file("a.age", data), &transport.Options{})
		if !errors.Is(err, transport.ErrAddress) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestSFTP(t *testing.T) {
	s := newSSHServer(t)
	data := sealed(t, 5_000_000)
	var carried int64
	o := s.options(t)
	o.Progress = func(n int64) { carried += n }
	os.Mkdir(filepath.Join(s.dir, "in"), 0o700)
	at, err := transport.Send(t.Context(), s.at("/~/in"), file("a.zip.age", data), o)
	if err != nil {
		t.Fatal(err)
	}
	if want := s.at("/in/a.zip.age"); at != want || carried != int64(len(data)) {
		t.Errorf("%s, want %s; %d carried", at, want, carried)
	}
	path := filepath.Join(s.dir, "in", "a.zip.age")
	if got, _ := os.ReadFile(path); !bytes.Equal(got, data) {
		t.Error("it is not what was sent")
	}
	if _, err := transport.Send(t.Context(), s.at("/~/in/"), file("a.zip.age", data), o); err != nil {
		t.Errorf("the same once more: %v", err)
	}
	if _, err := transport.Send(t.Context(), s.at("/~/in/"), file("a.zip.age", sealed(t, 5_000_000)), o); !errors.Is(err, transport.ErrExists) {
		t.Errorf("another of the same name: %v", err)
	}
	before := s.tries.Load()
	if _, err := transport.Send(t.Context(), s.at("/~/missing"), file("a.age", data), o); err == nil || s.tries.Load() != before+1 {
		t.Errorf("a folder that is not there: %v after %d tries", err, s.tries.Load()-before)
	}
	if _, err := transport.Send(t.Context(), s.at(s.dir), file("b.age", data), o); err != nil {
		t.Errorf("an absolute folder: %v", err)
	}
	// With a password.
	o.SSHKeys, o.Secret = nil, func(context.Context, string) (string, error) { return "sesame", nil }
	if _, err := transport.Send(t.Context(), s.at("/~/"), file("c.age", data), o); err != nil {
		t.Errorf("a password: %v", err)
	}
	o.Secret = nil
	if _, err := transport.Send(t.Context(), s.at("/~/"), file("d.age", data), o); err == nil || !strings.Contains(err.Error(), "does not let maple in") {
		t.Errorf("nothing to log in with: %v", err)
	}
}

// TestSFTPResumes: a connection that breaks off in the midst is made anew, and what was carried is not carried again.
func TestSFTPResumes(t *testing.T) {
	s := newSSHServer(t)
	data := sealed(t, 24<<20)
	var carried int64
	o := s.options(t)
	notes := 0
	o.Notify = func(error, time.Duration) { notes++ }
	o.Progress = func(n int64) { carried += n }
	s.limit.Store(16 << 20)
	src := &counting{r: bytes.NewReader(data)}
	if _, err := transport.Send(t.Context(), s.at("/~/"), &transport.File{Name: "a.zip.age", Src: src, Size: int64(len(data))}, o); err != nil {
		t.Fatal(err)
	}
	if n := src.n.Load(); n > int64(len(data))+8<<20 || carried != int64(len(data)) {
		t.Errorf("%d bytes were read for %d, of which %d were told", n, len(data), carried)
	}
	got, _ := os.ReadFile(filepath.Join(s.dir, "a.zip.age"))
	if !bytes.Equal(got, data) {
		t.Error("it is not what was sent")
	}
	if s.tries.Load() != 2 || notes != 1 {
		t.Errorf("%d connections, %d notes", s.tries.Load(), notes)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "a.zip.age.part")); err == nil {
		t.Error("the part was left")
	}
	// The part of another file under that name is not gone on from.
	other := sealed(t, 24<<20)
	os.WriteFile(filepath.Join(s.dir, "b.zip.age.part"), data[:20<<20], 0o600)
	if _, err := transport.Send(t.Context(), s.at("/~/"), file("b.zip.age", other), o); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(s.dir, "b.zip.age")); !bytes.Equal(got, other) {
		t.Error("it is a mixture of two files")
	}
	// What stays broken is given up.
	s.limit.Store(1 << 10)
	o.Tries = 1
	if _, err := transport.Send(t.Context(), s.at("/~/"), file("c.zip.age", data), o); err == nil {
		t.Error("a broken connection went unnoticed")
	}
	if _, err := os.Stat(filepath.Join(s.dir, "c.zip.age")); err == nil {
		t.Error("half a file has the name of a whole one")
	}
}

// counting counts what is read.
type counting struct {
	r io.ReaderAt
	n atomic.Int64
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}

// TestHostKeys: only the computer that is known is talked to.
func TestHostKeys(t *testing.T) {
	s, other := newSSHServer(t), newSSHServer(t)
	data := sealed(t, 10)
	fingerprint := ssh.FingerprintSHA256(s.host.PublicKey())
	send := func(edit func(*transport.Options)) error {
		o := s.options(t)
		edit(o)
		_, err := transport.Send(t.Context(), s.at("/~/"), file("a.age", data), o)
		return err
	}
	if err := send(func(o *transport.Options) { o.KnownHosts = []string{"missing"} }); err == nil {
		t.Error("an unknown host was taken")
	} else if found, changed, ok := transport.ErrHost(err); !ok || changed || found != fingerprint {
		t.Errorf("unknown: %v", err)
	}
	if err := send(func(o *transport.Options) { o.KnownHosts = nil; o.HostKey = fingerprint }); err != nil {
		t.Errorf("pinned: %v", err)
	}
	if _, changed, ok := transport.ErrHost(send(func(o *transport.Options) { o.HostKey = "SHA256:AAAA" })); !ok || !changed {
		t.Error("another key than the pinned one was taken")
	}
	before := s.tries.Load()
	err := send(func(o *transport.Options) {
		path := filepath.Join(t.TempDir(), "known")
		os.WriteFile(path, []byte(knownhosts.Line([]string{knownhosts.Normalize(s.addr)}, other.host.PublicKey())+"\n"), 0o600)
		o.KnownHosts = []string{path}
	})
	if _, changed, ok := transport.ErrHost(err); !ok || !changed {
		t.Errorf("a changed key: %v", err)
	}
	if s.tries.Load() != before+1 {
		t.Error("it was tried again")
	}
}

func TestWeb(t *testing.T) {
	var got []byte
	var path, auth string
	var answers []int
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(answers) > 0 {
			code := answers[0]
			answers = answers[1:]
			w.WriteHeader(code)
			fmt.Fprint(w, "<Error><Code>SlowDown</Code><Message>x</Message></Error>")
			return
		}
		got, _ = io.ReadAll(r.Body)
		path, auth = r.Method+" "+r.URL.RequestURI(), r.Header.Get("Authorization")
		w.WriteHeader(http.StatusCreated)
	}))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	data := sealed(t, 200_000)
	send := func(url string, edit func(*transport.Options)) (string, error) {
		o := &transport.Options{Roots: roots, Tries: 3, Wait: time.Millisecond, Header: http.Header{"Authorization": {"Bearer token"}}}
		if edit != nil {
			edit(o)
		}
		return transport.Send(t.Context(), url, file("a.zip.age", data), o)
	}
	at, err := send(server.URL+"/in/", nil)
	if err != nil || path != "PUT /in/a.zip.age" || auth != "Bearer token" || !bytes.Equal(got, data) {
		t.Errorf("%v, %s, %q", err, path, auth)
	}
	if at != server.URL+"/in/a.zip.age" {
		t.Errorf("at %s", at)
	}
	at, err = send(server.URL+"/bucket/key?X-Amz-Signature=secret", nil)
	if err != nil || path != "PUT /bucket/key?X-Amz-Signature=secret" || strings.Contains(at, "secret") {
		t.Errorf("presigned: %v, %s, %s", err, path, at)
	}
	answers = []int{503, 429}
	if _, err = send(server.URL+"/x", nil); err != nil {
		t.Errorf("after two refusals: %v", err)
	}
	answers = []int{503, 503, 503}
	if _, err = send(server.URL+"/x?secret", nil); err == nil || !strings.Contains(err.Error(), "503 Service Unavailable (SlowDown)") || strings.Contains(err.Error(), "secret") {
		t.Errorf("too many refusals: %v", err)
	}
	answers = []int{403, 200}
	if _, err = send(server.URL+"/x", nil); err == nil || len(answers) != 1 {
		t.Errorf("forbidden: %v, %d answers left", err, len(answers))
	}
	answers = nil
	if _, err = send(server.URL+"/x?secret", func(o *transport.Options) { o.Roots = nil }); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("an unknown certificate: %v", err)
	}
	// Sent on: with the headers to the same host only, and never without encryption.
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	forward := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := server.URL + "/y"
		if r.URL.Path == "/plain" {
			to = other.URL
		}
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	}))
	defer forward.Close()
	roots.AddCert(forward.Certificate())
	got = nil
	if _, err = send(forward.URL+"/", nil); err == nil || got != nil {
		t.Errorf("headers sent on: %v", err)
	}
	if _, err = send(forward.URL+"/", func(o *transport.Options) { o.Header = nil }); err != nil || !bytes.Equal(got, data) {
		t.Errorf("sent on: %v", err)
	}
	if _, err = send(forward.URL+"/plain", func(o *transport.Options) { o.Header = nil }); err == nil {
		t.Error("sent on without encryption")
	}
}

// TestInboxes: one test for both kinds.
func TestInboxes(t *testing.T) {
	s := newSSHServer(t)
	here := t.TempDir()
	for _, tt := range []struct{ name, from, dir string }{{"folder", here, here}, {"sftp", s.at("/~/"), s.dir}} {
		t.Run(tt.name, func(t *testing.T) {
			data := sealed(t, 3<<20)
			for name, b := range map[string][]byte{"b.zip.age": data, "a.receipt.age": data[:100], "c.age.part": data, "d.age.chartpost.partial": data,
				".hidden.age": data, "notes.txt": data} {
				if err := os.WriteFile(filepath.Join(tt.dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			os.Mkdir(filepath.Join(tt.dir, "dir.age"), 0o700)
			box, err := transport.OpenInbox(t.Context(), tt.from, s.options(t))
			if err != nil {
				t.Fatal(err)
			}
			defer box.Close()
			items, err := box.List(t.Context())
			if err != nil || len(items) != 2 || items[0].Name != "a.receipt.age" || items[1].Size != int64(len(data)) || items[1].Modified.IsZero() {
				t.Fatalf("%v %v", items, err)
			}
			spool := t.TempDir()
			path, done, err := box.Fetch(t.Context(), items[1], spool)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(path); !bytes.Equal(got, data) {
				t.Error("it is not what was there")
			}
			done()
			if left, _ := os.ReadDir(spool); len(left) != 0 {
				t.Errorf("left in the spool: %v", left)
			}
			for _, why := range []string{"", "altered"} {
				if err := box.Move(t.Context(), "b.zip.age", "refused", why); err != nil {
					t.Fatal(err)
				}
				os.WriteFile(filepath.Join(tt.dir, "b.zip.age"), data, 0o600)
			}
			for name, want := range map[string]bool{"b.zip.age": true, "b.zip.age.reason.txt": false, "b.zip-2.age": true, "b.zip-2.age.reason.txt": true} {
				if _, err := os.Stat(filepath.Join(tt.dir, "refused", name)); (err == nil) != want {
					t.Errorf("refused/%s: there %v", name, err == nil)
				}
			}
			if _, _, err := box.Fetch(t.Context(), transport.Item{Name: "gone.age", Size: 1}, spool); tt.name == "sftp" && err == nil {
				t.Error("what is not there was fetched")
			}
		})
	}
	if _, err := transport.OpenInbox(t.Context(), "https://example.org/", s.options(t)); !errors.Is(err, transport.ErrAddress) {
		t.Errorf("%v", err)
	}
}

// TestFetchResumes: a download that breaks off goes on.
func TestFetchResumes(t *testing.T) {
	s := newSSHServer(t)
	data := sealed(t, 8<<20)
	os.WriteFile(filepath.Join(s.dir, "a.zip.age"), data, 0o600)
	var n atomic.Int64
	o := s.options(t)
	o.Progress = func(k int64) { n.Add(k) }
	s.limit.Store(12 << 10) // requests for about three quarters of it
	box, err := transport.OpenInbox(t.Context(), s.at("/~/"), o)
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	path, done, err := box.Fetch(t.Context(), transport.Item{Name: "a.zip.age", Size: int64(len(data))}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if got, _ := os.ReadFile(path); !bytes.Equal(got, data) {
		t.Error("it is not what was there")
	}
	if s.tries.Load() < 2 || n.Load() > int64(len(data)) {
		t.Errorf("%d connections, %d of %d bytes", s.tries.Load(), n.Load(), len(data))
	}
}
