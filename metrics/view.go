package metrics

// view reads a store chunk by chunk, and computes what was not stored. It belongs to one
// goroutine; several may read the same store while nobody appends to it.
type view struct {
	st     *Store
	lists  map[int][]byte // mapped files by metric
	chunk  int
	rows   int // of the chunk
	loaded bitset

	numbers  [maxMetrics][]float64
	outcomes []outcome
	phases   []uint16
	whole    map[*intColumn][]int64 // read since the chunk was turned
	spare    [][]int64
}

func newView(st *Store, lists map[int][]byte) *view {
	return &view{
		st: st, lists: lists, chunk: -1,
		outcomes: make([]outcome, 0, chunkRows), phases: make([]uint16, 0, chunkRows),
		whole: map[*intColumn][]int64{},
	}
}

// chunks is how many there are, the open one included.
func (st *Store) chunks() int { return (st.rows + chunkRows - 1) / chunkRows }

// turn goes to a chunk.
func (v *view) turn(chunk int) {
	if v.chunk == chunk {
		return
	}
	v.chunk, v.loaded = chunk, bitset{}
	for c, dst := range v.whole {
		v.spare = append(v.spare, dst[:chunkRows])
		delete(v.whole, c)
	}
	v.rows = min(chunkRows, v.st.rows-chunk*chunkRows)
	v.outcomes, v.phases = v.outcomes[:v.rows], v.phases[:v.rows]
	for i, m := range v.ints(&v.st.marks) {
		v.outcomes[i], v.phases[i] = outcome(m&3), uint16(m>>2)
	}
}

// ints are a column's values in the chunk. They are valid until the chunk is turned.
func (v *view) ints(c *intColumn) []int64 {
	if dst, known := v.whole[c]; known {
		return dst
	}
	var dst []int64
	if n := len(v.spare); n > 0 {
		dst, v.spare = v.spare[n-1], v.spare[:n-1]
	} else {
		dst = make([]int64, chunkRows)
	}
	dst = dst[:v.rows]
	c.read(v.chunk, dst)
	v.whole[c] = dst
	return dst
}

// column are a metric's values in the chunk, NaN where there is none: read from its
// column, or computed again from others'. They are valid until the chunk is turned.
func (v *view) column(d *Declaration) []float64 {
	if v.loaded.has(d.id) {
		return v.numbers[d.id]
	}
	if v.numbers[d.id] == nil {
		v.numbers[d.id] = make([]float64, chunkRows)
	}
	v.numbers[d.id] = v.numbers[d.id][:v.rows]
	dst := v.numbers[d.id]
	switch {
	case !v.st.set.has(d):
		for i := range dst {
			dst[i] = absent
		}
	case d.stored():
		v.st.columns[d.id].read(v.chunk, dst)
	default:
		v.follow(d, dst)
	}
	v.loaded.set(d.id)
	return dst
}

// follow computes a metric that follows from others of the same request.
func (v *view) follow(d *Declaration, dst []float64) {
	var all, any [][]float64
	for _, n := range d.Requires {
		all = append(all, v.column(n))
	}
	for _, n := range d.RequiresAny {
		any = append(any, v.column(n))
	}
	c := calc{options: &v.st.set.options, view: v}
	path := d.path()
	for i := range dst {
		dst[i] = absent
		if v.outcomes[i] != path || !haveValue(all, i, len(all)) || len(any) > 0 && !haveValue(any, i, 1) {
			continue
		}
		c.row = i
		if x, ok := d.follow(&c); ok && finite(x) {
			dst[i] = x
		}
	}
}

// haveValue tells whether at least so many of the columns have a value in a row.
func haveValue(columns [][]float64, row, atLeast int) bool {
	n := 0
	for _, c := range columns {
		if v := c[row]; v == v {
			n++
		}
	}
	return n >= atLeast
}

// list is the list of a row of the store.
func (v *view) list(d *Declaration, row int) gapList {
	l := v.st.lists[d.id]
	if l == nil || l.spilt > 0 && v.lists[d.id] == nil {
		return gapList{} // it could not be mapped
	}
	return l.list(row, v.lists[d.id])
}

// mapLists maps what the store keeps in files; release ends that. Lists that cannot be
// mapped are left out, and Err says why.
func (st *Store) mapLists() (mapped map[int][]byte, release func()) {
	mapped = map[int][]byte{}
	var opened []func()
	for id, l := range st.lists {
		if l == nil {
			continue
		}
		m, end, err := l.open()
		if err != nil {
			l.err = err
			continue
		}
		mapped[id], opened = m, append(opened, end)
	}
	return mapped, func() {
		for _, end := range opened {
			end()
		}
	}
}
