package metrics

import (
	"math"

	"aiperf/clock"
)

// request is one row as the curves see it: stamps in nanoseconds from the summary's
// origin, NaN where absent.
type request struct {
	start, genStart, end float64
	isl, osl             float64
	gaps                 []float64 // between content responses; empty when there was one
}

// prefilling reports whether [start, genStart) is known and has a length.
func (r *request) prefilling() bool { return r.genStart > r.start }

// decoding reports whether [genStart, end) is known and has a length.
func (r *request) decoding() bool { return r.end > r.genStart }

func (r *request) hasISL() bool { return r.isl == r.isl }
func (r *request) hasOSL() bool { return r.osl == r.osl }

// load are the step curves of a run: how many requests and tokens it held at each
// instant. Rates are in tokens/ns. Failed and cancelled requests occupied a slot and
// count for concurrency; they have no tokens.
type load struct {
	concurrency        curve
	prefillConcurrency curve
	decodeConcurrency  curve
	prefillRate        curve
	decodeRate         curve
	totalRate          curve
	tokensInFlight     curve
}

func newLoad(requests []request) *load {
	collect := func(add func(c *changes, r *request)) curve {
		c := make(changes, 0, 2*len(requests))
		for i := range requests {
			add(&c, &requests[i])
		}
		return accumulate(c)
	}
	return &load{
		concurrency:        collect((*changes).occupy),
		prefillConcurrency: collect((*changes).prefill),
		decodeConcurrency:  collect((*changes).decode),
		prefillRate:        collect((*changes).prefillTokens),
		decodeRate:         collect((*changes).decodeTokens),
		totalRate: collect(func(c *changes, r *request) {
			c.prefillTokens(r)
			c.decodeEvenly(r)
		}),
		tokensInFlight: collect((*changes).hold),
	}
}

// changes collects the events of one curve.
type changes []event

// between adds v over [from, to); nothing unless that has a length.
func (c *changes) between(from, to, v float64) {
	if to > from {
		*c = append(*c, event{from, v}, event{to, -v})
	}
}

func (c *changes) occupy(r *request)  { c.between(r.start, r.end, 1) }
func (c *changes) prefill(r *request) { c.between(r.start, r.genStart, 1) }
func (c *changes) decode(r *request)  { c.between(r.genStart, r.end, 1) }

// prefillTokens spreads the input over the time to the first token.
func (c *changes) prefillTokens(r *request) {
	if r.hasISL() && r.prefilling() {
		c.between(r.start, r.genStart, r.isl/(r.genStart-r.start))
	}
}

// decodeTokens lays the tokens after the first one out as the chunks came: each gap
// that has a length carries an equal share of them. Without gaps they are spread
// evenly.
func (c *changes) decodeTokens(r *request) {
	wide := 0
	for _, gap := range r.gaps {
		if gap > 0 {
			wide++
		}
	}
	if wide == 0 {
		c.decodeEvenly(r)
		return
	}
	if !r.hasOSL() || r.osl < 1 || math.IsNaN(r.genStart) {
		return
	}
	perGap := (r.osl - 1) / float64(wide)
	at, rate := r.genStart, 0.0
	for _, gap := range r.gaps {
		if gap > 0 {
			*c = append(*c, event{at, perGap/gap - rate})
			at, rate = at+gap, perGap/gap
		}
	}
	*c = append(*c, event{at, -rate})
}

// decodeEvenly spreads the tokens after the first one over [genStart, end): the first
// belongs to the prefill.
func (c *changes) decodeEvenly(r *request) {
	if r.hasOSL() && r.osl >= 1 && r.decoding() {
		c.between(r.genStart, r.end, (r.osl-1)/(r.end-r.genStart))
	}
}

// hold is how many tokens the server's cache holds for a request: its input from the
// start, its output as it is generated, nothing after the end.
func (c *changes) hold(r *request) {
	if math.IsNaN(r.genStart) || math.IsNaN(r.end) || !r.hasISL() && !r.hasOSL() {
		return
	}
	held := 0.0
	take := func(at, tokens float64) {
		*c = append(*c, event{at, tokens})
		held += tokens
	}
	if r.hasISL() && r.prefilling() {
		take(r.start, r.isl)
	}
	switch {
	case !r.hasOSL():
	case len(r.gaps) == 0:
		take(r.genStart, r.osl)
	case r.osl >= 1:
		take(r.genStart, 1)
		perGap := (r.osl - 1) / float64(len(r.gaps))
		at := r.genStart
		for _, gap := range r.gaps {
			at += gap
			take(before(at, r.end), perGap)
		}
	}
	if held != 0 {
		*c = append(*c, event{r.end, -held})
	}
}

// before is at, or the last instant before end when at is not before it.
func before(at, end float64) float64 {
	if at < end {
		return at
	}
	return math.Nextafter(end, math.Inf(-1))
}

// span is the time from the first to the last event of the concurrency curve.
func (l *load) span() (w window, ok bool) {
	if len(l.concurrency) == 0 {
		return w, false
	}
	return window{l.concurrency[0].t, l.concurrency[len(l.concurrency)-1].t}, true
}

// perUser divides a rate by the number of requests that share it.
func perUser(rate, concurrency curve) curve {
	if len(rate) == 0 {
		return nil
	}
	return divide(rate, concurrency)
}

// sweepMetric is one time-weighted metric: its curve and, for the active ones, the
// concurrency above 0 that it is limited to.
type sweepMetric struct {
	*Declaration
	scale float64 // curve to unit
	curve func(l *load) curve
	mask  func(l *load) curve
}

// results of the metrics that exist in set, over w. A curve without an event gives no
// result: zeros would claim that something was measured.
func (l *load) results(set *Set, w window) []Result {
	var out []Result
	for _, m := range sweepMetrics {
		if !set.has(m.Declaration) {
			continue
		}
		c := m.curve(l)
		if len(c) == 0 {
			continue
		}
		segments := c.segments(w)
		if m.mask != nil {
			segments = c.segmentsWhere(m.mask(l), w)
		}
		if s, ok := weigh(segments); ok {
			out = append(out, m.result(s.stats(m.scale)))
		}
	}
	return out
}

// loadResults are the time-weighted metrics of the selected rows.
func (s *summary) loadResults() []Result {
	requests, origin := s.requests()
	l := newLoad(requests)
	w, ok := l.span()
	if !ok {
		return nil
	}
	if s.selection.StartNS != 0 {
		w.from = float64(s.selection.StartNS - origin)
	}
	if s.selection.EndNS != 0 {
		w.to = float64(s.selection.EndNS - origin)
	}
	return l.results(s.store.set, w)
}

// requests turns rows into what the curves see. Times count from the earliest start:
// a float64 holds them to the nanosecond for a hundred days, an epoch stamp only to
// 256 ns.
func (s *summary) requests() (requests []request, origin clock.WallNS) {
	st := s.store
	for _, row := range s.rows {
		if t := st.starts[row]; t != 0 && (origin == 0 || t < origin) {
			origin = t
		}
	}
	at := func(stamp clock.WallNS) float64 {
		if stamp == 0 {
			return absent
		}
		return float64(stamp - origin)
	}
	number := func(d *Declaration, row int) float64 {
		if v, ok := st.at(d, row); ok {
			return v
		}
		return absent
	}
	requests = make([]request, 0, len(s.rows))
	for _, row := range s.rows {
		requests = append(requests, request{
			start: at(st.starts[row]), genStart: at(st.genStart[row]), end: at(st.ends[row]),
			isl: number(inputSequenceLength, row), osl: number(outputSequenceLength, row),
			gaps: st.lists[interChunkLatency.id].at(row),
		})
	}
	return requests, origin
}
