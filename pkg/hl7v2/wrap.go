package hl7v2

import (
	"bytes"
	"fmt"
	"io"
)

// AppendFrame appends a message in an MLLP frame (HL7 v2 transport specification, appendix C).
func AppendFrame(dst, message []byte) []byte {
	dst = append(dst, 0x0B)
	dst = append(dst, message...)
	return append(dst, 0x1C, '\r')
}

// A BatchHeader is what FHS and BHS say. All may be empty.
type BatchHeader struct {
	SendingApplication, SendingFacility, ReceivingApplication, ReceivingFacility string
	Time                                                                         string // as DTM; Chartpost asks no clock
	Name                                                                         string // FHS-9 and BHS-9
	ControlID                                                                    string // FHS-11 and BHS-11
}

func (h *BatchHeader) append(dst []byte, name string) []byte {
	dst = append(dst, name...)
	dst = append(dst, Recommended.Field)
	dst = append(dst, Recommended.encoding()...)
	empty := 0
	for _, f := range [...]string{h.SendingApplication, h.SendingFacility, h.ReceivingApplication, h.ReceivingFacility, h.Time, "", h.Name, "", h.ControlID} {
		if empty++; f == "" {
			continue
		}
		for ; empty > 0; empty-- {
			dst = append(dst, Recommended.Field)
		}
		dst = appendEscaped(dst, f, &Recommended)
	}
	return append(dst, '\r')
}

// A BatchWriter writes messages as one batch in one file: FHS, BHS, the messages, BTS, FTS.
type BatchWriter struct {
	w      io.Writer
	header BatchHeader
	n      int
	opened bool
	err    error
}

// NewBatchWriter writes to w. Close writes the trailers and does not close w.
func NewBatchWriter(w io.Writer, h BatchHeader) *BatchWriter { return &BatchWriter{w: w, header: h} }

// Write writes one message, which ends in CR or gets one.
func (b *BatchWriter) Write(message []byte) (int, error) {
	b.open()
	b.n++
	b.write(message)
	if !bytes.HasSuffix(message, []byte("\r")) {
		b.write([]byte("\r"))
	}
	if b.err != nil {
		return 0, b.err
	}
	return len(message), nil
}

func (b *BatchWriter) open() {
	if !b.opened {
		b.opened = true
		b.write(b.header.append(b.header.append(nil, "FHS"), "BHS"))
	}
}

func (b *BatchWriter) write(p []byte) {
	if b.err == nil {
		_, b.err = b.w.Write(p)
	}
}

// Close writes the trailers with their counts.
func (b *BatchWriter) Close() error {
	b.open()
	b.write(fmt.Appendf(nil, "BTS|%d\rFTS|1\r", b.n))
	return b.err
}
