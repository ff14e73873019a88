package metrics

import (
	"math"
	"slices"
)

// radixThreshold is the length from which sorting by digits beats comparing
// (BenchmarkSortFloats).
const radixThreshold = 8192

// sortFloats sorts finite numbers in ascending order.
func sortFloats(x []float64) { sortFloatsWith(x, nil) }

// sortFloatsWith is sortFloats with memory that it may use; it returns that memory for
// the next time.
func sortFloatsWith(x, room []float64) []float64 {
	if len(x) < radixThreshold {
		slices.Sort(x)
		return room
	}
	return radixSortWith(x, room, orderedBits)
}

// orderedBits maps a float64 to an integer of the same order: negative numbers have
// all bits turned, the others their sign.
func orderedBits(v float64) uint64 {
	b := math.Float64bits(v)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// fromOrderedBits undoes orderedBits.
func fromOrderedBits(k uint64) float64 {
	if k>>63 != 0 {
		return math.Float64frombits(k ^ 1<<63)
	}
	return math.Float64frombits(^k)
}

// radixSort sorts by key, least significant digit first, and is stable. Digits that
// are equal in all keys cost one counting pass and no move, which is common: the
// values of a metric share their magnitude.
func radixSort[T any](x []T, key func(T) uint64) { radixSortWith(x, nil, key) }

// radixSortWith is radixSort with memory that it may use; it returns that memory, or
// more, for the next time.
func radixSortWith[T any](x, room []T, key func(T) uint64) []T {
	const bits, buckets = 11, 1 << 11
	const digits = (64 + bits - 1) / bits
	if len(x) == 0 {
		return room
	}
	if cap(room) < len(x) {
		room = make([]T, len(x))
	}
	// Only digits in which keys differ are worth a look.
	first, differ := key(x[0]), uint64(0)
	for i := range x {
		differ |= key(x[i]) ^ first
	}
	var counts [digits][buckets]uint32
	var used [digits]int
	n := 0
	for d := range digits {
		if differ>>(d*bits)&(buckets-1) != 0 {
			used[n] = d * bits
			n++
		}
	}
	for i := range x {
		k := key(x[i])
		for u, shift := range used[:n] {
			counts[u][k>>shift&(buckets-1)]++
		}
	}
	from, to := x, room[:len(x)]
	for u, shift := range used[:n] {
		c := &counts[u]
		offset := uint32(0)
		for b := range c {
			c[b], offset = offset, offset+c[b]
		}
		for i := range from {
			b := key(from[i]) >> shift & (buckets - 1)
			to[c[b]] = from[i]
			c[b]++
		}
		from, to = to, from
	}
	if &from[0] != &x[0] {
		copy(x, from)
	}
	return room
}
