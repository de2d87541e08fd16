package pack

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/chartpost/chartpost/pkg/diag"
	"github.com/klauspost/compress/flate"
)

// The zip that is read here has one reading only. Going by APPNOTE 6.3:
//
//	member: local header (4.3.7), name, no extra; data; descriptor with signature (4.3.9) if flag bit 3   } no gap,
//	...                                                                                                   } no overlap,
//	central directory (4.3.12): the same members in the same order, no comments                           } nothing before,
//	[zip64 end record and locator (4.3.14, 4.3.15)], end record (4.3.16) without comment                  } nothing after
//
// Only methods 0 (stored) and 8 (deflate), only flag bits 3 and 11, no extra field but zip64's in the directory where a number needs
// it, only plain files. Scan reads the end and the directory and checks that the members fill the file exactly. Their local headers
// and descriptors are compared byte by byte with what the directory implies while the content streams by, in Each.

const (
	sigLocal      = 0x04034b50
	sigDescriptor = 0x08074b50
	sigCentral    = 0x02014b50
	sigEnd        = 0x06054b50
	sigEnd64      = 0x06064b50
	sigLocator64  = 0x07064b50

	lenLocal     = 30
	lenCentral   = 46
	lenEnd       = 22
	lenEnd64     = 56
	lenLocator64 = 20

	flagDescriptor = 0x0008
	flagUTF8       = 0x0800

	methodStored  = 0
	methodDeflate = 8

	max16 = math.MaxUint16
	max32 = math.MaxUint32
)

// Member is one member of an archive.
type Member struct {
	Name string
	Size int64 // of the content
	Num  int   // from 1

	packed     int64 // of the data in the zip
	offset     int64 // of the local header
	crc        uint32
	flags      uint16
	method     uint16
	time, date uint16
}

// place names a member in findings without its name, which may be a patient's.
func (m *Member) place() string { return "member " + strconv.Itoa(m.Num) }

func (m *Member) refuse(id diag.ID, why string) error {
	return refuse(id, m.place(), "%s", why)
}

// dataOffset is where the member's data begin.
func (m *Member) dataOffset() int64 { return m.offset + lenLocal + int64(len(m.Name)) }

// descriptor is what must follow the data: nothing, or the descriptor in its short or long form.
func (m *Member) descriptor() []byte {
	if m.flags&flagDescriptor == 0 {
		return nil
	}
	b := binary.LittleEndian.AppendUint32(nil, sigDescriptor)
	b = binary.LittleEndian.AppendUint32(b, m.crc)
	if m.Size >= zip64Limit || m.packed >= zip64Limit {
		b = binary.LittleEndian.AppendUint64(b, uint64(m.packed))
		return binary.LittleEndian.AppendUint64(b, uint64(m.Size))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(m.packed))
	return binary.LittleEndian.AppendUint32(b, uint32(m.Size))
}

// end is where the member ends and the next begins.
func (m *Member) end() int64 { return m.dataOffset() + m.packed + int64(len(m.descriptor())) }

// local is the local header and name that the directory implies, with the given version needed to extract (a writer that streams does
// not know yet whether it will need zip64).
func (m *Member) local(version uint16) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(make([]byte, 0, lenLocal+len(m.Name)), sigLocal)
	for _, v := range []uint16{version, m.flags, m.method, m.time, m.date} {
		b = le.AppendUint16(b, v)
	}
	if m.flags&flagDescriptor != 0 {
		b = append(b, make([]byte, 12)...)
	} else {
		b = le.AppendUint32(b, m.crc)
		b = le.AppendUint32(b, uint32(m.packed))
		b = le.AppendUint32(b, uint32(m.Size))
	}
	b = le.AppendUint16(b, uint16(len(m.Name)))
	b = le.AppendUint16(b, 0)
	return append(b, m.Name...)
}

// checkLocal compares what stands in the file with what the directory implies.
func (m *Member) checkLocal(b []byte) error {
	version := binary.LittleEndian.Uint16(b[4:])
	if version > 45 || !bytes.Equal(b, m.local(version)) {
		return m.refuse("CP-PKG-005", "the member's own header disagrees with the directory of the zip")
	}
	return nil
}

// Archive is a zip whose directory has been read and found to have one reading.
type Archive struct {
	Members []Member
	r       io.ReaderAt
	padded  bool // Layout has found padding
}

// Scan reads the directory of the zip in r. Errors of r itself come back as they are.
func Scan(r io.ReaderAt, size int64) (*Archive, error) {
	broken := func(format string, args ...any) error { return refuse("CP-PKG-001", "", format, args...) }
	le := binary.LittleEndian
	if size < lenEnd {
		return nil, broken("the inside of the package is not a zip: it is too short")
	}
	end := make([]byte, lenEnd)
	if err := readAt(r, end, size-lenEnd); err != nil {
		return nil, err
	}
	if le.Uint32(end) != sigEnd {
		return nil, broken("the inside of the package is not a zip, or something follows its end")
	}
	count, dirSize, dirOffset := uint64(le.Uint16(end[10:])), uint64(le.Uint32(end[12:])), uint64(le.Uint32(end[16:]))
	if le.Uint32(end[4:]) != 0 || le.Uint16(end[8:]) != le.Uint16(end[10:]) || le.Uint16(end[20:]) != 0 {
		return nil, broken("the zip has several parts or a comment")
	}
	dirEnd := size - lenEnd
	if count == max16 || dirSize == max32 || dirOffset == max32 {
		if size < lenEnd+lenLocator64+lenEnd64 {
			return nil, broken("the zip's long end record is missing")
		}
		b := make([]byte, lenEnd64+lenLocator64)
		dirEnd = size - lenEnd - int64(len(b))
		if err := readAt(r, b, dirEnd); err != nil {
			return nil, err
		}
		loc := b[lenEnd64:]
		if le.Uint32(b) != sigEnd64 || le.Uint64(b[4:]) != lenEnd64-12 || le.Uint32(b[16:]) != 0 || le.Uint32(b[20:]) != 0 ||
			le.Uint64(b[24:]) != le.Uint64(b[32:]) || le.Uint32(loc) != sigLocator64 || le.Uint32(loc[4:]) != 0 ||
			le.Uint64(loc[8:]) != uint64(dirEnd) || le.Uint32(loc[16:]) != 1 {
			return nil, broken("the zip's long end record is not as it must be")
		}
		n, s, o := le.Uint64(b[32:]), le.Uint64(b[40:]), le.Uint64(b[48:])
		// A short field is either full, and the long one counts, or says the same.
		if count != max16 && count != n || dirSize != max32 && dirSize != s || dirOffset != max32 && dirOffset != o {
			return nil, broken("the zip's two end records disagree")
		}
		count, dirSize, dirOffset = n, s, o
	}
	if count > MaxFiles+uint64(len(tailNames))+1 {
		return nil, refuse("CP-PKG-006", "", "the package holds more than %d files", MaxFiles)
	}
	if dirSize > maxDirectory {
		return nil, refuse("CP-PKG-006", "", "the directory of the zip is larger than %d MiB", maxDirectory>>20)
	}
	if dirOffset > uint64(dirEnd) || dirOffset+dirSize != uint64(dirEnd) {
		return nil, broken("the directory of the zip does not end where the zip does")
	}
	dir := make([]byte, dirSize)
	if err := readAt(r, dir, int64(dirOffset)); err != nil {
		return nil, err
	}

	a := &Archive{r: r, Members: make([]Member, 0, count)}
	names := newNameSet()
	next := int64(0)
	var total int64
	for len(dir) > 0 {
		if uint64(len(a.Members)) == count {
			return nil, broken("the directory of the zip holds more than it counts")
		}
		m, rest, err := parseCentral(dir, len(a.Members)+1)
		if err != nil {
			return nil, err
		}
		dir = rest
		if m.offset != next {
			return nil, m.refuse("CP-PKG-001", "the members of the zip overlap, leave a gap or are out of order")
		}
		if err := CheckName(m.Name); err != nil {
			return nil, m.refuse("CP-PKG-002", err.Error())
		}
		if err := names.add(m.Name); err != nil {
			return nil, m.refuse("CP-PKG-003", err.Error())
		}
		if total += m.Size; m.Size > MaxTotal || total > MaxTotal+4*MaxText+maxPadding {
			return nil, m.refuse("CP-PKG-006", "the members are too large")
		}
		if next = m.end(); next < m.offset || next > int64(dirOffset) {
			return nil, m.refuse("CP-PKG-001", "the member reaches into the directory of the zip")
		}
		a.Members = append(a.Members, m)
	}
	if uint64(len(a.Members)) != count {
		return nil, broken("the directory of the zip holds less than it counts")
	}
	if next != int64(dirOffset) {
		return nil, broken("something stands between the last member and the directory of the zip")
	}
	return a, nil
}

// parseCentral reads one entry of the directory and returns what follows it.
func parseCentral(b []byte, num int) (m Member, rest []byte, err error) {
	le := binary.LittleEndian
	m.Num = num
	if len(b) < lenCentral || le.Uint32(b) != sigCentral {
		return m, nil, m.refuse("CP-PKG-001", "the directory of the zip is broken")
	}
	nameLen, extraLen := int(le.Uint16(b[28:])), int(le.Uint16(b[30:]))
	if len(b) < lenCentral+nameLen+extraLen {
		return m, nil, m.refuse("CP-PKG-001", "the directory of the zip is broken")
	}
	m.flags, m.method, m.time, m.date = le.Uint16(b[8:]), le.Uint16(b[10:]), le.Uint16(b[12:]), le.Uint16(b[14:])
	m.crc = le.Uint32(b[16:])
	packed, size, offset := uint64(le.Uint32(b[20:])), uint64(le.Uint32(b[24:])), uint64(le.Uint32(b[42:]))
	m.Name = string(b[lenCentral : lenCentral+nameLen])
	extra := b[lenCentral+nameLen : lenCentral+nameLen+extraLen]
	rest = b[lenCentral+nameLen+extraLen:]

	switch {
	case le.Uint16(b[6:]) > 45:
		return m, nil, m.refuse("CP-PKG-001", "the member needs a newer program than zip 4.5")
	case le.Uint16(b[32:]) != 0 || le.Uint16(b[34:]) != 0:
		return m, nil, m.refuse("CP-PKG-001", "the member has a comment or lies on another disk")
	case m.flags&^(flagDescriptor|flagUTF8) != 0:
		return m, nil, m.refuse("CP-PKG-001", "the member is encrypted, patched or packed in a way that packages do not use")
	case m.method != methodStored && m.method != methodDeflate:
		return m, nil, m.refuse("CP-PKG-001", "the member is packed by another method than deflate")
	case m.flags&flagUTF8 == 0 && !isASCII(m.Name):
		return m, nil, m.refuse("CP-PKG-001", "the member's name does not say that it is UTF-8")
	}
	// The upper half is a unix mode, whoever made the zip; the lowest byte is DOS's: 0x10 is a folder, 0x08 a volume's label.
	attrs := le.Uint32(b[38:])
	if mode := attrs >> 16; attrs&0x18 != 0 || mode&0xf000 != 0 && mode&0xf000 != 0x8000 || len(m.Name) > 0 && m.Name[len(m.Name)-1] == '/' {
		return m, nil, m.refuse("CP-PKG-004", "the member is a link, a folder or a device, not a plain file")
	}

	if packed == max32 || size == max32 || offset == max32 {
		// QUIRK: APPNOTE 4.5.3 puts only the full fields into the extra; Go's writer always puts all three. Both are read, and
		// where a field stands in both places they must agree.
		if len(extra) < 4 || le.Uint16(extra) != 1 || int(le.Uint16(extra[2:])) != len(extra)-4 {
			return m, nil, m.refuse("CP-PKG-001", "the member's long sizes are missing")
		}
		e := extra[4:]
		all := len(e) == 24
		for _, f := range []*uint64{&size, &packed, &offset} {
			if *f != max32 && !all {
				continue
			}
			if len(e) < 8 {
				return m, nil, m.refuse("CP-PKG-001", "the member's long sizes are cut short")
			}
			v := le.Uint64(e)
			if *f != max32 && *f != v {
				return m, nil, m.refuse("CP-PKG-005", "the member's short and long sizes disagree")
			}
			*f, e = v, e[8:]
		}
		extra = e
	}
	if len(extra) != 0 {
		return m, nil, m.refuse("CP-PKG-001", "the member has extra fields")
	}
	const most = math.MaxInt64 / 4
	if size > most || packed > most || offset > most {
		return m, nil, m.refuse("CP-PKG-006", "the member is too large")
	}
	m.Size, m.packed, m.offset = int64(size), int64(packed), int64(offset)
	if m.flags&flagDescriptor == 0 && (size >= max32 || packed >= max32) {
		return m, nil, m.refuse("CP-PKG-001", "a member of this size must be written as a stream")
	}
	if m.method == methodStored && (m.packed != m.Size || m.flags&flagDescriptor != 0) {
		return m, nil, m.refuse("CP-PKG-005", "a stored member's sizes disagree")
	}
	return m, rest, nil
}

// content unpacks a member and checks at the end that its data were used up and its length and CRC are right.
type content struct {
	m     *Member
	u     *unpacker
	plain io.Reader
	n     int64
	crc   uint32
}

func (c *content) Read(p []byte) (int, error) {
	// One byte more than the size is asked for, so that a bomb is noticed at once.
	if rest := c.m.Size + 1 - c.n; int64(len(p)) > rest {
		p = p[:rest]
	}
	k, err := c.plain.Read(p)
	c.n += int64(k)
	c.crc = crc32.Update(c.crc, crc32.IEEETable, p[:k])
	if c.n > c.m.Size {
		return 0, c.m.refuse("CP-PKG-014", "the member unpacks to more than its size")
	}
	switch {
	case err == io.EOF:
		if c.n != c.m.Size || c.crc != c.m.crc || c.u.source.left != 0 || c.u.packed.Buffered() != 0 {
			return k, c.m.refuse("CP-PKG-014", "the member's content does not fit its size and checksum")
		}
	case err != nil:
		if c.u.source.err != nil {
			return k, c.u.source.err
		}
		return k, c.m.refuse("CP-PKG-014", "the member does not unpack")
	}
	return k, err
}

// limited reads at most left bytes from r and keeps r's own error, which is of the source and not of the data.
type limited struct {
	r    io.Reader
	left int64
	err  error
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	if err == io.EOF && l.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != io.EOF {
		l.err = err
	}
	return n, err
}

// unpacker opens members one after the other, with one set of buffers. The inflater reads a bufio.Reader by bytes, so never past the
// end of the data.
type unpacker struct {
	source  limited
	packed  *bufio.Reader
	inflate io.ReadCloser
}

func (u *unpacker) open(m *Member, r io.Reader) *content {
	u.source = limited{r: r, left: m.packed}
	if u.packed == nil {
		u.packed = bufio.NewReaderSize(&u.source, 64<<10)
		u.inflate = flate.NewReader(u.packed)
	} else {
		u.packed.Reset(&u.source)
		u.inflate.(flate.Resetter).Reset(u.packed, nil)
	}
	c := &content{m: m, u: u, plain: u.packed}
	if m.method == methodDeflate {
		c.plain = u.inflate
	}
	return c
}

// Text reads a whole member of at most limit bytes.
func (a *Archive) Text(m *Member, limit int64) ([]byte, error) {
	if m.Size > limit {
		return nil, m.refuse("CP-PKG-006", "the member is larger than it may be")
	}
	head := make([]byte, m.dataOffset()-m.offset)
	if err := readAt(a.r, head, m.offset); err != nil {
		return nil, err
	}
	if err := m.checkLocal(head); err != nil {
		return nil, err
	}
	var u unpacker
	c := u.open(m, io.NewSectionReader(a.r, m.dataOffset(), m.packed))
	b := make([]byte, 0, m.Size+1)
	for {
		k, err := c.Read(b[len(b):cap(b)])
		b = b[:len(b)+k]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Each streams all members in their order through visit, which gets the content's digest and is asked beforehand where to write it.
// On the way every local header and descriptor is checked. progress, which may be nil, is told of the content.
func (a *Archive) Each(ctx context.Context, to func(*Member) (io.WriteCloser, error), visit func(*Member, Digest) error, progress func(int64)) error {
	if len(a.Members) == 0 {
		return nil
	}
	h := newHasher()
	defer h.close()
	in := newAhead(a.r, a.Members[len(a.Members)-1].end())
	defer in.stop()
	var u unpacker
	var buf []byte
	exact := func(n int) ([]byte, error) {
		if cap(buf) < n {
			buf = make([]byte, n)
		}
		buf = buf[:n]
		_, err := io.ReadFull(in, buf)
		return buf, err
	}
	for i := range a.Members {
		m := &a.Members[i]
		b, err := exact(int(m.dataOffset() - m.offset))
		if err != nil {
			return err
		}
		if err := m.checkLocal(b); err != nil {
			return err
		}
		w, err := to(m)
		if err != nil {
			return err
		}
		sum, _, err := h.copy(ctx, w, u.open(m, in), m.Size, progress)
		if cerr := w.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
		want := m.descriptor()
		if b, err = exact(len(want)); err != nil {
			return err
		}
		if !bytes.Equal(b, want) {
			return m.refuse("CP-PKG-005", "what follows the member disagrees with the directory of the zip")
		}
		if err := visit(m, sum); err != nil {
			return err
		}
	}
	return nil
}

// readAt fills p from r.
func readAt(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// Layout checks that the members are a payload and the four that every package ends with.
func (a *Archive) Layout() error {
	tail := tailNames[:]
	limits := []int64{MaxReadme, MaxText, MaxText, MaxSignature}
	if i := len(a.Members) - len(tailNames); i >= 0 && a.Members[i].Name == PaddingName {
		a.padded = true
		tail = slices.Insert(slices.Clone(tail), 1, PaddingName)
		limits = slices.Insert(limits, 1, maxPadding)
	}
	n := len(a.Members) - len(tail)
	if n < 0 {
		return refuse("CP-PKG-007", "", "README.txt, manifest.json, SHA256SUMS or its signature is missing")
	}
	for i := range a.Members {
		m := &a.Members[i]
		if i < n && !strings.HasPrefix(m.Name, PayloadDir) || i >= n && m.Name != tail[i-n] {
			return m.refuse("CP-PKG-007", "the member is not where a package has it")
		}
	}
	for i, limit := range limits {
		if m := &a.Members[n+i]; m.Size > limit {
			return m.refuse("CP-PKG-006", "the member is larger than it may be")
		}
	}
	return nil
}

// Tail is one of the members at the end. Layout has passed.
func (a *Archive) Tail(name string) *Member {
	for i := len(a.Members) - 1; i >= 0; i-- {
		if m := &a.Members[i]; m.Name == name {
			return m
		}
	}
	return nil
}

// Agree checks that members, digests and manifest list the same files in the same order, with the signed sizes:
// members = lines of SHA256SUMS + 2 = files of the manifest + 4, or 5 with padding.
func (a *Archive) Agree(sums []Sum, m *Manifest) error {
	tail := len(tailNames)
	if a.padded {
		tail++
	}
	if len(a.Members) != len(sums)+2 || len(a.Members) != len(m.Files)+tail {
		return refuse("CP-PKG-013", "", "the package holds %d members, SHA256SUMS lists %d and the manifest %d", len(a.Members), len(sums), len(m.Files))
	}
	for i, s := range sums {
		if s.Path != a.Members[i].Name {
			return a.Members[i].refuse("CP-PKG-013", "SHA256SUMS lists another file in the place of this member")
		}
	}
	for i, f := range m.Files {
		if f.Path != a.Members[i].Name {
			return a.Members[i].refuse("CP-PKG-013", "the manifest lists another file in the place of this member")
		}
		if f.Size != a.Members[i].Size {
			return a.Members[i].refuse("CP-PKG-014", "the member's size is not the signed one")
		}
	}
	return nil
}
