package metrics

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"syscall"
)

// spillBytes is how much of the lists is held in memory before it goes to the file.
const spillBytes = 1 << 20

// listColumn holds the lists of a metric end to end: in a file, when it has one, and in
// memory what the file does not have yet. Numbers take 4 bytes where all of a list are
// whole and below 2³², else 8. An empty list is an absent one.
type listColumn struct {
	// ends say by row where its list ends: the position in bytes, a multiple of 4, plus 1
	// when the list's numbers take 8.
	ends   intColumn
	starts []int64 // position at which each chunk begins
	length int64   // bytes of all lists
	count  int64   // numbers in all lists
	wide   bool    // there is a list of 8-byte numbers

	tail  []byte // from position spilt on
	spilt int64
	file  *os.File
	err   error // why there is no file any more
}

// gapList is one list. It borrows the column's memory.
type gapList struct {
	bytes []byte
	wide  bool
}

func (g gapList) len() int {
	if g.wide {
		return len(g.bytes) / 8
	}
	return len(g.bytes) / 4
}

func (g gapList) at(i int) float64 {
	if g.wide {
		return math.Float64frombits(binary.LittleEndian.Uint64(g.bytes[8*i:]))
	}
	return float64(binary.LittleEndian.Uint32(g.bytes[4*i:]))
}

// scan is the sum of the list, and how many of its numbers are above 0.
func (g gapList) scan() (sum float64, above int) {
	if g.wide {
		for i := range g.len() {
			v := g.at(i)
			if sum += v; v > 0 {
				above++
			}
		}
		return sum, above
	}
	var whole uint64
	for b := g.bytes; len(b) >= 4; b = b[4:] {
		u := binary.LittleEndian.Uint32(b)
		if whole += uint64(u); u > 0 {
			above++
		}
	}
	return float64(whole), above
}

// put appends a row's list. Numbers that are not finite are left out.
func (c *listColumn) put(list []float64) {
	before := len(c.tail)
	var wide int64
	if !c.putNarrow(list) {
		c.tail = c.tail[:before]
		wide = c.putWide(list)
	}
	n := int64(len(c.tail) - before)
	c.length += n
	c.count += n / (4 + 4*wide)
	c.ends.put(c.length | wide)
	if len(c.tail) >= spillBytes {
		c.spill()
	}
}

func (c *listColumn) putNarrow(list []float64) bool {
	for _, v := range list {
		u := uint32(v)
		if float64(u) != v {
			if !finite(v) {
				continue
			}
			return false
		}
		c.tail = binary.LittleEndian.AppendUint32(c.tail, u)
	}
	return true
}

func (c *listColumn) putWide(list []float64) (wide int64) {
	for _, v := range list {
		if finite(v) {
			c.tail = binary.LittleEndian.AppendUint64(c.tail, math.Float64bits(v))
			c.wide = true
		}
	}
	return 1
}

// fill makes the open chunk full.
func (c *listColumn) fill() {
	for len(c.ends.open) < chunkRows {
		c.ends.put(c.length)
	}
}

// spill moves the tail to the file. When that fails, the lists stay in memory.
func (c *listColumn) spill() {
	if c.file == nil {
		return
	}
	if _, err := c.file.WriteAt(c.tail, c.spilt); err != nil {
		c.err = fmt.Errorf("write the file of metric lists: %w", err)
		return
	}
	c.spilt += int64(len(c.tail))
	c.tail = c.tail[:0]
}

// list is the list of a row, read through mapped.
func (c *listColumn) list(row int, mapped []byte) gapList {
	chunk, i := row/chunkRows, row%chunkRows
	if chunk == len(c.ends.sealed) && i >= len(c.ends.open) {
		return gapList{}
	}
	end, from := c.ends.at(row), c.starts[chunk]
	if i > 0 {
		from = c.ends.at(row-1) &^ 1
	}
	return gapList{c.between(from, end&^1, mapped), end&1 != 0}
}

// between is the memory of [from, to), which the tail's beginning never divides.
func (c *listColumn) between(from, to int64, mapped []byte) []byte {
	switch {
	case from >= to:
		return nil
	case from >= c.spilt:
		return c.tail[from-c.spilt : to-c.spilt]
	}
	return mapped[from:to:to]
}

// open maps what is in the file for reading; release ends that.
func (c *listColumn) open() (mapped []byte, release func(), err error) {
	if c.spilt == 0 {
		return nil, func() {}, nil
	}
	mapped, err = syscall.Mmap(int(c.file.Fd()), 0, int(c.spilt), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("map the file of metric lists: %w", err)
	}
	return mapped, func() { _ = syscall.Munmap(mapped) }, nil
}
