package messages

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
)

// Writer appends MessagePack values to a buffer. Hot messages are written with it;
// nothing is allocated beyond the buffer's growth.
type Writer struct {
	buf []byte
	// counts are the pairs so far of the maps that are open, outermost first; kept
	// here so that counting allocates nothing.
	counts [8]int
	depth  int
}

// writers are reused: one lives for the time of an Encode.
var writers = sync.Pool{New: func() any { return new(Writer) }}

// Map starts a map of n pairs.
func (w *Writer) Map(n int) {
	switch {
	case n < 16:
		w.buf = append(w.buf, 0x80|byte(n))
	default:
		w.buf = append(w.buf, 0xde, byte(n>>8), byte(n))
	}
}

// Array starts an array of n values.
func (w *Writer) Array(n int) {
	switch {
	case n < 16:
		w.buf = append(w.buf, 0x90|byte(n))
	case n < 1<<16:
		w.buf = append(w.buf, 0xdc, byte(n>>8), byte(n))
	default:
		w.buf = append(w.buf, 0xdd)
		w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(n))
	}
}

// Str appends a string.
func (w *Writer) Str(s string) {
	switch n := len(s); {
	case n < 32:
		w.buf = append(w.buf, 0xa0|byte(n))
	case n < 1<<8:
		w.buf = append(w.buf, 0xd9, byte(n))
	case n < 1<<16:
		w.buf = append(w.buf, 0xda, byte(n>>8), byte(n))
	default:
		w.buf = append(w.buf, 0xdb)
		w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(n))
	}
	w.buf = append(w.buf, s...)
}

// Bin appends a byte string.
func (w *Writer) Bin(b []byte) {
	switch n := len(b); {
	case n < 1<<8:
		w.buf = append(w.buf, 0xc4, byte(n))
	case n < 1<<16:
		w.buf = append(w.buf, 0xc5, byte(n>>8), byte(n))
	default:
		w.buf = append(w.buf, 0xc6)
		w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(n))
	}
	w.buf = append(w.buf, b...)
}

// Uint appends an unsigned integer in its shortest form.
func (w *Writer) Uint(v uint64) {
	switch {
	case v < 1<<7:
		w.buf = append(w.buf, byte(v))
	case v < 1<<8:
		w.buf = append(w.buf, 0xcc, byte(v))
	case v < 1<<16:
		w.buf = append(w.buf, 0xcd, byte(v>>8), byte(v))
	case v < 1<<32:
		w.buf = append(w.buf, 0xce)
		w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(v))
	default:
		w.buf = append(w.buf, 0xcf)
		w.buf = binary.BigEndian.AppendUint64(w.buf, v)
	}
}

// Int appends a signed integer.
func (w *Writer) Int(v int64) {
	switch {
	case v >= 0:
		w.Uint(uint64(v))
	case v >= -32:
		w.buf = append(w.buf, byte(v))
	default:
		w.buf = append(w.buf, 0xd3)
		w.buf = binary.BigEndian.AppendUint64(w.buf, uint64(v))
	}
}

// Float appends a float64. Callers never pass NaN or an infinity: absent values
// are left out.
func (w *Writer) Float(v float64) {
	w.buf = append(w.buf, 0xcb)
	w.buf = binary.BigEndian.AppendUint64(w.buf, math.Float64bits(v))
}

// Bool appends a boolean.
func (w *Writer) Bool(v bool) {
	if v {
		w.buf = append(w.buf, 0xc3)
	} else {
		w.buf = append(w.buf, 0xc2)
	}
}

// Raw appends an encoded value as it is.
func (w *Writer) Raw(v []byte) { w.buf = append(w.buf, v...) }

// Pair helpers: each appends key and value and adds one to *n when the value is
// not the default; defaults are left out of the wire.

func (w *Writer) optStr(n *int, key, v string) {
	if v != "" {
		w.Str(key)
		w.Str(v)
		*n++
	}
}

func (w *Writer) optInt(n *int, key string, v int64) {
	if v != 0 {
		w.Str(key)
		w.Int(v)
		*n++
	}
}

func (w *Writer) optIntPtr(n *int, key string, v *int64) {
	if v != nil {
		w.Str(key)
		w.Int(*v)
		*n++
	}
}

func (w *Writer) optBool(n *int, key string, v bool) {
	if v {
		w.Str(key)
		w.Bool(true)
		*n++
	}
}

// nested writes a map whose number of pairs is known only after fill ran. Hot types
// nest as deep as counts is long, at most.
func (w *Writer) nested(fill func(n *int)) {
	at := len(w.buf)
	w.buf = append(w.buf, 0xde, 0, 0)
	n := &w.counts[w.depth]
	*n = 0
	w.depth++
	fill(n)
	w.depth--
	w.buf[at+1], w.buf[at+2] = byte(*n>>8), byte(*n)
}

// Reader reads MessagePack values from a frame. The first error sticks; after it
// every read returns a zero value. Byte slices borrow the frame.
type Reader struct {
	buf   []byte
	off   int
	depth int
	err   error
}

// Err is the first error met.
func (r *Reader) Err() error { return r.err }

func (r *Reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s at byte %d", ErrMalformed, what, r.off)
	}
}

func (r *Reader) take(n int) []byte {
	if r.err != nil || n < 0 || len(r.buf)-r.off < n {
		r.fail("short value")
		return nil
	}
	b := r.buf[r.off : r.off+n]
	r.off += n
	return b
}

func (r *Reader) head() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0xc1 // never used by the format
}

func (r *Reader) be(n int) uint64 {
	var v uint64
	for _, b := range r.take(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

// MapLen reads a map's header.
func (r *Reader) MapLen() int {
	switch h := r.head(); {
	case h&0xf0 == 0x80:
		return r.bounded(uint64(h&0x0f), 2)
	case h == 0xde:
		return r.bounded(r.be(2), 2)
	case h == 0xdf:
		return r.bounded(r.be(4), 2)
	case h == 0xc0:
		return 0
	}
	r.fail("want a map")
	return 0
}

// ArrayLen reads an array's header.
func (r *Reader) ArrayLen() int {
	switch h := r.head(); {
	case h&0xf0 == 0x90:
		return r.bounded(uint64(h&0x0f), 1)
	case h == 0xdc:
		return r.bounded(r.be(2), 1)
	case h == 0xdd:
		return r.bounded(r.be(4), 1)
	case h == 0xc0:
		return 0
	}
	r.fail("want an array")
	return 0
}

// bounded refuses a length that the rest of the frame cannot hold, so that a few
// bytes cannot ask for gigabytes.
func (r *Reader) bounded(n uint64, bytesEach int) int {
	if r.err != nil || n > uint64(len(r.buf)-r.off)/uint64(bytesEach) {
		r.fail("length beyond the frame")
		return 0
	}
	return int(n)
}

// StrBytes reads a string (or a byte string) without copying it.
func (r *Reader) StrBytes() []byte {
	switch h := r.head(); {
	case h&0xe0 == 0xa0:
		return r.take(int(h & 0x1f))
	case h == 0xd9, h == 0xc4:
		return r.take(int(r.be(1)))
	case h == 0xda, h == 0xc5:
		return r.take(int(r.be(2)))
	case h == 0xdb, h == 0xc6:
		return r.take(int(r.be(4)))
	case h == 0xc0:
		return nil
	}
	r.fail("want a string")
	return nil
}

// Str reads a string.
func (r *Reader) Str() string { return string(r.StrBytes()) }

// Int reads an integer of any width.
func (r *Reader) Int() int64 {
	switch h := r.head(); {
	case h < 0x80:
		return int64(h)
	case h >= 0xe0:
		return int64(int8(h))
	case h == 0xcc:
		return int64(r.be(1))
	case h == 0xcd:
		return int64(r.be(2))
	case h == 0xce:
		return int64(r.be(4))
	case h == 0xcf:
		v := r.be(8)
		if v > math.MaxInt64 {
			r.fail("integer beyond 63 bits")
			return 0
		}
		return int64(v)
	case h == 0xd0:
		return int64(int8(r.be(1)))
	case h == 0xd1:
		return int64(int16(r.be(2)))
	case h == 0xd2:
		return int64(int32(r.be(4)))
	case h == 0xd3:
		return int64(r.be(8))
	case h == 0xc0:
		return 0
	}
	r.fail("want an integer")
	return 0
}

// Uint reads a non-negative integer.
func (r *Reader) Uint() uint64 {
	v := r.Int()
	if v < 0 {
		r.fail("want an integer >= 0")
		return 0
	}
	return uint64(v)
}

// Float reads a number. NaN and infinities are refused: no number beyond this
// boundary is other than finite.
func (r *Reader) Float() float64 {
	if r.err != nil || r.off >= len(r.buf) {
		r.fail("short value")
		return 0
	}
	var v float64
	switch r.buf[r.off] {
	case 0xca:
		r.off++
		v = float64(math.Float32frombits(uint32(r.be(4))))
	case 0xcb:
		r.off++
		v = math.Float64frombits(r.be(8))
	default:
		return float64(r.Int())
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		r.fail("number is not finite")
		return 0
	}
	return v
}

// Bool reads a boolean.
func (r *Reader) Bool() bool {
	switch r.head() {
	case 0xc3:
		return true
	case 0xc2, 0xc0:
		return false
	}
	r.fail("want a boolean")
	return false
}

// Value returns the encoded bytes of the next value, whatever it is.
func (r *Reader) Value() []byte {
	from := r.off
	r.Skip()
	if r.err != nil {
		return nil
	}
	return r.buf[from:r.off]
}

// Skip passes over one value of any kind, nested at most MaxDepth deep.
func (r *Reader) Skip() {
	if r.depth >= MaxDepth {
		r.fail("nested too deep")
		return
	}
	h := r.head()
	switch {
	case h < 0x80, h >= 0xe0, h == 0xc0, h == 0xc2, h == 0xc3:
	case h&0xe0 == 0xa0:
		r.take(int(h & 0x1f))
	case h&0xf0 == 0x80:
		r.skipMany(2 * uint64(h&0x0f))
	case h&0xf0 == 0x90:
		r.skipMany(uint64(h & 0x0f))
	case h == 0xc4, h == 0xd9:
		r.take(int(r.be(1)))
	case h == 0xc5, h == 0xda:
		r.take(int(r.be(2)))
	case h == 0xc6, h == 0xdb:
		r.take(int(r.be(4)))
	case h == 0xcc, h == 0xd0:
		r.take(1)
	case h == 0xcd, h == 0xd1:
		r.take(2)
	case h == 0xca, h == 0xce, h == 0xd2:
		r.take(4)
	case h == 0xcb, h == 0xcf, h == 0xd3:
		r.take(8)
	case h >= 0xd4 && h <= 0xd8: // fixed extensions: one type byte, then 1, 2, 4, 8 or 16
		r.take(1 + 1<<(h-0xd4))
	case h == 0xc7:
		r.take(1 + int(r.be(1)))
	case h == 0xc8:
		r.take(1 + int(r.be(2)))
	case h == 0xc9:
		r.take(1 + int(r.be(4)))
	case h == 0xdc:
		r.skipMany(r.be(2))
	case h == 0xdd:
		r.skipMany(r.be(4))
	case h == 0xde:
		r.skipMany(2 * r.be(2))
	case h == 0xdf:
		r.skipMany(2 * r.be(4))
	default:
		r.fail("unknown value")
	}
}

func (r *Reader) skipMany(n uint64) {
	r.depth++
	for ; n > 0 && r.err == nil; n-- {
		r.Skip()
	}
	r.depth--
}

// interned keeps one copy of the strings that come again and again: types, ids,
// enumerations. It stops growing at internLimit.
var interned struct {
	sync.RWMutex
	m map[string]string
}

const internLimit = 4096

// Intern returns b as a string, shared with earlier equal ones.
func Intern(b []byte) string {
	interned.RLock()
	s, ok := interned.m[string(b)]
	interned.RUnlock()
	if ok {
		return s
	}
	s = string(b)
	interned.Lock()
	if interned.m == nil {
		interned.m = make(map[string]string, 64)
	}
	if len(interned.m) < internLimit {
		interned.m[s] = s
	}
	interned.Unlock()
	return s
}
