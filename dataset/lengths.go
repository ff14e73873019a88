package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// LengthPair is one bucket of a sequence distribution: lengths of input and output that
// go together.
type LengthPair struct {
	ISL    Distribution `json:"isl"`
	OSL    Distribution `json:"osl"`
	Weight float64      `json:"probability"` // relative
}

// PickPair draws a bucket by relative weight.
func PickPair(rng *rand.Rand, pairs []LengthPair) *LengthPair {
	return &pairs[pick(rng, len(pairs), func(i int) float64 { return pairs[i].Weight })]
}

// Styles of a range ratio, named for the tools that they come from.
const (
	StyleVLLM   = "vllm"
	StyleSGLang = "sglang"
)

// RangeRatio spreads lengths evenly around, or below, their mean.
type RangeRatio struct {
	Style  string  `json:"style"`
	Input  float64 `json:"input"`
	Output float64 `json:"output"`
}

// IntRange is a range of whole numbers, both ends included.
type IntRange struct{ Low, High int }

// Draw is uniform.
func (r IntRange) Draw(rng *rand.Rand) int { return r.Low + rng.IntN(r.High-r.Low+1) }

// InputRange is where prompt lengths are drawn from. special is what the tokenizer adds to
// a sequence: style vllm takes it from the mean, style sglang from what was drawn.
func (r *RangeRatio) InputRange(mean, special int) IntRange {
	if r.Style == StyleSGLang {
		return sglangRange(mean, r.Input)
	}
	return vllmRange(max(0, mean-special), r.Input)
}

// OutputRange is where output lengths are drawn from, at least 1.
func (r *RangeRatio) OutputRange(mean int) IntRange {
	if r.Style == StyleSGLang {
		return sglangRange(mean, r.Output)
	}
	out := vllmRange(mean, r.Output)
	return IntRange{max(1, out.Low), max(1, out.High)}
}

func vllmRange(mean int, ratio float64) IntRange {
	m := float64(mean)
	return IntRange{int(math.Floor(m * (1 - ratio))), int(math.Ceil(m * (1 + ratio)))}
}

func sglangRange(mean int, ratio float64) IntRange {
	return IntRange{max(1, int(math.Floor(float64(mean)*ratio))), mean}
}

// Check says what is wrong with the ratios; nothing when they make sense.
func (r *RangeRatio) Check() (problems []string) {
	for _, v := range []struct {
		key   string
		ratio float64
	}{{"input", r.Input}, {"output", r.Output}} {
		switch {
		case math.IsNaN(v.ratio), v.ratio < 0:
			problems = append(problems, fmt.Sprintf("%s: must be at least 0, got %g", v.key, v.ratio))
		case r.Style == StyleSGLang && v.ratio > 1:
			problems = append(problems, fmt.Sprintf("%s: must be at most 1 in style sglang, got %g", v.key, v.ratio))
		case r.Style == StyleVLLM && v.ratio >= 1:
			problems = append(problems, fmt.Sprintf("%s: must be below 1 in style vllm, got %g", v.key, v.ratio))
		}
	}
	if r.Style == StyleSGLang && r.Input != r.Output {
		problems = append(problems, "style sglang takes one ratio for input and output")
	}
	return problems
}
