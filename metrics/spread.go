package metrics

// SpreadOf is the distribution of a sample in three figures, in the sample's unit; nil
// for an empty sample. It sorts the sample.
func SpreadOf(sample []float64) *Spread {
	if len(sample) == 0 {
		return nil
	}
	sortFloats(sample)
	return &Spread{P50: interpolate(sample, 50), P99: interpolate(sample, 99), Max: sample[len(sample)-1]}
}
