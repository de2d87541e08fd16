// Package pack is the layout of a Chartpost package, format chartpost-package-v1 (docs/format.md): a zip (PKWARE APPNOTE 6.3,
// a strict subset) whose members are the payload, README.txt, manifest.json, SHA256SUMS and its signature, in this order.
//
// It writes a package in one pass and reads it strictly: what two programs could read in two ways is refused. It knows nothing of
// encryption, keys or contacts; package seal does.
//
//	files/...         payload, sorted by name
//	README.txt        how to open and check this with stock tools
//	padding.bin       zeros that hide the size, if the sender wants that
//	manifest.json     who, to whom, why, what
//	SHA256SUMS        a digest of every member above
//	SHA256SUMS.sig    its signature
package pack

import "github.com/chartpost/chartpost/pkg/diag"

// Names of the members that a package ends with, in their order. Padding may be missing.
const (
	ReadmeName    = "README.txt"
	PaddingName   = "padding.bin"
	ManifestName  = "manifest.json"
	SumsName      = "SHA256SUMS"
	SignatureName = "SHA256SUMS.sig"

	// PayloadDir is what every other member's name begins with.
	PayloadDir = "files/"
)

// tailNames are the members after the payload, padding aside.
var tailNames = [...]string{ReadmeName, ManifestName, SumsName, SignatureName}

// Limits of format v1. They keep a hostile package from filling the memory; the payload's own size is bounded by what was signed.
const (
	MaxFiles     = 100_000
	MaxText      = 32 << 20 // manifest.json, SHA256SUMS
	MaxReadme    = 1 << 20
	MaxSignature = 16 << 10
	MaxTotal     = 1 << 42 // 4 TiB of payload
	maxDirectory = 64 << 20
)

// refuse makes the finding that refuses a package.
func refuse(id diag.ID, path, format string, args ...any) error {
	return diag.New(id, diag.Place{Path: path}, format, args...)
}
