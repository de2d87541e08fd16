package seal

import "strings"

const bech32Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32 writes data under a human-readable part in upper case, as age writes secret keys (BIP 173, without its limit on length). The
// age library writes only keys that it made itself.
func bech32(hrp string, data []byte) string {
	var five []byte // the data in groups of five bits
	acc, bits := 0, 0
	for _, b := range data {
		acc, bits = acc<<8|int(b), bits+8
		for bits >= 5 {
			bits -= 5
			five = append(five, byte(acc>>bits&31))
		}
		acc &= 31
	}
	if bits > 0 {
		five = append(five, byte(acc<<(5-bits)&31))
	}
	lower := strings.ToLower(hrp)
	var check []byte
	for _, c := range []byte(lower) {
		check = append(check, c>>5)
	}
	check = append(check, 0)
	for _, c := range []byte(lower) {
		check = append(check, c&31)
	}
	check = append(append(check, five...), 0, 0, 0, 0, 0, 0)
	sum := bech32Sum(check) ^ 1
	for i := range 6 {
		five = append(five, byte(sum>>(5*(5-i))&31))
	}
	var b strings.Builder
	b.WriteString(lower + "1")
	for _, v := range five {
		b.WriteByte(bech32Alphabet[v])
	}
	return strings.ToUpper(b.String())
}

func bech32Sum(values []byte) uint32 {
	generator := [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
	sum := uint32(1)
	for _, v := range values {
		top := sum >> 25
		sum = sum&0x1ffffff<<5 ^ uint32(v)
		for i, g := range generator {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	return sum
}
