package squeezed

import (
	"bytes"
	"compress/gzip"
	"testing"
)

func TestText(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte("a list"))
	z.Close()
	if got := Text(b.String()); got != "a list" {
		t.Errorf("%q", got)
	}
	for name, gz := range map[string]string{"cut off": b.String()[:b.Len()-3], "no gzip": "a list"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			Text(gz)
		}()
	}
}
