package metrics

import "math"

// running is a request inside a sweep, with what it has still to change.
type running struct {
	request
	began, generates, ended, lateTaken bool

	border int     // next border of a gap; len(gaps) + 1: none
	at     float64 // its time
	rate   float64 // of decode, up to there

	wide     float64 // gaps with a length
	late     float64 // borders that are not before the end
	perGap   float64 // output tokens of each gap with a length
	perChunk float64 // output tokens of each chunk after the first
	held     float64 // tokens in flight until the end
	holds    bool
}

// begin takes a request into the sweep.
func (s *sweep) begin(row int) {
	r := running{request: s.fetch(row)}
	n := r.gaps.len()
	r.at = r.genStart
	sum, wide := r.gaps.scan()
	r.wide = float64(wide)
	if !(r.genStart+sum < r.end) {
		r.countLate()
	}
	if !r.hasOSL() || r.osl < 1 || math.IsNaN(r.genStart) || n == 0 {
		r.border = n + 1 // nothing is laid out
	} else {
		r.perGap, r.perChunk = (r.osl-1)/max(1, r.wide), (r.osl-1)/float64(n)
	}
	r.holds = !math.IsNaN(r.genStart) && !math.IsNaN(r.end) && (r.hasISL() || r.hasOSL())
	s.running = append(s.running, r)
}

// countLate finds the borders that are not before the end.
func (r *running) countLate() {
	at := r.genStart
	for i := range r.gaps.len() {
		if at += r.gaps.at(i); !(at < r.end) {
			r.late++
		}
	}
}

// even is the rate of the output tokens after the first, spread over [genStart, end):
// the first belongs to the prefill.
func (r *running) even() (rate float64, ok bool) {
	if r.hasOSL() && r.osl >= 1 && r.decoding() {
		return (r.osl - 1) / (r.end - r.genStart), true
	}
	return 0, false
}

// prefill is the rate of the input tokens over [start, genStart).
func (r *running) prefill() (rate float64, ok bool) {
	if r.hasISL() && r.prefilling() {
		return r.isl / (r.genStart - r.start), true
	}
	return 0, false
}

// gather collects the changes before until, and lets finished requests go.
func (s *sweep) gather(until float64) {
	s.changes = s.changes[:0]
	kept := s.running[:0]
	for i := range s.running {
		r := &s.running[i]
		s.advance(r, until)
		if !r.over() {
			kept = append(kept, *r)
		}
	}
	s.running = kept
}

func (r *running) over() bool {
	return r.began && (r.generates || math.IsNaN(r.genStart)) && (r.ended || math.IsNaN(r.end)) && r.border > r.gaps.len()
}

func (s *sweep) emit(t float64, c curveID, v float64) {
	s.seen[c] = true
	s.changes = append(s.changes, change{t: t, v: v, curve: c})
}

// advance collects a request's changes before until.
func (s *sweep) advance(r *running, until float64) {
	if !r.began && r.start < until {
		r.began = true
		s.emitStart(r)
	}
	if !r.generates && r.genStart < until {
		r.generates = true
		s.emitGeneration(r)
	}
	for n := r.gaps.len(); r.border <= n && r.at < until; r.border++ {
		s.emitBorder(r, n)
	}
	if !r.lateTaken && justBefore(r.end) < until {
		r.lateTaken = true
		if r.holds && r.perChunk > 0 && r.late > 0 {
			s.emit(justBefore(r.end), tokensInFlight, r.late*r.perChunk)
		}
	}
	if !r.ended && r.end < until {
		r.ended = true
		s.emitEnd(r)
	}
}

func (s *sweep) emitStart(r *running) {
	if r.end > r.start {
		s.emit(r.start, concurrency, 1)
	}
	if r.prefilling() {
		s.emit(r.start, prefillConcurrency, 1)
	}
	if rate, ok := r.prefill(); ok {
		s.emit(r.start, prefillRate, rate)
		s.emit(r.start, totalRate, rate)
	}
	if r.holds && r.hasISL() && r.prefilling() {
		r.held += r.isl
		s.emit(r.start, tokensInFlight, r.isl)
	}
}

func (s *sweep) emitGeneration(r *running) {
	if r.prefilling() {
		s.emit(r.genStart, prefillConcurrency, -1)
	}
	if rate, ok := r.prefill(); ok {
		s.emit(r.genStart, prefillRate, -rate)
		s.emit(r.genStart, totalRate, -rate)
	}
	if r.decoding() {
		s.emit(r.genStart, decodeConcurrency, 1)
	}
	if rate, ok := r.even(); ok {
		s.emit(r.genStart, totalRate, rate)
		if r.wide == 0 {
			s.emit(r.genStart, decodeRate, rate)
		}
	}
	if r.holds && r.hasOSL() && r.gaps.len() == 0 {
		r.held += r.osl
		s.emit(r.genStart, tokensInFlight, r.osl)
	}
}

// emitBorder is where a gap ends and the next begins. Each gap with a length carries an
// equal share of the tokens after the first at its own rate; each chunk brings an equal
// share of them. A chunk that is not before the end comes just before it (late).
func (s *sweep) emitBorder(r *running, n int) {
	c := change{t: r.at, curve: gapBorder}
	switch {
	case r.border == 0:
		c.tokens = 1
	case r.at < r.end:
		c.tokens = r.perChunk
	}
	if r.holds {
		s.seen[tokensInFlight] = true
		r.held += c.tokens
	} else {
		c.tokens = 0
	}
	rate, gap := r.rate, 0.0
	if r.border == n {
		rate = 0
	} else if gap = r.gaps.at(r.border); gap > 0 {
		rate = r.perGap / gap
	}
	if r.wide > 0 {
		s.seen[decodeRate] = true
		c.v = rate - r.rate
	}
	r.rate = rate
	r.at += gap
	s.changes = append(s.changes, c)
}

func (s *sweep) emitEnd(r *running) {
	if r.end > r.start {
		s.emit(r.end, concurrency, -1)
	}
	if r.decoding() {
		s.emit(r.end, decodeConcurrency, -1)
	}
	if rate, ok := r.even(); ok {
		s.emit(r.end, totalRate, -rate)
		if r.wide == 0 {
			s.emit(r.end, decodeRate, -rate)
		}
	}
	if r.holds {
		s.emit(r.end, tokensInFlight, -(r.held + r.late*r.perChunk))
	}
}

// justBefore is the last instant before t.
func justBefore(t float64) float64 { return math.Nextafter(t, math.Inf(-1)) }
