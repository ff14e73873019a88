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
	rows      []int
	failures  int // failed rows; cancelled ones are not

	scalars [maxMetrics]float64 // aggregates, derived, and the sums of distributions
	has     bitset
	extents map[uint16]extent
	buffer  []float64 // the sample at hand
}

// extent is the time from the first start to the last content of successful requests.
type extent struct{ first, last clock.WallNS }

// Summarise computes the results of the selected rows, in display units: first the
// metrics of the summary file's fixed list in its order, then the others by tag.
// Without a selected row there is none.
func (st *Store) Summarise(sel Selection) []Result {
	s := st.newSummary(sel)
	if len(s.rows) == 0 {
		return nil
	}
	var out []Result
	for _, d := range catalogue {
		if st.set.has(d) {
			out = s.appendResult(out, d)
		}
	}
	out = append(out, s.loadResults()...)
	out = append(out, creditResults(s)...)
	slices.SortFunc(out, compareResults)
	return out
}

func (st *Store) newSummary(sel Selection) *summary {
	s := &summary{store: st, selection: sel}
	selected := make([]bool, len(st.phases))
	for i, p := range st.phases {
		selected[i] = p.kind == sel.Phase && (sel.PhaseIndexes == nil || slices.Contains(sel.PhaseIndexes, p.index))
	}
	for row, p := range st.phaseOf {
		if !selected[p] {
			continue
		}
		s.rows = append(s.rows, row)
		if st.outcomes[row] == failed {
			s.failures++
		}
	}
	return s
}

// appendResult appends what d comes to; a metric with failed requests in its
// percentiles also gives its adjusted twin.
func (s *summary) appendResult(out []Result, d *Declaration) []Result {
	switch {
	case d.Kind == KindInjected:
		return out // put in by the analyses
	case d.Kind == KindRecord:
		return s.appendDistribution(out, d)
	case d.sumOf != nil:
		if !s.has.has(d.sumOf.id) {
			return out
		}
		return s.appendScalar(out, d, s.scalars[d.sumOf.id])
	case d.derive != nil:
		if v, ok := s.derive(d); ok {
			return s.appendScalar(out, d, v)
		}
	default:
		if v, ok := s.total(d); ok {
			return s.appendScalar(out, d, v)
		}
	}
	return out
}

func (s *summary) appendDistribution(out []Result, d *Declaration) []Result {
	dist, ok := describe(s.sample(d))
	if !ok {
		return out
	}
	s.keep(d, dist.sum)
	out = append(out, d.result(dist.stats(d.display)))
	if d.adjusted != nil && s.failures > 0 {
		out = append(out, d.adjusted.result(adjustedStats(s.buffer, s.failures, d.display)))
	}
	return out
}

// sample collects the values of a record metric. It is valid until the next call.
func (s *summary) sample(d *Declaration) []float64 {
	s.buffer = s.buffer[:0]
	for _, row := range s.rows {
		if d.List {
			s.buffer = append(s.buffer, s.store.lists[d.id].at(row)...)
		} else if v, ok := s.store.at(d, row); ok {
			s.buffer = append(s.buffer, v)
		}
	}
	return s.buffer
}

// total adds up the contributions of an aggregate; no value when there is none.
func (s *summary) total(d *Declaration) (v float64, ok bool) {
	var sum compensated
	for _, row := range s.rows {
		if v, has := s.store.at(d, row); has {
			sum.add(v)
			ok = true
		}
	}
	return sum.value(), ok
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
	for _, row := range s.rows {
		latency, ok := s.store.at(requestLatency, row)
		if !ok {
			continue
		}
		start := s.store.starts[row]
		end := start + clock.WallNS(latency)
		e, seen := s.extents[s.store.phaseOf[row]]
		if !seen {
			e = extent{start, end}
		}
		s.extents[s.store.phaseOf[row]] = extent{min(e.first, start), max(e.last, end)}
	}
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
