package metrics

import (
	"math"
	"math/bits"
	"slices"
)

// curveID is a step curve of a run: how many requests and tokens it held at each
// instant. Rates are in tokens/ns. Failed and cancelled requests occupied a slot and
// count for concurrency; they have no tokens.
type curveID int

const (
	concurrency        curveID = iota // requests over [start, end)
	prefillConcurrency                // over [start, genStart)
	decodeConcurrency                 // over [genStart, end)
	prefillRate                       // input tokens, spread over the time to the first token
	decodeRate                        // output tokens after the first, laid out as the chunks came
	totalRate                         // prefill rate + output tokens spread evenly
	tokensInFlight                    // what the server's cache holds for running requests
	addedCurves
)

// Curves that follow from others, where those above are sums of changes.
const (
	prefillPerUser = addedCurves + iota // prefill rate / prefill concurrency; 0 without any
	decodePerUser
	curves
)

// masks say of each curve whose running time its active metric is limited to.
var masks = [curves]curveID{
	prefillRate: prefillConcurrency, prefillPerUser: prefillConcurrency,
	decodeRate: decodeConcurrency, decodePerUser: decodeConcurrency,
	totalRate: concurrency, tokensInFlight: concurrency,
	concurrency: concurrency, prefillConcurrency: concurrency, decodeConcurrency: concurrency,
}

const (
	// sweepRanges is how many stretches of time a long run is divided into. They are
	// swept side by side; the number is fixed, so that the result does not depend on the
	// cores.
	sweepRanges = 8
	// rangedRequests is how many requests make a run long.
	rangedRequests = 1 << 14
	// windowChanges is how many changes are sorted together, about.
	windowChanges = 1 << 13
)

// change is what happens to one curve at one time; at the border of two gaps, to two.
type change struct {
	t      float64
	v      float64
	tokens float64 // of gapBorder: the change of tokensInFlight
	curve  curveID // gapBorder: v changes decodeRate
}

const gapBorder curveID = -1

// borderCurves are the curves that change where a gap ends.
const borderCurves = 1<<decodeRate | 1<<tokensInFlight

// concurrencies are the curves that are masks of others.
const concurrencies = 1<<concurrency | 1<<prefillConcurrency | 1<<decodeConcurrency

// sweep goes over a stretch of time once and weighs the curves' values by how long they
// held. What it keeps is bounded: the changes of a short window, the running requests,
// and the accumulators.
type sweep struct {
	fetch    func(row int) request
	from, to float64

	running []running
	changes []change
	keys    []changeKey
	room    []changeKey

	sums    [addedCurves]compensated
	largest [addedCurves]float64
	seen    [addedCurves]bool // curves that have an event
	touched uint              // curves that have changed since the last settle
	value   [curves]float64
	since   [curves]float64
	weights [curves][2]weights // while the mask is 0, and above
}

type changeKey struct {
	t float64
	i int32
}

// sweepAll sweeps all of w; fetch makes what one goroutine reads requests with.
func sweepAll(arrivals []arrival, w window, fetch func() func(row int) request) *sweep {
	cuts := []float64{w.from}
	if n := len(arrivals); n >= rangedRequests {
		for i := 1; i < sweepRanges; i++ {
			if cut := arrivals[i*n/sweepRanges].start; cut > cuts[len(cuts)-1] && cut < w.to {
				cuts = append(cuts, cut)
			}
		}
	}
	cuts = append(cuts, w.to)
	parts := make([]sweep, len(cuts)-1)
	parallel(len(parts), fetch, func(fetch func(row int) request, i int) {
		parts[i] = sweep{fetch: fetch, from: cuts[i], to: cuts[i+1]}
		parts[i].run(arrivals)
	})
	whole := &parts[0]
	for i := range parts[1:] {
		whole.join(&parts[i+1])
	}
	return whole
}

// drawn reports whether the curve has an event at all.
func (s *sweep) drawn(c curveID) bool {
	switch c {
	case prefillPerUser:
		return s.seen[prefillRate]
	case decodePerUser:
		return s.seen[decodeRate]
	}
	return s.seen[c]
}

// weigh are a curve's statistics over the window, or over the time in which its
// requests ran.
func (s *sweep) weigh(c curveID, active bool) (timeWeighted, bool) {
	w := &s.weights[c]
	if active {
		return weighAll(&w[1])
	}
	return weighAll(&w[0], &w[1])
}

func (s *sweep) run(arrivals []arrival) {
	next, _ := slices.BinarySearchFunc(arrivals, s.from, func(a arrival, t float64) int {
		if a.start < t {
			return -1
		}
		return 1
	})
	for _, a := range arrivals[:next] {
		if a.horizon >= s.from {
			s.begin(a.row)
		}
	}
	s.gather(s.from)
	for _, c := range s.changes {
		s.apply(&c)
	}
	s.settle(math.Inf(-1))
	for c := range s.since {
		s.since[c] = s.from
	}
	step := max(1, (s.to-s.from)*windowChanges/float64(64*max(1, len(arrivals))))
	for at := s.from; at < s.to; {
		until := min(s.to, max(at+step, math.Nextafter(at, math.Inf(1))))
		for next < len(arrivals) && arrivals[next].start < until {
			s.begin(arrivals[next].row)
			next++
		}
		s.gather(until)
		s.draw(at, until)
		at = until
		want := max(windowChanges, 4*len(s.running))
		step *= min(4, max(1.0/8, float64(want)/float64(max(1, len(s.changes)))))
	}
	s.close()
	s.fetch, s.running, s.changes, s.keys, s.room = nil, nil, nil, nil, nil
}

// draw applies the window's changes in order of time.
func (s *sweep) draw(from, until float64) {
	s.keys = s.keys[:0]
	for i := range s.changes {
		s.keys = append(s.keys, changeKey{s.changes[i].t, int32(i)})
	}
	s.room = sortKeys(s.keys, s.room, from, until)
	for i := 0; i < len(s.keys); {
		t := s.keys[i].t
		for ; i < len(s.keys) && s.keys[i].t == t; i++ {
			s.apply(&s.changes[s.keys[i].i])
		}
		s.settle(t)
	}
}

// keyBuckets is into how many stretches sortKeys divides a window.
const keyBuckets = windowChanges

// sortKeys sorts by time the keys of [from, until). It returns room for the next time.
// Times are spread evenly as a rule, so that a stretch has a key or two.
func sortKeys(keys, room []changeKey, from, until float64) []changeKey {
	if len(keys) > 64 {
		room = distributeKeys(keys, room, from, keyBuckets/(until-from))
	}
	for i := 1; i < len(keys); i++ {
		k, at := keys[i], i
		for at > 0 && keys[at-1].t > k.t {
			keys[at] = keys[at-1]
			at--
		}
		keys[at] = k
	}
	return room
}

// distributeKeys puts keys in the order of their stretch of the window; when one has
// many keys, in their own.
func distributeKeys(keys, room []changeKey, from, scale float64) []changeKey {
	var counts [keyBuckets + 1]uint32
	bucket := func(t float64) int { return max(0, min(keyBuckets, int((t-from)*scale))) }
	most := uint32(0)
	for i := range keys {
		c := &counts[bucket(keys[i].t)]
		*c++
		most = max(most, *c)
	}
	if most > 64 {
		return radixSortWith(keys, room, func(k changeKey) uint64 { return orderedBits(k.t) })
	}
	if cap(room) < len(keys) {
		room = make([]changeKey, len(keys))
	}
	room = room[:len(keys)]
	copy(room, keys)
	offset := uint32(0)
	for i := range counts {
		counts[i], offset = offset, offset+counts[i]
	}
	for i := range room {
		c := &counts[bucket(room[i].t)]
		keys[*c] = room[i]
		*c++
	}
	return room
}

func (s *sweep) apply(c *change) {
	if c.curve == gapBorder {
		s.add(decodeRate, c.v)
		s.add(tokensInFlight, c.tokens)
		return
	}
	s.add(c.curve, c.v)
}

func (s *sweep) add(c curveID, v float64) {
	if v != 0 {
		s.sums[c].add(v)
		s.touched |= 1 << c
	}
}

// settle ends the segments of the curves that have another value from t on.
//
// hot: once per chunk of every streamed answer.
func (s *sweep) settle(t float64) {
	if s.touched == borderCurves { // Fast path: nothing began or ended.
		s.set(decodeRate, s.now(decodeRate), t)
		s.set(tokensInFlight, s.now(tokensInFlight), t)
		s.set(decodePerUser, quotient(s.value[decodeRate], s.value[decodeConcurrency]), t)
		s.touched = 0
		return
	}
	if s.touched&concurrencies != 0 {
		for m := concurrency; m <= decodeConcurrency; m++ {
			if (s.now(m) > 0) != (s.value[m] > 0) {
				s.flip(m, t)
			}
		}
	}
	for left := s.touched; left != 0; left &= left - 1 {
		c := curveID(bits.TrailingZeros(left))
		s.set(c, s.now(c), t)
	}
	if s.touched&(1<<prefillRate|1<<prefillConcurrency) != 0 {
		s.set(prefillPerUser, quotient(s.value[prefillRate], s.value[prefillConcurrency]), t)
	}
	if s.touched&(1<<decodeRate|1<<decodeConcurrency) != 0 {
		s.set(decodePerUser, quotient(s.value[decodeRate], s.value[decodeConcurrency]), t)
	}
	s.touched = 0
}

// now is the sum of a curve's changes so far.
func (s *sweep) now(c curveID) float64 {
	v := s.sums[c].value()
	size := math.Abs(v)
	s.largest[c] = max(s.largest[c], size)
	if size < negligible*s.largest[c] {
		return 0
	}
	return v
}

func (s *sweep) set(c curveID, v, t float64) {
	if v != s.value[c] {
		s.end(c, t)
		s.value[c] = v
	}
}

// flip ends the segments of the curves that a mask divides.
func (s *sweep) flip(mask curveID, t float64) {
	for c := range curves {
		if masks[c] == mask {
			s.end(c, t)
		}
	}
}

// quotient is a / b, and 0 where b is 0.
func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// end weighs the segment that a curve is in, up to t.
func (s *sweep) end(c curveID, t float64) {
	if t > s.since[c] {
		on := 0
		if s.value[masks[c]] > 0 {
			on = 1
		}
		if w := &s.weights[c][on]; w.bins != nil {
			w.bins.add(s.value[c], t-s.since[c])
		} else {
			w.add(s.value[c], t-s.since[c])
		}
		s.since[c] = t
	}
}

func (s *sweep) close() {
	for c := range curves {
		s.end(c, s.to)
	}
}

// join adds what another sweep found.
func (s *sweep) join(o *sweep) {
	for c := range s.seen {
		s.seen[c] = s.seen[c] || o.seen[c]
	}
	for c := range s.weights {
		for on := range s.weights[c] {
			s.weights[c][on].join(&o.weights[c][on])
		}
	}
}
