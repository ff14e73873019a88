package metrics

import (
	"slices"
	"strings"

	"aiperf/clock"
)

// Selection picks the rows of a summary by the phase on the record, never by time.
type Selection struct {
	Phase        string
	PhaseIndexes []int // nil = all of the kind
	// StartNS and EndNS bound the time-weighted statistics; 0 = the first start and
	// the last end of a selected request.
	StartNS, EndNS clock.WallNS
}

// summary is one pass over a selection of rows.
type summary struct {
	store     *Store
	selection Selection
	lists     map[int][]byte // mapped files by metric
	selected  []bool         // by number of the phase
	rows      int            // selected ones
	failures  int            // failed rows; cancelled ones are not

	perRecord [maxMetrics]perRecord
	credit    []Result            // latencies that count from the credit
	scalars   [maxMetrics]float64 // aggregates, derived, and the sums of distributions
	has       bitset
	extents   map[uint16]extent
}

// perRecord is what the values of a metric come to. Each is computed on its own.
type perRecord struct {
	ok      bool
	scalar  float64 // total, or the sum of the distribution
	results []Result
}

// extent is the time from the first start to the last content of successful requests.
type extent struct{ first, last clock.WallNS }

// Summarise computes the results of the selected rows, in display units: first the
// metrics of the summary file's fixed list in its order, then the others by tag.
// Without a selected row there is none. It works on all cores.
func (st *Store) Summarise(sel Selection) []Result {
	s := st.newSummary(sel)
	if s.rows == 0 {
		return nil
	}
	var release func()
	s.lists, release = st.mapLists()
	defer release()
	s.reduce()
	var out []Result
	for _, d := range catalogue {
		if st.set.has(d) {
			out = s.appendResult(out, d)
		}
	}
	out = append(out, s.loadResults()...)
	out = append(out, s.credit...)
	slices.SortFunc(out, compareResults)
	return out
}

func (st *Store) newSummary(sel Selection) *summary {
	s := &summary{store: st, selection: sel, selected: make([]bool, len(st.phases))}
	for i, p := range st.phases {
		s.selected[i] = p.kind == sel.Phase && (sel.PhaseIndexes == nil || slices.Contains(sel.PhaseIndexes, p.index))
	}
	v := newView(st, nil)
	for chunk := range st.chunks() {
		v.turn(chunk)
		for i, p := range v.phases {
			if !s.selected[p] {
				continue
			}
			s.rows++
			if v.outcomes[i] == failed {
				s.failures++
			}
		}
	}
	return s
}

// reduce computes everything that needs the values of all rows.
func (s *summary) reduce() {
	var work []*Declaration
	for _, d := range catalogue {
		if s.store.set.has(d) && d.Kind != KindInjected && d.sumOf == nil && d.derive == nil {
			work = append(work, d)
		}
	}
	for _, d := range work { // lists take all cores by themselves
		if d.List {
			s.perRecord[d.id] = s.sampler().reduce(d)
		}
	}
	parallel(len(work)+1, s.sampler, func(own *sampler, i int) {
		if i == 0 {
			s.credit = creditResults(own)
		} else if d := work[i-1]; !d.List {
			s.perRecord[d.id] = own.reduce(d)
		}
	})
}

// reduce computes what a metric's values come to; a metric with failed requests in its
// percentiles also gives its adjusted twin.
func (s *sampler) reduce(d *Declaration) (r perRecord) {
	if d.Kind != KindRecord {
		r.scalar, r.ok = s.total(d)
		if r.ok && finite(r.scalar) {
			r.results = []Result{d.result(Stats{Avg: present(d.display(r.scalar))})}
		}
		return r
	}
	dist, ok := s.distribution(d)
	if !ok {
		return r
	}
	r.ok, r.scalar = true, dist.sum
	r.results = []Result{d.result(dist.stats(d.display))}
	if d.adjusted != nil && s.failures > 0 {
		r.results = append(r.results, d.adjusted.result(adjustedStats(s.buffer, s.failures, d.display)))
	}
	return r
}

// appendResult appends what d comes to.
func (s *summary) appendResult(out []Result, d *Declaration) []Result {
	switch {
	case d.Kind == KindInjected: // put in by the analyses
	case d.sumOf != nil:
		if s.has.has(d.sumOf.id) {
			return s.appendScalar(out, d, s.scalars[d.sumOf.id])
		}
	case d.derive != nil:
		if v, ok := s.derive(d); ok {
			return s.appendScalar(out, d, v)
		}
	default:
		if r := &s.perRecord[d.id]; r.ok && finite(r.scalar) {
			s.keep(d, r.scalar)
			return append(out, r.results...)
		}
	}
	return out
}

func (s *summary) derive(d *Declaration) (v float64, ok bool) {
	for _, n := range d.Requires {
		if !s.has.has(n.id) {
			return 0, false
		}
	}
	return d.derive(s)
}

func (s *summary) appendScalar(out []Result, d *Declaration, v float64) []Result {
	if !finite(v) {
		return out
	}
	s.keep(d, v)
	return append(out, d.result(Stats{Avg: present(d.display(v))}))
}

func (s *summary) keep(d *Declaration, v float64) {
	s.scalars[d.id] = v
	s.has.set(d.id)
}

// of is a scalar, or the sum of a distribution; 0 when it has no value.
func (s *summary) of(d *Declaration) float64 { return s.scalars[d.id] }

// windows are the extents of the selected phases that had a success.
func (s *summary) windows() map[uint16]extent {
	if s.extents != nil {
		return s.extents
	}
	s.extents = map[uint16]extent{}
	own := s.sampler()
	var latencies []float64
	var starts []int64
	own.eachRow(func() {
		latencies, starts = own.view.column(requestLatency), own.view.ints(&s.store.starts)
	}, func(i int) {
		if latencies[i] != latencies[i] {
			return
		}
		start := clock.WallNS(starts[i])
		end := start + clock.WallNS(latencies[i])
		phase := own.view.phases[i]
		e, seen := s.extents[phase]
		if !seen {
			e = extent{start, end}
		}
		s.extents[phase] = extent{min(e.first, start), max(e.last, end)}
	})
	return s.extents
}

// extent spans all selected phases.
func (s *summary) extent() (first, last clock.WallNS, ok bool) {
	for _, e := range s.windows() {
		if !ok || e.first < first {
			first = e.first
		}
		if !ok || e.last > last {
			last = e.last
		}
		ok = true
	}
	return first, last, ok
}

// duration adds up the phases' own durations [ns].
func (s *summary) duration() (ns int64) {
	for _, e := range s.windows() {
		ns += int64(e.last.Sub(e.first))
	}
	return ns
}

// result is d's result with what outputs need to know of the declaration.
func (d *Declaration) result(stats Stats) Result {
	return Result{
		Tag: d.Tag, Header: d.Header, Unit: string(d.DisplayUnit), Stats: stats,
		ConsoleGroup: string(d.Group), DisplayOrder: d.Order,
		Hidden:   d.Flags.HasAny(Internal | Experimental | ErrorOnly),
		Internal: d.Flags.HasAny(Internal),
	}
}

// summaryOrder is the fixed list that the summary file begins with.
var summaryOrder = []string{
	"request_throughput", "request_latency", "request_count",
	"time_to_first_token", "time_to_second_token", "inter_token_latency",
	"output_token_throughput", "output_token_throughput_per_user",
	"output_sequence_length", "input_sequence_length",
	"goodput", "good_request_count",
	"output_token_count", "reasoning_token_count",
	"min_request_timestamp", "max_response_timestamp",
	"inter_chunk_latency", "total_output_tokens", "total_reasoning_tokens",
	"benchmark_duration", "total_isl", "total_osl",
	"error_request_count", "error_isl", "total_error_isl",
}

// SummaryPlace is a metric's place in the fixed list that summaries begin with; ok is
// false for the others, which follow by tag.
func SummaryPlace(tag string) (place int, ok bool) {
	place = slices.Index(summaryOrder, tag)
	return place, place >= 0
}

func compareResults(a, b Result) int {
	i, aFixed := SummaryPlace(a.Tag)
	j, bFixed := SummaryPlace(b.Tag)
	switch {
	case aFixed && bFixed:
		return i - j
	case aFixed:
		return -1
	case bFixed:
		return 1
	}
	return strings.Compare(a.Tag, b.Tag)
}
