package metrics

import "aiperf/clock"

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
// phase.
type Store struct {
	set *Set

	phases   []phase // distinct, by first appearance
	phaseOf  []uint16
	outcomes []outcome
	starts   []clock.WallNS
	ends     []clock.WallNS
	genStart []clock.WallNS
	issued   []clock.WallNS

	columns [maxMetrics]column
	lists   [maxMetrics]listColumn

	order []*Declaration // stored metrics, as AppendValues gives them
	place map[string]int // in order
	calc  calc           // for metrics that are computed again
}

// phase is what a record says of where it belongs.
type phase struct {
	kind  string
	index int
}

// NewStore returns an empty store for the set's metrics.
func (s *Set) NewStore() *Store {
	st := &Store{set: s, place: map[string]int{}}
	st.calc = calc{options: &s.options, store: st}
	for _, d := range catalogue {
		if s.has(d) && d.stored() {
			st.place[d.Tag] = len(st.order)
			st.order = append(st.order, d)
		}
	}
	return st
}

// Len is the number of rows.
func (st *Store) Len() int { return len(st.outcomes) }

// Append adds one finished request. Values of metrics that do not exist for the run,
// or follow from others, are ignored, as are numbers that are not finite.
//
// hot: once per request, about 30 values. Budget: growth of the columns.
// BenchmarkStoreAppend.
func (st *Store) Append(row Row, values []Value) {
	i := st.Len()
	o := outcomeOf(row.Failed, row.Cancelled)
	st.phaseOf = append(st.phaseOf, st.phaseNumber(phase{row.Phase, row.PhaseIndex}))
	st.outcomes = append(st.outcomes, o)
	st.starts = append(st.starts, row.StartNS)
	st.ends = append(st.ends, row.EndNS)
	st.issued = append(st.issued, row.CreditIssuedNS)

	next := 0
	for k := range values {
		v := &values[k]
		d := st.stored(v.Tag, &next)
		switch {
		case d == nil || d.path() != o:
		case d.List:
			st.lists[d.id].put(i, v.List)
		case finite(v.Number):
			st.columns[d.id].put(i, v.Number)
		}
	}
	st.genStart = append(st.genStart, st.generation(i, &row))
}

// stored finds the stored metric tag; next is where it is when values come in
// dependency order, which saves the look-up.
func (st *Store) stored(tag string, next *int) *Declaration {
	if *next < len(st.order) && st.order[*next].Tag == tag {
		*next++
		return st.order[*next-1]
	}
	at, ok := st.place[tag]
	if !ok {
		return nil
	}
	*next = at + 1
	return st.order[at]
}

// generation is when tokens began to arrive. A successful record without a time to
// first token has no such instant: its content came whole.
func (st *Store) generation(i int, row *Row) clock.WallNS {
	if !st.set.has(timeToFirstToken) {
		return 0
	}
	if st.outcomes[i] != succeeded {
		return row.GenStartNS
	}
	ttft, ok := st.columns[timeToFirstToken.id].at(i)
	if !ok {
		return 0
	}
	return row.StartNS + clock.WallNS(ttft)
}

func (st *Store) phaseNumber(p phase) uint16 {
	for i := len(st.phases) - 1; i >= 0; i-- {
		if st.phases[i] == p {
			return uint16(i)
		}
	}
	st.phases = append(st.phases, p)
	return uint16(len(st.phases) - 1)
}

// value returns a metric of c's row: from its column, or computed again from others'.
func (st *Store) value(c *calc, d *Declaration) (v float64, ok bool) {
	if !st.set.has(d) {
		return 0, false
	}
	if d.stored() {
		return st.columns[d.id].at(c.row)
	}
	for _, n := range d.Requires {
		if _, ok := st.value(c, n); !ok {
			return 0, false
		}
	}
	if len(d.RequiresAny) > 0 && !st.anyValue(c, d.RequiresAny) {
		return 0, false
	}
	v, ok = d.follow(c)
	return v, ok && finite(v)
}

func (st *Store) anyValue(c *calc, metrics []*Declaration) bool {
	for _, d := range metrics {
		if _, ok := st.value(c, d); ok {
			return true
		}
	}
	return false
}

// at returns a metric of a row, when it exists for the run and for what became of the
// request.
func (st *Store) at(d *Declaration, row int) (v float64, ok bool) {
	if st.outcomes[row] != d.path() {
		return 0, false
	}
	st.calc.row = row
	return st.value(&st.calc, d)
}
