// Package seal encrypts and signs packages: age (age-encryption.org/v1, C2SP age.md) and SSHSIG (OpenSSH PROTOCOL.sshsig) with Ed25519
// keys, and the identities that hold the keys.
//
// A package is signed, then encrypted, with both names inside. Opening is in two passes: Open and Verify decide whether it is to be
// trusted and write nothing; Extract writes.
package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Namespaces keep a signature made for one purpose from being used for another.
const (
	NamespacePackage  = "chartpost-package-v1"
	NamespaceReceipt  = "chartpost-receipt-v1"
	NamespaceCard     = "chartpost-card-v1"
	NamespaceContacts = "chartpost-contacts-v1"
	NamespaceLog      = "chartpost-log-v1"
)

const (
	sshsigMagic = "SSHSIG"
	sshsigHash  = "sha512"
	keyType     = ssh.KeyAlgoED25519

	armorBegin = "-----BEGIN SSH SIGNATURE-----\n"
	armorEnd   = "-----END SSH SIGNATURE-----\n"
	armorWidth = 70 // as ssh-keygen wraps it
)

// sshsigBlob is the signature after its magic (PROTOCOL.sshsig, Blob format).
type sshsigBlob struct {
	Version                                      uint32
	PublicKey, Namespace, Reserved, Hash, Signed []byte
}

// sshsigData is what is signed, after the magic (PROTOCOL.sshsig, Signed Data).
type sshsigData struct {
	Namespace, Reserved, Hash, Digest []byte
}

type sshKey struct {
	Type string
	Key  []byte
}

type sshSignature struct {
	Type      string
	Signature []byte
}

// Signature is an SSHSIG by an Ed25519 key. The key inside it is a claim; Verify compares it with the one that is known.
type Signature struct {
	Key       ed25519.PublicKey
	Namespace string
	signature []byte
}

// ErrSignature says that a signature is not that of the expected key over the message.
var ErrSignature = errors.New("the signature is not valid")

func signedData(namespace string, message []byte) []byte {
	digest := sha512.Sum512(message)
	return append([]byte(sshsigMagic), ssh.Marshal(sshsigData{[]byte(namespace), nil, []byte(sshsigHash), digest[:]})...)
}

// Sign signs a message for a namespace.
func Sign(key ed25519.PrivateKey, namespace string, message []byte) *Signature {
	return &Signature{
		Key:       key.Public().(ed25519.PublicKey),
		Namespace: namespace,
		signature: ed25519.Sign(key, signedData(namespace, message)),
	}
}

// Verify checks that the signature is that of the known key, for the namespace, over the message.
func (s *Signature) Verify(known ed25519.PublicKey, namespace string, message []byte) error {
	if s.Namespace != namespace || !s.Key.Equal(known) || isWeak(known) || !ed25519.Verify(known, signedData(namespace, message), s.signature) {
		return ErrSignature
	}
	return nil
}

// Blob is the signature without armor.
func (s *Signature) Blob() []byte {
	return append([]byte(sshsigMagic), ssh.Marshal(sshsigBlob{
		Version:   1,
		PublicKey: ssh.Marshal(sshKey{keyType, s.Key}),
		Namespace: []byte(s.Namespace),
		Hash:      []byte(sshsigHash),
		Signed:    ssh.Marshal(sshSignature{keyType, s.signature}),
	})...)
}

// Armor is the signature as ssh-keygen -Y sign writes it.
func (s *Signature) Armor() []byte {
	var b bytes.Buffer
	b.WriteString(armorBegin)
	text := base64.StdEncoding.EncodeToString(s.Blob())
	for len(text) > 0 {
		n := min(armorWidth, len(text))
		b.WriteString(text[:n])
		b.WriteByte('\n')
		text = text[n:]
	}
	b.WriteString(armorEnd)
	return b.Bytes()
}

// ParseSignature reads an armored signature: version 1, Ed25519, SHA-512, exactly as ssh-keygen and Armor write it, so that no
// signature can be written in two ways.
func ParseSignature(armored []byte) (*Signature, error) {
	text, ok := bytes.CutPrefix(armored, []byte(armorBegin))
	if ok {
		text, ok = bytes.CutSuffix(text, []byte(armorEnd))
	}
	if !ok {
		return nil, errors.New("not an SSH signature")
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		return nil, errors.New("the signature's armor is damaged")
	}
	s, err := ParseBlob(blob)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(s.Armor(), armored) {
		return nil, errors.New("the signature's armor is not wrapped as ssh-keygen does")
	}
	return s, nil
}

// ParseBlob reads a signature without armor.
func ParseBlob(blob []byte) (*Signature, error) {
	rest, ok := bytes.CutPrefix(blob, []byte(sshsigMagic))
	var b sshsigBlob
	if !ok || ssh.Unmarshal(rest, &b) != nil {
		return nil, errors.New("not an SSH signature")
	}
	var key sshKey
	var signed sshSignature
	switch {
	case b.Version != 1:
		return nil, fmt.Errorf("the signature is of version %d, not 1", b.Version)
	case len(b.Namespace) == 0 || len(b.Namespace) > 64 || len(b.Reserved) != 0:
		return nil, errors.New("the signature's namespace is empty or its reserved part is not")
	case string(b.Hash) != sshsigHash:
		return nil, errors.New("the signature is not over a SHA-512")
	case ssh.Unmarshal(b.PublicKey, &key) != nil || key.Type != keyType || len(key.Key) != ed25519.PublicKeySize,
		ssh.Unmarshal(b.Signed, &signed) != nil || signed.Type != keyType || len(signed.Signature) != ed25519.SignatureSize:
		return nil, errors.New("the signature is not by an Ed25519 key")
	}
	s := &Signature{Key: key.Key, Namespace: string(b.Namespace), signature: signed.Signature}
	if !bytes.Equal(s.Blob(), blob) {
		return nil, errors.New("the signature is not written in the one way there is")
	}
	return s, nil
}

// isWeak reports whether a key is one of the few of small order, which RFC 8032 leaves in. For such a key anybody can make a signature over
// anything, so its owner could deny every one.
func isWeak(key ed25519.PublicKey) bool {
	y := slices.Clone(key)
	y[len(y)-1] &= 0x7f // the sign of x
	return slices.Contains(weakKeys, hex.EncodeToString(y))
}

// weakKeys are the y of all points of small order, in each way that they can be written.
var weakKeys = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

// FormatKey writes a signing key as authorized_keys and allowed_signers have it: "ssh-ed25519 AAAA...".
func FormatKey(key ed25519.PublicKey) string {
	return keyType + " " + base64.StdEncoding.EncodeToString(ssh.Marshal(sshKey{keyType, key}))
}

// ParseKey reads what FormatKey writes, and nothing else; no key that everybody can sign with.
func ParseKey(s string) (ed25519.PublicKey, error) {
	text, ok := strings.CutPrefix(s, keyType+" ")
	blob, err := base64.StdEncoding.Strict().DecodeString(text)
	var key sshKey
	if !ok || err != nil || ssh.Unmarshal(blob, &key) != nil || key.Type != keyType || len(key.Key) != ed25519.PublicKeySize ||
		FormatKey(key.Key) != s || isWeak(key.Key) {
		return nil, errors.New("not an ssh-ed25519 key")
	}
	return key.Key, nil
}
