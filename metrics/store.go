package metrics

import (
	"errors"
	"fmt"
	"os"

	"aiperf/clock"
)

// Row places one finished request in a store. A stamp of 0 is absent.
type Row struct {
	Phase          string // warmup, profiling
	PhaseIndex     int
	StartNS        clock.WallNS
	EndNS          clock.WallNS // of the exchange: usage frames, failure, cancellation
	GenStartNS     clock.WallNS // first content
	CreditIssuedNS clock.WallNS // due time of the credit
	Failed         bool
	Cancelled      bool // checked before Failed
}

// Store keeps what a run's requests came to, one row each: stamps, outcome, phase, and
// a column per metric that other columns do not tell. It belongs to one goroutine.
//
// Rows are numbered in the order of arrival, since credit numbers restart in every
// phase. Full chunks of rows are packed: about 100 bytes per streamed request with all
// its stamps, plus 4 for each gap between its chunks.
type Store struct {
	set  *Set
	rows int

	phases []phase // distinct, by first appearance
	// marks are 4 · number of the phase + outcome. The stamps behind starts count from the
	// start, which makes them small.
	marks    intColumn
	starts   intColumn
	lasting  intColumn // end − start
	toIssue  intColumn // start − issued
	firstGen intColumn // generation − start of requests that did not succeed; 0 = none

	columns [maxMetrics]column
	lists   [maxMetrics]*listColumn

	order  []*Declaration // stored metrics, as AppendValues gives them
	stored map[string]*Declaration
	plan   []planned
	packed int64 // bytes of the full chunks
}

// planned is the metric that a record's value of some place had in the record before.
type planned struct {
	tag    string
	metric *Declaration // nil: not stored
}

// phase is what a record says of where it belongs.
type phase struct {
	kind  string
	index int
}

// NewStore returns an empty store for the set's metrics.
func (s *Set) NewStore() *Store {
	st := &Store{set: s, stored: map[string]*Declaration{}}
	for _, d := range catalogue {
		if s.has(d) && d.stored() {
			st.stored[d.Tag] = d
			st.order = append(st.order, d)
			if d.List {
				st.lists[d.id] = &listColumn{starts: []int64{0}}
			}
		}
	}
	return st
}

// SpillTo has lists kept in files of dir instead of memory, from where they are mapped
// for a summary. The files have no name: they go with the process. It must be called
// before the first Append.
func (st *Store) SpillTo(dir string) error {
	for _, l := range st.lists {
		if l == nil {
			continue
		}
		f, err := os.CreateTemp(dir, "lists-*")
		if err != nil {
			return fmt.Errorf("make the file of metric lists: %w", err)
		}
		if err := os.Remove(f.Name()); err != nil {
			return errors.Join(fmt.Errorf("hide the file of metric lists: %w", err), f.Close())
		}
		l.file = f
	}
	return nil
}

// Close gives the files back. The store must not be used any more.
func (st *Store) Close() error {
	var errs []error
	for _, l := range st.lists {
		if l != nil && l.file != nil {
			errs = append(errs, l.file.Close())
			l.file = nil
		}
	}
	return errors.Join(errs...)
}

// Err is why lists are in memory although SpillTo was called; nil when they are not.
func (st *Store) Err() error {
	for _, l := range st.lists {
		if l != nil && l.err != nil {
			return l.err
		}
	}
	return nil
}

// Len is the number of rows.
func (st *Store) Len() int { return st.rows }

// Bytes is how much memory the rows take, and how much of their lists is in files.
func (st *Store) Bytes() (memory, files int64) {
	memory = st.packed
	for i := range st.columns {
		memory += 8 * int64(cap(st.columns[i].open))
	}
	for _, c := range st.ints() {
		memory += 8 * int64(cap(c.open))
	}
	for _, l := range st.lists {
		if l != nil {
			memory += int64(cap(l.tail)) + 8*int64(cap(l.ends.open))
			files += l.spilt
		}
	}
	return memory, files
}

func (st *Store) ints() []*intColumn {
	return []*intColumn{&st.marks, &st.starts, &st.lasting, &st.toIssue, &st.firstGen}
}

// Append adds one finished request. Values of metrics that do not exist for the run,
// or follow from others, are ignored, as are numbers that are not finite.
//
// hot: once per request, about 30 values. Budget: growth of the columns.
// BenchmarkStoreAppend.
func (st *Store) Append(row Row, values []Value) {
	at := st.rows % chunkRows
	o := outcomeOf(row.Failed, row.Cancelled)
	st.marks.put(st.phaseNumber(phase{row.Phase, row.PhaseIndex})<<2 | int64(o))
	st.starts.put(int64(row.StartNS))
	st.lasting.put(int64(row.EndNS - row.StartNS))
	st.toIssue.put(int64(row.StartNS - row.CreditIssuedNS))
	gen := int64(0)
	if o != succeeded && row.GenStartNS != 0 {
		gen = int64(row.GenStartNS - row.StartNS)
	}
	st.firstGen.put(gen)
	for k := range values {
		v := &values[k]
		d := st.metric(k, v.Tag)
		switch {
		case d == nil || d.path() != o:
		case d.List:
			l := st.lists[d.id]
			for len(l.ends.open) < at {
				l.put(nil)
			}
			if len(l.ends.open) == at { // a second list of a row is no list of it
				l.put(v.List)
			}
		case finite(v.Number):
			if c := &st.columns[d.id]; len(c.open) <= at {
				c.put(at, v.Number)
			}
		}
	}
	if st.rows++; st.rows%chunkRows == 0 {
		st.seal()
	}
}

// metric finds the stored metric tag; nil when it is not one. Nearly all records carry
// the same tags in the same order, so the one before tells which metric is next.
func (st *Store) metric(k int, tag string) *Declaration {
	if k < len(st.plan) && st.plan[k].tag == tag {
		return st.plan[k].metric
	}
	d := st.stored[tag]
	if d != nil {
		tag = d.Tag // the caller's may borrow a buffer
	}
	switch {
	case d == nil && byTag[tag] == nil: // strange tags are not worth keeping
	case k < len(st.plan):
		st.plan[k] = planned{declaredTag(tag), d}
	case k == len(st.plan):
		st.plan = append(st.plan, planned{declaredTag(tag), d})
	}
	return d
}

// declaredTag is the declaration's own copy of tag.
func declaredTag(tag string) string { return byTag[tag].Tag }

func (st *Store) phaseNumber(p phase) int64 {
	for i := len(st.phases) - 1; i >= 0; i-- {
		if st.phases[i] == p {
			return int64(i)
		}
	}
	st.phases = append(st.phases, p)
	return int64(len(st.phases) - 1)
}

// seal packs the chunk that is full, all its columns into one piece of memory.
func (st *Store) seal() {
	chunk := st.rows/chunkRows - 1
	size := 0
	ints := append(make([]*intColumn, 0, 8), st.ints()...)
	for _, l := range st.lists {
		if l != nil {
			l.fill()
			ints = append(ints, &l.ends)
		}
	}
	for _, c := range ints {
		p := packInts(c.open)
		size += p.size(chunkRows)
		c.sealed = append(c.sealed, p)
	}
	for _, d := range st.order {
		c := &st.columns[d.id]
		c.fill()
		p := packFloats(c.open)
		size += p.size(chunkRows)
		c.sealed = append(c.sealed, p)
	}
	room := make([]byte, size+packedPad)
	st.packed += int64(len(room))
	take := func(p *packed) *packed {
		n := p.size(chunkRows)
		p.bytes, room = room[:n+packedPad:n+packedPad], room[n:]
		return p
	}
	for _, c := range ints {
		take(&c.sealed[chunk]).putInts(c.open)
		c.open = c.open[:0]
	}
	for _, d := range st.order {
		c := &st.columns[d.id]
		take(&c.sealed[chunk]).putFloats(c.open)
		c.open = c.open[:0]
	}
	for _, l := range st.lists {
		if l != nil {
			l.starts = append(l.starts, l.length)
		}
	}
}
