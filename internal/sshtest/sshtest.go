// Package sshtest is an SSH server with SFTP for tests, whose connections break off when they are told to.
package sshtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Server is an SSH server with SFTP over a folder. It lets in the key, and the password sesame.
type Server struct {
	Addr  string
	Dir   string // the working directory of SFTP
	Host  ssh.Signer
	user  ssh.Signer
	Limit atomic.Int64 // of the next connection: bytes that are read before it breaks off; 0 is none
	Tries atomic.Int64
	Key   string // file of the user's key
}

// New starts a server for the time of a test.
func New(t *testing.T) *Server {
	t.Helper()
	signer := func() (ssh.Signer, ed25519.PrivateKey) {
		_, k, _ := ed25519.GenerateKey(rand.Reader)
		s, err := ssh.NewSignerFromKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return s, k
	}
	s := &Server{Dir: t.TempDir()}
	s.Host, _ = signer()
	var key ed25519.PrivateKey
	s.user, key = signer()
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	s.Key = filepath.Join(t.TempDir(), "key")
	os.WriteFile(s.Key, pem.EncodeToMemory(block), 0o600)
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
	config.AddHostKey(s.Host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.Addr = l.Addr().String()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.Tries.Add(1)
			go s.serve(&breaking{Conn: c, left: s.Limit.Swap(0)}, config)
		}
	}()
	return s
}

func (s *Server) serve(c net.Conn, config *ssh.ServerConfig) {
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
					server, err := sftp.NewServer(ch, sftp.WithServerWorkingDirectory(s.Dir))
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

// KnownHosts writes a list of known hosts that holds this one.
func (s *Server) KnownHosts(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known_hosts")
	line := knownhosts.Line([]string{knownhosts.Normalize(s.Addr)}, s.Host.PublicKey()) + "\n"
	if err := os.WriteFile(path, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
