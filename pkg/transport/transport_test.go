package transport_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
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
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/chartpost/chartpost/internal/packtest"
	"github.com/chartpost/chartpost/internal/sshtest"
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

// server is an SSH server, and what is needed to log in there.
type server struct{ *sshtest.Server }

func newSSHServer(t *testing.T) *server { return &server{sshtest.New(t)} }

func (s *server) options(t *testing.T) *transport.Options {
	return &transport.Options{KnownHosts: []string{s.KnownHosts(t)}, SSHKeys: []string{s.Key}, User: "maple", Tries: 3, Wait: time.Millisecond}
}

func (s *server) at(dir string) string { return "sftp://" + s.Addr + dir }

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
	if reached || s.Tries.Load() != 0 {
		t.Error("a connection was opened for plaintext")
	}
}

// TestPlain: a name that no computer has is said without the addresses of those who were asked.
func TestPlain(t *testing.T) {
	nobody := &net.DNSError{Err: "no such host", Name: "inbox.example", Server: "192.0.2.53:53", IsNotFound: true}
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("a.age: %w", &net.OpError{Op: "dial", Net: "tcp", Err: nobody}), "a.age: no computer is called inbox.example"},
		{nobody, "no computer is called inbox.example"},
		{&net.DNSError{Err: "timed out", Name: "inbox.example", IsTimeout: true}, "lookup inbox.example: timed out"},
		{errors.New("broken pipe"), "broken pipe"},
	} {
		if got := transport.Plain(c.err); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
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
	os.Mkdir(filepath.Join(s.Dir, "in"), 0o700)
	at, err := transport.Send(t.Context(), s.at("/~/in"), file("a.zip.age", data), o)
	if err != nil {
		t.Fatal(err)
	}
	if want := s.at("/in/a.zip.age"); at != want || carried != int64(len(data)) {
		t.Errorf("%s, want %s; %d carried", at, want, carried)
	}
	path := filepath.Join(s.Dir, "in", "a.zip.age")
	if got, _ := os.ReadFile(path); !bytes.Equal(got, data) {
		t.Error("it is not what was sent")
	}
	if _, err := transport.Send(t.Context(), s.at("/~/in/"), file("a.zip.age", data), o); err != nil {
		t.Errorf("the same once more: %v", err)
	}
	if _, err := transport.Send(t.Context(), s.at("/~/in/"), file("a.zip.age", sealed(t, 5_000_000)), o); !errors.Is(err, transport.ErrExists) {
		t.Errorf("another of the same name: %v", err)
	}
	before := s.Tries.Load()
	if _, err := transport.Send(t.Context(), s.at("/~/missing"), file("a.age", data), o); err == nil || s.Tries.Load() != before+1 {
		t.Errorf("a folder that is not there: %v after %d tries", err, s.Tries.Load()-before)
	}
	if _, err := transport.Send(t.Context(), s.at(s.Dir), file("b.age", data), o); err != nil {
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
	o.Notify = func(p transport.Pause) {
		notes++
		if p.Lost != 0 {
			t.Errorf("%d bytes are lost", p.Lost)
		}
	}
	o.Progress = func(n int64) { carried += n }
	s.Limit.Store(16 << 20)
	src := &counting{r: bytes.NewReader(data)}
	if _, err := transport.Send(t.Context(), s.at("/~/"), &transport.File{Name: "a.zip.age", Src: src, Size: int64(len(data))}, o); err != nil {
		t.Fatal(err)
	}
	if n := src.n.Load(); n > int64(len(data))+8<<20 || carried != int64(len(data)) {
		t.Errorf("%d bytes were read for %d, of which %d were told", n, len(data), carried)
	}
	got, _ := os.ReadFile(filepath.Join(s.Dir, "a.zip.age"))
	if !bytes.Equal(got, data) {
		t.Error("it is not what was sent")
	}
	if s.Tries.Load() != 2 || notes != 1 {
		t.Errorf("%d connections, %d notes", s.Tries.Load(), notes)
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "a.zip.age.part")); err == nil {
		t.Error("the part was left")
	}
	// The part of another file under that name is not gone on from.
	other := sealed(t, 24<<20)
	os.WriteFile(filepath.Join(s.Dir, "b.zip.age.part"), data[:20<<20], 0o600)
	if _, err := transport.Send(t.Context(), s.at("/~/"), file("b.zip.age", other), o); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(s.Dir, "b.zip.age")); !bytes.Equal(got, other) {
		t.Error("it is a mixture of two files")
	}
	// What stays broken is given up.
	s.Limit.Store(1 << 10)
	o.Tries = 1
	if _, err := transport.Send(t.Context(), s.at("/~/"), file("c.zip.age", data), o); err == nil {
		t.Error("a broken connection went unnoticed")
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "c.zip.age")); err == nil {
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
	fingerprint := ssh.FingerprintSHA256(s.Host.PublicKey())
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
	before := s.Tries.Load()
	err := send(func(o *transport.Options) {
		path := filepath.Join(t.TempDir(), "known")
		os.WriteFile(path, []byte(knownhosts.Line([]string{knownhosts.Normalize(s.Addr)}, other.Host.PublicKey())+"\n"), 0o600)
		o.KnownHosts = []string{path}
	})
	if _, changed, ok := transport.ErrHost(err); !ok || !changed {
		t.Errorf("a changed key: %v", err)
	}
	if s.Tries.Load() != before+1 {
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
	for _, tt := range []struct{ name, from, dir string }{{"folder", here, here}, {"sftp", s.at("/~/"), s.Dir}} {
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
	os.WriteFile(filepath.Join(s.Dir, "a.zip.age"), data, 0o600)
	var n atomic.Int64
	o := s.options(t)
	o.Progress = func(k int64) { n.Add(k) }
	s.Limit.Store(12 << 10) // requests for about three quarters of it
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
	if s.Tries.Load() < 2 || n.Load() > int64(len(data)) {
		t.Errorf("%d connections, %d of %d bytes", s.Tries.Load(), n.Load(), len(data))
	}
}

// TestWebBreaksOff: a PUT that breaks off is told with what it cost, and the next try carries the whole file from its beginning.
func TestWebBreaksOff(t *testing.T) {
	data := sealed(t, 4<<20)
	var got []byte
	tries := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries == 1 {
			io.CopyN(io.Discard, r.Body, 1<<20)
			panic(http.ErrAbortHandler) // the connection is cut
		}
		got, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	var pauses []transport.Pause
	carried := int64(0)
	o := &transport.Options{Roots: roots, Tries: 3, Wait: time.Millisecond, Notify: func(p transport.Pause) { pauses = append(pauses, p) }, Progress: func(n int64) { carried += n }}
	if _, err := transport.Send(t.Context(), server.URL+"/bucket/key?X-Amz-Signature=secret", file("a.zip.age", data), o); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) || tries != 2 {
		t.Errorf("%d bytes arrived in %d tries", len(got), tries)
	}
	if len(pauses) != 1 || pauses[0].Lost < 1<<20 || pauses[0].Lost > int64(len(data)) || strings.Contains(pauses[0].Err.Error(), "secret") {
		t.Errorf("%+v", pauses)
	}
	if carried != int64(len(data)) {
		t.Errorf("%d bytes were told of %d", carried, len(data))
	}
}
