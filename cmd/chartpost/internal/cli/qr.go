package cli

import (
	"errors"
	"fmt"
	"strings"

	"rsc.io/qr/coding"
)

// qrCode makes a QR code (ISO/IEC 18004) of a text in the small alphabet that QR codes write densest: capitals, digits and a few signs.
// The library counts 33 KB in the binary and has no dependencies; only its encoder is used, not what draws pictures.
func qrCode(text string) (*coding.Code, error) {
	alpha := coding.Alpha(text)
	if err := alpha.Check(); err != nil {
		return nil, errors.New("the text holds what a dense QR code cannot say")
	}
	for v := coding.Version(coding.MinVersion); v <= coding.MaxVersion; v++ {
		if alpha.Bits(v) <= v.DataBytes(coding.M)*8 {
			plan, err := coding.NewPlan(v, coding.M, qrMask)
			if err != nil {
				return nil, err
			}
			return plan.Encode(alpha)
		}
	}
	return nil, errors.New("the text is too long for a QR code")
}

// qrMask is the mask that the library uses as well; any is valid, and texts as ours come out without large areas.
const qrMask = 0

// quiet is the width of the empty frame that a reader needs around a code.
const quiet = 4

// qrTerminal draws a code with two modules a character. Dark modules are blanks and light ones blocks, as most terminals write light on
// dark; readers take it the other way round too.
func qrTerminal(code *coding.Code) string {
	light := func(x, y int) bool { return x < 0 || y < 0 || x >= code.Size || y >= code.Size || !code.Black(x, y) }
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		for x := -quiet; x < code.Size+quiet; x++ {
			switch up, down := light(x, y), light(x, y+1); {
			case up && down:
				b.WriteRune('█')
			case up:
				b.WriteRune('▀')
			case down:
				b.WriteRune('▄')
			default:
				b.WriteRune(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// qrSVG draws a code for a page.
func qrSVG(code *coding.Code) string {
	var b strings.Builder
	size := code.Size + 2*quiet
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges" role="img"><rect width="%[1]d" height="%[1]d" fill="#fff"/><path d="`, size, size)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			if !code.Black(x, y) {
				continue
			}
			from := x
			for x+1 < code.Size && code.Black(x+1, y) {
				x++
			}
			fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from+1, x-from+1)
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String()
}
