package metrics

import (
	"math"
	"slices"
)

// exactSegments is how many segments are kept one by one. Beyond it they are counted in
// bins, 2⁻¹⁴ of their value wide: whole numbers up to 2¹⁵ have one each.
const exactSegments = 1 << 14

// weights collects the segments of a curve. Its memory is bounded. The zero value is
// empty.
type weights struct {
	segments []segment
	bins     *bins // set: the segments are in there
}

func (w *weights) add(v, dt float64) {
	if w.bins != nil {
		w.bins.add(v, dt)
		return
	}
	w.segments = append(w.segments, segment{v, dt})
	if len(w.segments) > exactSegments {
		w.fold()
	}
}

// fold puts the segments into bins.
func (w *weights) fold() {
	if w.bins != nil {
		return
	}
	w.bins = newBins(w.segments)
	w.segments = nil
}

// join takes over what o has, which must not be used any more.
func (w *weights) join(o *weights) {
	switch {
	case w.bins == nil && o.bins == nil:
		w.segments = append(w.segments, o.segments...)
	default:
		w.fold()
		o.fold()
		w.bins.join(o.bins)
	}
	*o = weights{}
}

// weighAll are the statistics of all segments. The percentiles of long curves are those
// of their bins.
func weighAll(parts ...*weights) (timeWeighted, bool) {
	binned := slices.ContainsFunc(parts, func(w *weights) bool { return w.bins != nil })
	if !binned {
		var all []segment
		for _, w := range parts {
			all = append(all, w.segments...)
		}
		return weigh(all)
	}
	all := newBins(nil)
	for _, w := range parts {
		if w.bins != nil {
			all.join(w.bins)
		} else if len(w.segments) > 0 {
			all.join(newBins(w.segments))
		}
	}
	return all.weigh()
}

const (
	binBits   = 10 // of a page; a page is a sixteenth of an octave
	pageShift = 64 - 16
	binShift  = pageShift - binBits
)

// bins are weights by value: a table of pages over the bits of float64, in their order.
type bins struct {
	low   int // number of the first page
	pages []*page
	// last is the page that was used last.
	last       *page
	lastNumber uint64
	fractions  bool // a value was not whole

	total, area float64
	squares     float64 // Σ dt·(v − center)²
	center      float64
	min, max    float64
}

// page says how long the curve was in each bin.
type page [1 << binBits]float64

func newBins(segments []segment) *bins {
	b := &bins{min: math.Inf(1), max: math.Inf(-1)}
	var total, area compensated
	for _, g := range segments {
		total.add(g.dt)
		area.add(g.v * g.dt)
	}
	if t := total.value(); t > 0 {
		b.center = area.value() / t
	}
	for _, g := range segments {
		b.add(g.v, g.dt)
	}
	return b
}

// hot: once per chunk of every streamed answer, for three curves.
func (b *bins) add(v, dt float64) {
	off := v - b.center
	b.total += dt
	b.area += v * dt
	b.squares += dt * off * off
	if v < b.min {
		b.min = v
	}
	if v > b.max {
		b.max = v
	}
	if !b.fractions && v != math.Trunc(v) {
		b.fractions = true
	}
	key := orderedBits(v)
	if key>>pageShift != b.lastNumber || b.last == nil {
		b.last, b.lastNumber = b.page(int(key>>pageShift)), key>>pageShift
	}
	b.last[key>>binShift&(1<<binBits-1)] += dt
}

func (b *bins) page(number int) *page {
	switch {
	case len(b.pages) == 0:
		b.low, b.pages = number, make([]*page, 1)
	case number < b.low:
		b.pages = append(make([]*page, b.low-number), b.pages...)
		b.low = number
	case number >= b.low+len(b.pages):
		b.pages = append(b.pages, make([]*page, number-b.low-len(b.pages)+1)...)
	}
	p := &b.pages[number-b.low]
	if *p == nil {
		*p = new(page)
	}
	return *p
}

// value stands for the values of a bin: its middle, or its only whole number when the
// curve has no others.
func (b *bins) value(number, i int) float64 {
	key := uint64(number)<<pageShift | uint64(i)<<binShift
	from, to := fromOrderedBits(key), fromOrderedBits(key+1<<binShift-1)
	v := (from + to) / 2
	switch {
	case b.fractions:
	case to-from < 1:
		v = math.Ceil(from)
	default:
		v = math.Round(v)
	}
	return min(max(v, b.min), b.max)
}

// join adds what o holds.
func (b *bins) join(o *bins) {
	if o.total <= 0 {
		return
	}
	if b.total == 0 {
		b.center = o.center
	}
	// around b's center: Σ dt·(v − c)² = Σ dt·(v − c')² + 2·(c' − c)·Σ dt·(v − c') + T·(c' − c)²
	shift := o.center - b.center
	b.squares += o.squares + 2*shift*(o.area-o.total*o.center) + o.total*shift*shift
	b.total += o.total
	b.area += o.area
	b.min, b.max = min(b.min, o.min), max(b.max, o.max)
	b.fractions = b.fractions || o.fractions
	for k, p := range o.pages {
		if p == nil {
			continue
		}
		mine := b.page(o.low + k)
		for i, dt := range p {
			mine[i] += dt
		}
	}
}

// weigh are the statistics; ok is false when nothing has a length.
func (b *bins) weigh() (s timeWeighted, ok bool) {
	t := b.total
	if t <= 0 {
		return s, false
	}
	s.avg, s.min, s.max = b.area/t, b.min, b.max
	off := s.avg - b.center
	s.std = math.Sqrt(max(0, b.squares/t-off*off))
	wanted := s.shares()
	held := 0.0
	for k, p := range b.pages {
		if p == nil {
			continue
		}
		for i, dt := range p {
			if dt == 0 {
				continue
			}
			held += dt
			for len(wanted) > 0 && held >= wanted[0].share*t {
				*wanted[0].value = b.value(b.low+k, i)
				wanted = wanted[1:]
			}
		}
	}
	for _, w := range wanted { // rounding
		*w.value = s.max
	}
	return s, true
}
