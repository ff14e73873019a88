package metrics

import "math"

// absent marks a row without a value inside a column. It never leaves the store.
var absent = math.NaN()

// chunkRows is how many rows are packed together. Columns grow by whole chunks, so that
// nothing is ever copied to make room.
const chunkRows = 4096

// column holds the values of one metric by row. Rows past its end have none.
type column struct {
	sealed []packed  // full chunks, from the first
	open   []float64 // rows of the chunk that fills
}

// put sets the value of the open chunk's row, which is past the end.
func (c *column) put(row int, v float64) {
	if c.open == nil {
		c.open = make([]float64, 0, chunkRows)
	}
	for len(c.open) < row {
		c.open = append(c.open, absent)
	}
	c.open = append(c.open, v)
}

// at is the value of a row of the store; NaN when it has none.
func (c *column) at(row int) float64 {
	k, i := row/chunkRows, row%chunkRows
	switch {
	case k < len(c.sealed):
		return c.sealed[k].float(i)
	case k == len(c.sealed) && i < len(c.open):
		return c.open[i]
	}
	return absent
}

// read copies the values of a chunk's rows.
func (c *column) read(chunk int, dst []float64) {
	if chunk < len(c.sealed) {
		c.sealed[chunk].floats(dst)
		return
	}
	n := copy(dst, c.open)
	for i := n; i < len(dst); i++ {
		dst[i] = absent
	}
}

// fill makes the open chunk full. One that nobody put a value into stays empty, and
// packs to nothing.
func (c *column) fill() {
	if len(c.open) == 0 {
		return
	}
	for len(c.open) < chunkRows {
		c.open = append(c.open, absent)
	}
}

// intColumn holds a whole number for every row.
type intColumn struct {
	sealed []packed
	open   []int64
}

func (c *intColumn) put(v int64) {
	if c.open == nil {
		c.open = make([]int64, 0, chunkRows)
	}
	c.open = append(c.open, v)
}

func (c *intColumn) at(row int) int64 {
	if k := row / chunkRows; k < len(c.sealed) {
		return c.sealed[k].int(row % chunkRows)
	}
	return c.open[row%chunkRows]
}

func (c *intColumn) read(chunk int, dst []int64) {
	if chunk < len(c.sealed) {
		c.sealed[chunk].ints(dst)
		return
	}
	copy(dst, c.open)
}
