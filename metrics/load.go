package metrics

import (
	"cmp"
	"math"
	"slices"

	"aiperf/clock"
)

// request is one row as the curves see it: stamps in nanoseconds from the summary's
// origin, NaN where absent.
type request struct {
	start, genStart, end float64
	isl, osl             float64
	gaps                 gapList // between content responses; empty when there was one
}

// prefilling reports whether [start, genStart) is known and has a length.
func (r *request) prefilling() bool { return r.genStart > r.start }

// decoding reports whether [genStart, end) is known and has a length.
func (r *request) decoding() bool { return r.end > r.genStart }

func (r *request) hasISL() bool { return r.isl == r.isl }
func (r *request) hasOSL() bool { return r.osl == r.osl }

// arrival is when a request begins to matter, and when it ends to.
type arrival struct {
	start, horizon float64
	row            int
}

// horizon is the last time at which the request changes a curve.
func (r *request) horizon() float64 {
	h := r.start
	for _, t := range [...]float64{r.genStart, r.end} {
		if t > h {
			h = t
		}
	}
	sum, _ := r.gaps.scan()
	if at := r.genStart + sum; at > h {
		h = at
	}
	return h
}

// loadResults are the time-weighted metrics of the selected rows. A curve without an
// event gives no result: zeros would claim that something was measured.
func (s *summary) loadResults() []Result {
	arrivals, origin, w, ok := s.arrivals()
	if !ok {
		return nil
	}
	if s.selection.StartNS != 0 {
		w.from = float64(s.selection.StartNS - origin)
	}
	if s.selection.EndNS != 0 {
		w.to = float64(s.selection.EndNS - origin)
	}
	sw := sweepAll(arrivals, w, func() func(row int) request {
		v := newView(s.store, s.lists)
		return func(row int) request { return v.request(row, origin) }
	})
	var out []Result
	for _, m := range sweepMetrics {
		if !s.store.set.has(m.Declaration) || !sw.drawn(m.curve) {
			continue
		}
		if t, ok := sw.weigh(m.curve, m.active); ok {
			out = append(out, m.result(t.stats(m.scale)))
		}
	}
	return out
}

// arrivals are the selected rows with a start, in order of it, and the time from the
// first to the last event of the concurrency curve. Times count from the earliest
// start: a float64 holds them to the nanosecond for a hundred days, an epoch stamp only
// to 256 ns. ok is false when no request took time.
func (s *summary) arrivals() (out []arrival, origin clock.WallNS, w window, ok bool) {
	own := s.sampler()
	var starts []int64
	own.eachRow(func() { starts = own.view.ints(&s.store.starts) }, func(i int) {
		if t := clock.WallNS(starts[i]); t != 0 && (origin == 0 || t < origin) {
			origin = t
		}
	})
	windows := make([]window, s.store.chunks())
	out = make([]arrival, s.store.rows)
	parallel(len(windows), func() *view { return newView(s.store, s.lists) }, func(v *view, chunk int) {
		v.turn(chunk)
		windows[chunk] = window{math.Inf(1), math.Inf(-1)}
		for i, p := range v.phases {
			row := chunk*chunkRows + i
			if !s.selected[p] || s.store.starts.at(row) == 0 {
				out[row].row = -1
				continue
			}
			r := v.request(row, origin)
			out[row] = arrival{r.start, r.horizon(), row}
			if r.end > r.start {
				windows[chunk] = window{min(windows[chunk].from, r.start), max(windows[chunk].to, r.end)}
			}
		}
	})
	w = window{math.Inf(1), math.Inf(-1)}
	for _, part := range windows {
		w = window{min(w.from, part.from), max(w.to, part.to)}
	}
	out = slices.DeleteFunc(out, func(a arrival) bool { return a.row < 0 })
	sortArrivals(out)
	return out, origin, w, w.to > w.from
}

// sortArrivals sorts by start, at equal ones by horizon.
func sortArrivals(a []arrival) {
	radixSort(a, func(a arrival) uint64 { return orderedBits(a.start) })
	for i := 1; i < len(a); i++ {
		if a[i].start != a[i-1].start {
			continue
		}
		from := i - 1
		for i < len(a) && a[i].start == a[from].start {
			i++
		}
		slices.SortFunc(a[from:i], func(a, b arrival) int { return cmp.Compare(a.horizon, b.horizon) })
	}
}

// request is a row of the store as the curves see it.
func (v *view) request(row int, origin clock.WallNS) request {
	st := v.st
	start := st.starts.at(row)
	r := request{
		start: float64(start - int64(origin)), genStart: absent, end: absent,
		isl: v.tokens(inputSequenceLength, row), osl: v.tokens(outputSequenceLength, row),
		gaps: v.list(interChunkLatency, row),
	}
	if lasting := st.lasting.at(row); start+lasting != 0 {
		r.end = r.start + float64(lasting)
	}
	if gen, ok := st.generation(row); ok {
		r.genStart = r.start + gen
	}
	return r
}

func (v *view) tokens(d *Declaration, row int) float64 {
	if !v.st.set.has(d) {
		return absent
	}
	return v.st.columns[d.id].at(row)
}

// generation is how long after its start a request's tokens began to arrive [ns]. A
// successful one without a time to first token has no such instant: its content came
// whole.
func (st *Store) generation(row int) (ns float64, ok bool) {
	switch {
	case !st.set.has(timeToFirstToken):
		return 0, false
	case outcome(st.marks.at(row)&3) == succeeded:
		ttft := st.columns[timeToFirstToken.id].at(row)
		return ttft, ttft == ttft
	}
	gen := st.firstGen.at(row)
	return float64(gen), gen != 0
}
