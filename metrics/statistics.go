package metrics

import "math"

// percentiles that every distribution has, in %.
var percentiles = [...]float64{1, 5, 10, 25, 50, 75, 90, 95, 99}

// distribution are the statistics of a sample, all in the sample's unit.
type distribution struct {
	n             int64
	sum, avg      float64
	min, max, std float64
	quantiles     [len(percentiles)]float64
}

// describe computes the statistics of a sample, which it sorts. ok is false for an
// empty one.
//
//	avg = sum / n
//	std = sqrt(Σ (x − avg)² / n)        population; two passes
//	pQ  = linear interpolation between the closest ranks, rank = Q/100 · (n − 1)
//
// The sums run over the sorted sample and carry their rounding error along, so that
// the order of arrival leaves no trace.
func describe(sample []float64) (d distribution, ok bool) {
	if len(sample) == 0 {
		return d, false
	}
	sortFloats(sample)
	return describeSorted(sample), true
}

// describeSorted is describe for a sample that is sorted, and not empty.
func describeSorted(sample []float64) (d distribution) {
	n := float64(len(sample))
	d.n = int64(len(sample))
	d.min, d.max = sample[0], sample[len(sample)-1]
	var sum, squares compensated
	for _, x := range sample {
		sum.add(x)
	}
	d.sum = sum.value()
	d.avg = min(max(d.sum/n, d.min), d.max)
	for _, x := range sample {
		squares.add((x - d.avg) * (x - d.avg))
	}
	d.std = math.Sqrt(squares.value() / n)
	for i, q := range percentiles {
		d.quantiles[i] = interpolate(sample, q)
	}
	return d
}

// interpolate is the q-th percentile of a sorted, non-empty sample.
func interpolate(sorted []float64, q float64) float64 {
	rank := q / 100 * float64(len(sorted)-1)
	low := int(rank)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (rank-float64(low))*(sorted[high]-sorted[low])
}

// compensated is a sum that keeps what each addition rounds off (Neumaier). The zero
// value is an empty sum.
type compensated struct{ sum, lost float64 }

func (c *compensated) add(x float64) {
	t := c.sum + x
	if math.Abs(c.sum) >= math.Abs(x) {
		c.lost += (c.sum - t) + x
	} else {
		c.lost += (x - t) + c.sum
	}
	c.sum = t
}

func (c *compensated) value() float64 { return c.sum + c.lost }

// stats converts to what a result shows; convert maps a value to the display unit.
func (d *distribution) stats(convert func(float64) float64) Stats {
	shown := func(v float64) *float64 { return present(convert(v)) }
	q := &d.quantiles
	return Stats{
		Avg: shown(d.avg),
		P1:  shown(q[0]), P5: shown(q[1]), P10: shown(q[2]), P25: shown(q[3]), P50: shown(q[4]),
		P75: shown(q[5]), P90: shown(q[6]), P95: shown(q[7]), P99: shown(q[8]),
		Min: shown(d.min), Max: shown(d.max), Std: shown(d.std),
		Count: &d.n, Sum: shown(d.sum),
	}
}

// present is v as an optional figure: absent when it is not finite.
func present(v float64) *float64 {
	if !finite(v) {
		return nil
	}
	return &v
}
