package pack_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math/bits"
	"strings"
	"testing"

	"github.com/chartpost/chartpost/pkg/pack"
)

// padded writes a package of files of these sizes and returns its zip.
func padded(t *testing.T, pad bool, sizes ...int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pack.NewWriter(&b, nil)
	if pad {
		w.Pad()
	}
	for i, n := range sizes {
		data := make([]byte, n)
		for k := range data {
			data[k] = byte(k * (i + 7) >> 3)
		}
		if _, err := w.Add(t.Context(), fmt.Sprintf("files/%06d", i), bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	signature := strings.Repeat("s", 300)
	if _, err := w.Close(t.Context(), manifest(), pack.Readme, func([]byte) ([]byte, error) { return []byte(signature), nil }); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPadding: the size of a padded zip tells no more than Padmé allows, it grows by an eighth at the most, and it is a package like others.
func TestPadding(t *testing.T) {
	many := make([]int, 3000)
	for _, sizes := range [][]int{{1}, {1000}, {1001}, {99_999, 3}, {100_000}, {1 << 20}, {3 << 20, 5, 5, 5}, many} {
		plain, full := padded(t, false, sizes...), padded(t, true, sizes...)
		n := int64(len(full))
		e := bits.Len64(uint64(n)) - 1
		if low := n & (1<<(e-bits.Len64(uint64(e))) - 1); low != 0 {
			t.Errorf("%d: the size %d shows its last bits", sizes[0], n)
		}
		a, err := pack.Scan(bytes.NewReader(full), n)
		if err != nil {
			t.Fatalf("%d: %v", sizes[0], err)
		}
		if err := a.Layout(); err != nil {
			t.Fatal(err)
		}
		m := a.Tail(pack.PaddingName)
		if m == nil {
			t.Fatalf("%d: no padding", sizes[0])
		}
		// Beside the padding, what is not deflated in a padded package takes room: its texts.
		if texts := int64(200*len(sizes) + 8000); n-int64(len(plain))-texts > n/8 {
			t.Errorf("%d: %d bytes became %d", sizes[0], len(plain), n)
		}
		text, err := a.Text(a.Tail(pack.SumsName), pack.MaxText)
		if err != nil {
			t.Fatal(err)
		}
		sums, err := pack.ParseSums(text)
		if err != nil {
			t.Fatal(err)
		}
		if text, err = a.Text(a.Tail(pack.ManifestName), pack.MaxText); err != nil {
			t.Fatal(err)
		}
		parsed, err := pack.ParseManifest(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Agree(sums, parsed); err != nil {
			t.Error(err)
		}
		if z, err := zip.NewReader(bytes.NewReader(full), n); err != nil || len(z.File) != len(sizes)+5 {
			t.Errorf("archive/zip: %v", err)
		}
	}
	if a, b := len(padded(t, true, 60_000)), len(padded(t, true, 60_013)); a != b {
		t.Errorf("two sizes that are near each other: %d and %d", a, b)
	}
}

// TestPaddingLong: the long end record is counted in.
func TestPaddingLong(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 66,000 files")
	}
	full := padded(t, true, make([]int, 66_000)...)
	if _, err := pack.Scan(bytes.NewReader(full), int64(len(full))); err != nil {
		t.Error(err)
	}
	e := bits.Len64(uint64(len(full))) - 1
	if len(full)&(1<<(e-bits.Len64(uint64(e)))-1) != 0 {
		t.Errorf("%d", len(full))
	}
}
