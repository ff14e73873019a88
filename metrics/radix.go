package metrics

import (
	"cmp"
	"math"
	"slices"
)

// radixThreshold is the length from which sorting by digits beats comparing
// (BenchmarkSortFloats).
const radixThreshold = 8192

// sortFloats sorts finite numbers in ascending order.
func sortFloats(x []float64) {
	if len(x) < radixThreshold {
		slices.Sort(x)
		return
	}
	radixSort(x, orderedBits)
}

// orderedBits maps a float64 to an integer of the same order: negative numbers have
// all bits turned, the others their sign.
func orderedBits(v float64) uint64 {
	b := math.Float64bits(v)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// radixSort sorts by key, least significant digit first, and is stable. Digits that
// are equal in all keys cost one counting pass and no move, which is common: the
// values of a metric share their magnitude.
func radixSort[T any](x []T, key func(T) uint64) {
	const bits, buckets = 11, 1 << 11
	const digits = (64 + bits - 1) / bits
	var counts [digits][buckets]uint32
	for i := range x {
		k := key(x[i])
		for d := range digits {
			counts[d][k>>(d*bits)&(buckets-1)]++
		}
	}
	from, to := x, make([]T, len(x))
	for d := range digits {
		c := &counts[d]
		if int(c[key(x[0])>>(d*bits)&(buckets-1)]) == len(x) {
			continue
		}
		offset := uint32(0)
		for b := range c {
			c[b], offset = offset, offset+c[b]
		}
		for i := range from {
			b := key(from[i]) >> (d * bits) & (buckets - 1)
			to[c[b]] = from[i]
			c[b]++
		}
		from, to = to, from
	}
	if &from[0] != &x[0] {
		copy(x, from)
	}
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
