package metrics

import (
	"cmp"
	"math"
	"slices"
)

// The slow and obvious way to the curves of a run: all changes of a curve at once,
// sorted and added up. The sweep is held against it.

// event is a change by v at time t; in a curve, the value v from t on. t is in
// nanoseconds from the summary's origin.
type event struct{ t, v float64 }

// curve is a right-continuous step function with ascending, distinct times. Before
// the first it is 0.
type curve []event

// accumulate sorts changes and adds them up. It reuses their memory.
func accumulate(changes []event) curve {
	sortEvents(changes)
	var sum compensated
	largest := 0.0
	c := curve(changes[:0])
	for i, e := range changes {
		sum.add(e.v)
		largest = max(largest, math.Abs(sum.value()))
		if i+1 < len(changes) && changes[i+1].t == e.t {
			continue
		}
		c = append(c, event{e.t, sum.value()})
	}
	for i := range c {
		if math.Abs(c[i].v) < negligible*largest {
			c[i].v = 0
		}
	}
	return c
}

// divide is a / b on the times of both; 0 where b is 0.
func divide(a, b curve) curve {
	out := make(curve, 0, len(a)+len(b))
	eachStep(a, b, func(t, av, bv float64) {
		v := 0.0
		if bv != 0 {
			v = av / bv
		}
		out = append(out, event{t, v})
	})
	return out
}

// eachStep visits the times of both curves in order, with both values from there on.
func eachStep(a, b curve, visit func(t, av, bv float64)) {
	var av, bv float64
	for i, j := 0, 0; i < len(a) || j < len(b); {
		t := math.Inf(1)
		if i < len(a) {
			t = a[i].t
		}
		if j < len(b) {
			t = min(t, b[j].t)
		}
		if i < len(a) && a[i].t == t {
			av = a[i].v
			i++
		}
		if j < len(b) && b[j].t == t {
			bv = b[j].v
			j++
		}
		visit(t, av, bv)
	}
}

// segments cuts a curve into its stretches inside w.
func (c curve) segments(w window) []segment {
	return c.segmentsWhere(nil, w)
}

// segmentsWhere is segments for the time in which mask is above 0; a nil mask is
// everywhere.
func (c curve) segmentsWhere(mask curve, w window) []segment {
	out := make([]segment, 0, len(c)+1)
	from, v, on := w.from, 0.0, mask == nil
	emit := func(to float64) {
		to = min(to, w.to)
		if on && to > from {
			out = append(out, segment{v, to - from})
		}
		from = max(from, to)
	}
	eachStep(c, mask, func(t, cv, mv float64) {
		emit(t)
		v, on = cv, mask == nil || mv > 0
	})
	emit(w.to)
	return out
}

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
	for _, gap := range r.gaps.floats() {
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
	for _, gap := range r.gaps.floats() {
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
	case r.gaps.len() == 0:
		take(r.genStart, r.osl)
	case r.osl >= 1:
		take(r.genStart, 1)
		perGap := (r.osl - 1) / float64(r.gaps.len())
		at := r.genStart
		for _, gap := range r.gaps.floats() {
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

// perUser divides a rate by the number of requests that share it.
func perUser(rate, concurrency curve) curve {
	if len(rate) == 0 {
		return nil
	}
	return divide(rate, concurrency)
}

// sortEvents sorts by time; at equal times negative changes come first, so that a
// curve never shows a slot taken before it was given back.
func sortEvents(events []event) {
	if len(events) < radixThreshold {
		slices.SortFunc(events, func(a, b event) int {
			return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.v, b.v))
		})
		return
	}
	radixSort(events, func(e event) uint64 { return orderedBits(e.t) })
	for i := 0; i < len(events); {
		j := i + 1
		for j < len(events) && events[j].t == events[i].t {
			j++
		}
		if j > i+1 {
			slices.SortFunc(events[i:j], func(a, b event) int { return cmp.Compare(a.v, b.v) })
		}
		i = j
	}
}

// gapsOf is a list as a column keeps it.
func gapsOf(list ...float64) gapList {
	c := listColumn{starts: []int64{0}}
	c.put(list)
	return c.list(0, nil)
}

func (g gapList) floats() (out []float64) {
	for i := range g.len() {
		out = append(out, g.at(i))
	}
	return out
}

// span is the time from the first to the last event of the concurrency curve.
func (l *load) span() (w window, ok bool) {
	if len(l.concurrency) == 0 {
		return w, false
	}
	return window{l.concurrency[0].t, l.concurrency[len(l.concurrency)-1].t}, true
}
