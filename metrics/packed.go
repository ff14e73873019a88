package metrics

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// packed holds the values of one column for the rows of one full chunk, exactly, in as
// few bytes as they need: whole numbers as their distance from the smallest one, in 0
// to 8 bytes each, anything else as it is. The zero value is a chunk without a value.
type packed struct {
	bytes []byte // with packedPad bytes behind the last code
	base  int64
	width uint8
	kind  packing
}

// packing says what a code means.
type packing uint8

const (
	packedNothing packing = iota // no row has a value
	packedWhole                  // base + code
	packedSparse                 // base + code − 1; code 0 is no value
	packedFloat                  // the bits of a float64; NaN is no value
)

// packedPad lets a code be read as 8 bytes, whatever its width.
const packedPad = 8

// maxWhole bounds the whole numbers that a float64 holds one by one.
const maxWhole = 1 << 53

// packFloats finds the packing of a chunk's values, NaN where there is none. The codes
// are written by codeFloats.
func packFloats(values []float64) packed {
	lowest, highest, n := math.Inf(1), math.Inf(-1), 0
	for _, v := range values {
		if v != v {
			continue
		}
		if v != math.Trunc(v) || math.Abs(v) > maxWhole {
			return packed{kind: packedFloat, width: 8}
		}
		lowest, highest = min(lowest, v), max(highest, v)
		n++
	}
	if n == 0 {
		return packed{}
	}
	p := packed{kind: packedWhole, base: int64(lowest)}
	span := uint64(int64(highest) - p.base)
	if n < len(values) {
		p.kind = packedSparse
		span++
	}
	p.width = bytesFor(span)
	return p
}

// packInts finds the packing of whole numbers that are all present.
func packInts(values []int64) packed {
	lowest, highest := values[0], values[0]
	for _, v := range values[1:] {
		lowest, highest = min(lowest, v), max(highest, v)
	}
	return packed{kind: packedWhole, base: lowest, width: bytesFor(uint64(highest) - uint64(lowest))}
}

func bytesFor(span uint64) uint8 { return uint8((bits.Len64(span) + 7) / 8) }

// size is how many bytes the codes of n rows take.
func (p *packed) size(n int) int { return n * int(p.width) }

// putFloats writes the codes into p.bytes.
func (p *packed) putFloats(values []float64) {
	if p.width == 0 {
		return
	}
	for i, v := range values {
		switch {
		case p.kind == packedFloat:
			p.put(i, math.Float64bits(v))
		case v != v:
			p.put(i, 0)
		case p.kind == packedSparse:
			p.put(i, uint64(int64(v)-p.base)+1)
		default:
			p.put(i, uint64(int64(v)-p.base))
		}
	}
}

func (p *packed) putInts(values []int64) {
	if p.width == 0 {
		return
	}
	for i, v := range values {
		p.put(i, uint64(v)-uint64(p.base))
	}
}

// put writes code i; later ones are written over what it spills.
func (p *packed) put(i int, code uint64) {
	binary.LittleEndian.PutUint64(p.bytes[i*int(p.width):], code)
}

func (p *packed) code(i int) uint64 {
	if p.width == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(p.bytes[i*int(p.width):]) & (math.MaxUint64 >> (64 - 8*p.width))
}

// float is the value of row i; NaN when it has none.
func (p *packed) float(i int) float64 {
	switch p.kind {
	case packedWhole:
		return float64(p.base + int64(p.code(i)))
	case packedSparse:
		if c := p.code(i); c != 0 {
			return float64(p.base + int64(c-1))
		}
	case packedFloat:
		return math.Float64frombits(p.code(i))
	}
	return absent
}

// int is the value of row i; 0 in a chunk without values.
func (p *packed) int(i int) int64 { return int64(uint64(p.base) + p.code(i)) }

func (p *packed) floats(dst []float64) {
	for i := range dst {
		dst[i] = p.float(i)
	}
}

func (p *packed) ints(dst []int64) {
	for i := range dst {
		dst[i] = p.int(i)
	}
}
