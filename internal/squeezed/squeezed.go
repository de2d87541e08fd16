// Package squeezed unpacks the lists that are embedded compressed (gzip, RFC 1952).
package squeezed

import (
	"compress/gzip"
	"fmt"
	"io"
	"strings"
)

// Text is the text that an embedded list holds. Call it when the list is first used, not before: starting must cost nothing. A list
// that is damaged is a fault of the build, and a test compares each with its source; so it panics.
func Text(gz string) string {
	z, err := gzip.NewReader(strings.NewReader(gz))
	if err != nil {
		panic(fmt.Sprintf("squeezed: %v", err))
	}
	var b strings.Builder
	b.Grow(6 * len(gz))
	if _, err := io.Copy(&b, z); err != nil {
		panic(fmt.Sprintf("squeezed: %v", err))
	}
	return b.String()
}
