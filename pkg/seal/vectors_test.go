package seal_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	agetest "c2sp.org/CCTV/age"
	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/chartpost/chartpost/pkg/seal"
)

// TestAgeVectors opens every test vector of C2SP CCTV. None is a package, so none may write anything; how it is refused follows from
// what the vector says of it.
func TestAgeVectors(t *testing.T) {
	p := newParties(t)
	names, err := fs.ReadDir(agetest.Vectors, ".")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 100 {
		t.Fatalf("only %d vectors", len(names))
	}
	for _, name := range names {
		t.Run(name.Name(), func(t *testing.T) {
			data, err := fs.ReadFile(agetest.Vectors, name.Name())
			if err != nil {
				t.Fatal(err)
			}
			v := parseVector(t, data)
			if v.armored {
				data, err := io.ReadAll(armor.NewReader(bytes.NewReader(v.file)))
				if err != nil {
					if v.expect != "armor failure" {
						t.Errorf("armor: %v, want %s", err, v.expect)
					}
					return
				}
				if v.expect == "armor failure" {
					t.Error("broken armor was read")
				}
				v.file = data
			}
			dir := t.TempDir()
			err = openWith(t, v.file, dir, v.keys, p.pinned)
			mustBeEmpty(t, dir)
			var f *diag.Finding
			switch v.expect {
			case "success", "payload failure", "HMAC failure":
				if !errors.As(err, &f) {
					t.Errorf("%s: got %v, want a refusal after decryption", v.expect, err)
				}
			case "no match":
				if !errors.Is(err, seal.ErrNoIdentity) {
					t.Errorf("%s: got %v", v.expect, err)
				}
			case "header failure":
				// A nonce cut short counts as header there; here the key has opened the header by then.
				cut := errors.As(err, &f) && strings.HasPrefix(name.Name(), "stream_")
				if !errors.Is(err, seal.ErrNotSealed) && !(errors.Is(err, seal.ErrNoIdentity) && len(v.keys) == 0) && !cut {
					t.Errorf("%s: got %v", v.expect, err)
				}
			default:
				t.Errorf("vector expects %q", v.expect)
			}
		})
	}
}

type vector struct {
	expect  string
	keys    []seal.Key
	armored bool
	file    []byte
}

// parseVector reads the head of a vector: lines "key: value", an empty line, the age file.
func parseVector(t *testing.T, data []byte) *vector {
	v := new(vector)
	packed := false
	for {
		line, rest, ok := strings.Cut(string(data), "\n")
		if !ok {
			t.Fatal("the vector has no body")
		}
		data = []byte(rest)
		if line == "" {
			break
		}
		key, value, _ := strings.Cut(line, ": ")
		var id age.Identity
		var err error
		switch key {
		case "expect":
			v.expect = value
		case "identity":
			ids, perr := age.ParseIdentities(strings.NewReader(value))
			if err = perr; err == nil {
				id = ids[0]
			}
		case "passphrase":
			id, err = age.NewScryptIdentity(value)
		case "armored":
			v.armored = true
		case "compressed":
			packed = true
		}
		if err != nil {
			t.Fatal(err)
		}
		if id != nil {
			v.keys = append(v.keys, seal.Key{Identity: id, Recipient: "of the vector"})
		}
	}
	v.file = data
	if packed {
		r, err := zlib.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if v.file, err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return v
}
