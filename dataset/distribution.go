package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// Shape is the family of a distribution.
type Shape string

// The shapes. The zero Shape is "not set".
const (
	ShapeFixed       Shape = "fixed"
	ShapeNormal      Shape = "normal"     // cut off below 0
	ShapeLogNormal   Shape = "lognormal"  // by mean and median
	ShapeMultimodal  Shape = "multimodal" // a mixture of others
	ShapeEmpirical   Shape = "empirical"  // weighted points
	mostRedraws            = 10_000       // of a value outside the range
	roundingOfMedian       = 1 + 1e-12    // mean and median that are equal but for rounding
)

// Distribution is where a length, a count or a time is drawn from. The zero value is
// "not set"; it draws 0.
type Distribution struct {
	Shape  Shape   `json:"type,omitempty"`
	Value  float64 `json:"value,omitempty"` // fixed
	Mean   float64 `json:"mean,omitempty"`  // normal, lognormal
	Stddev float64 `json:"stddev,omitempty"`
	Median float64 `json:"median,omitempty"`
	Peaks  []Peak  `json:"peaks,omitempty"`
	Points []Point `json:"points,omitempty"`
	// Min and Max clamp what is drawn; it is not drawn again.
	Min *float64 `json:"min,omitempty"`
	Max *float64 `json:"max,omitempty"`
}

// Peak is one part of a mixture.
type Peak struct {
	Distribution
	Weight float64 `json:"weight"` // relative
}

// Point is one value of an empirical distribution.
type Point struct {
	Value  float64 `json:"value"`
	Weight float64 `json:"weight"` // relative
}

// Fixed always draws v.
func Fixed(v float64) Distribution { return Distribution{Shape: ShapeFixed, Value: v} }

// Normal draws around a mean; with a deviation of 0 it is the mean itself.
func Normal(mean, stddev float64) Distribution {
	return Distribution{Shape: ShapeNormal, Mean: mean, Stddev: stddev}
}

// IsSet tells whether anything was asked for.
func (d *Distribution) IsSet() bool { return d.Shape != "" }

// Enabled tells whether what is drawn is more than 0: an expected value of 0 turns off
// what the distribution is for.
func (d *Distribution) Enabled() bool { return d.Expected() > 0 }

// Expected is the mean of the shape, before Min and Max.
func (d *Distribution) Expected() float64 {
	switch d.Shape {
	case ShapeFixed:
		return d.Value
	case ShapeNormal, ShapeLogNormal:
		return d.Mean
	case ShapeMultimodal:
		sum, weights := 0.0, 0.0
		for i := range d.Peaks {
			sum += d.Peaks[i].Weight * d.Peaks[i].Expected()
			weights += d.Peaks[i].Weight
		}
		return ratio(sum, weights)
	case ShapeEmpirical:
		sum, weights := 0.0, 0.0
		for _, p := range d.Points {
			sum += p.Weight * p.Value
			weights += p.Weight
		}
		return ratio(sum, weights)
	}
	return 0
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// constant tells whether every draw gives the same value; such draws take no chance.
func (d *Distribution) constant() bool {
	switch d.Shape {
	case ShapeNormal:
		return d.Stddev <= 0
	case ShapeLogNormal:
		return d.Mean <= d.Median*roundingOfMedian
	case ShapeEmpirical:
		return len(d.Points) == 1
	case ShapeMultimodal:
		return false
	}
	return true
}

// Sample draws a value.
func (d *Distribution) Sample(rng *rand.Rand) float64 { return d.clamp(d.draw(rng)) }

// Int draws a whole number of at least 1: a constant is rounded, half to even, a draw is
// rounded up.
func (d *Distribution) Int(rng *rand.Rand) int {
	x := d.draw(rng)
	if d.constant() {
		x = math.RoundToEven(x)
	} else {
		x = math.Ceil(x)
	}
	return max(1, int(min(d.clamp(x), math.MaxInt32)))
}

func (d *Distribution) clamp(x float64) float64 {
	if d.Min != nil {
		x = max(x, *d.Min)
	}
	if d.Max != nil {
		x = min(x, *d.Max)
	}
	return x
}

func (d *Distribution) draw(rng *rand.Rand) float64 {
	if d.constant() {
		switch d.Shape {
		case ShapeEmpirical:
			return d.Points[0].Value
		case ShapeFixed:
			return d.Value
		}
		return d.Mean
	}
	switch d.Shape {
	case ShapeNormal:
		return BoundedNormal(rng, d.Mean, d.Stddev, 0, math.Inf(1))
	case ShapeLogNormal:
		return d.Median * math.Exp(math.Sqrt(2*math.Log(d.Mean/d.Median))*rng.NormFloat64())
	case ShapeMultimodal:
		return d.Peaks[pick(rng, len(d.Peaks), func(i int) float64 { return d.Peaks[i].Weight })].Sample(rng)
	}
	return d.Points[pick(rng, len(d.Points), func(i int) float64 { return d.Points[i].Weight })].Value
}

// pick draws one of n by relative weight.
func pick(rng *rand.Rand, n int, weight func(int) float64) int {
	total := 0.0
	for i := range n {
		total += weight(i)
	}
	u, cum := rng.Float64()*total, 0.0
	for i := range n {
		if cum += weight(i); u < cum {
			return i
		}
	}
	for i := n - 1; i > 0; i-- { // rounding: the last one that can be drawn
		if weight(i) > 0 {
			return i
		}
	}
	return 0
}

// BoundedNormal draws from a normal distribution until the value lies in [lo, hi]; when
// that is hopeless it is the mean, clamped.
func BoundedNormal(rng *rand.Rand, mean, stddev, lo, hi float64) float64 {
	for range mostRedraws {
		if x := mean + stddev*rng.NormFloat64(); x >= lo && x <= hi {
			return x
		}
	}
	return min(max(mean, lo), hi)
}

// Check says what is wrong with the numbers, by key; nothing when they make sense.
func (d *Distribution) Check() (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	finite := func(key string, v float64) bool {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			bad("%s: expected a finite number", key)
			return false
		}
		return true
	}
	atLeastZero := func(key string, v float64) {
		if finite(key, v) && v < 0 {
			bad("%s: must be at least 0, got %g", key, v)
		}
	}
	switch d.Shape {
	case "":
	case ShapeFixed:
		atLeastZero("value", d.Value)
	case ShapeNormal:
		atLeastZero("mean", d.Mean)
		atLeastZero("stddev", d.Stddev)
	case ShapeLogNormal:
		if finite("mean", d.Mean) && finite("median", d.Median) {
			switch {
			case d.Mean <= 0 || d.Median <= 0:
				bad("mean, median: must be above 0, got %g and %g", d.Mean, d.Median)
			case d.Median > d.Mean:
				bad("median: must be at most the mean %g of a log-normal distribution, got %g", d.Mean, d.Median)
			}
		}
	case ShapeMultimodal:
		problems = append(problems, d.checkPeaks()...)
	case ShapeEmpirical:
		if len(d.Points) == 0 {
			bad("points: want at least one")
		}
		for i, p := range d.Points {
			finite(fmt.Sprintf("points[%d].value", i), p.Value)
			if finite(fmt.Sprintf("points[%d].weight", i), p.Weight) && p.Weight <= 0 {
				bad("points[%d].weight: must be above 0, got %g", i, p.Weight)
			}
		}
	default:
		bad("type: no such distribution %q; there are: fixed, normal, lognormal, multimodal, empirical", d.Shape)
	}
	if d.Min != nil {
		finite("min", *d.Min)
	}
	if d.Max != nil {
		finite("max", *d.Max)
	}
	if d.Min != nil && d.Max != nil && *d.Min > *d.Max {
		bad("min: must be at most max %g, got %g", *d.Max, *d.Min)
	}
	return problems
}

func (d *Distribution) checkPeaks() (problems []string) {
	if len(d.Peaks) < 2 {
		problems = append(problems, fmt.Sprintf("peaks: want at least 2, got %d", len(d.Peaks)))
	}
	sum := 0.0
	for i := range d.Peaks {
		p := &d.Peaks[i]
		at := fmt.Sprintf("peaks[%d].", i)
		if !p.IsSet() {
			problems = append(problems, strings.TrimSuffix(at, ".")+": want a distribution")
		}
		for _, text := range p.Distribution.Check() {
			problems = append(problems, at+text)
		}
		if p.Weight < 0 || math.IsNaN(p.Weight) || math.IsInf(p.Weight, 0) {
			problems = append(problems, fmt.Sprintf("%sweight: must be a finite number of at least 0, got %g", at, p.Weight))
		}
		sum += p.Weight
	}
	if len(d.Peaks) > 1 && sum <= 0 {
		problems = append(problems, "peaks: the weights add up to 0")
	}
	return problems
}

// String is the distribution in a few words.
func (d *Distribution) String() string {
	text := ""
	switch d.Shape {
	case "":
		return "none"
	case ShapeNormal:
		if text = fmt.Sprintf("%g", d.Mean); d.Stddev > 0 {
			text += fmt.Sprintf(" ± %g", d.Stddev)
		}
	case ShapeLogNormal:
		text = fmt.Sprintf("%g on average, half of them up to %g (log-normal)", d.Mean, d.Median)
	case ShapeMultimodal:
		text = fmt.Sprintf("%g on average, in %d peaks", d.Expected(), len(d.Peaks))
	case ShapeEmpirical:
		text = fmt.Sprintf("%g on average, of %d values", d.Expected(), len(d.Points))
	default:
		text = fmt.Sprintf("%g", d.Value)
	}
	if d.Min != nil {
		text += fmt.Sprintf(", at least %g", *d.Min)
	}
	if d.Max != nil {
		text += fmt.Sprintf(", at most %g", *d.Max)
	}
	return text
}
