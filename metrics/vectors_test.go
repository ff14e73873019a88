package metrics

import (
	"encoding/json"
	"fmt"
	"math"
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// vectors are inputs with the results that AIPerf (Python) 0.13.0 gives for them.
type vectors struct {
	Record []struct {
		Name   string
		Values []float64
		Expect figures
	}
	Adjusted []struct {
		Name   string
		Values []float64
		Errors int
		Expect figures
	}
	Sweep []sweepVector
	Usage []struct {
		Usage  json.RawMessage
		Expect map[string]*float64
	}
}

type sweepVector struct {
	Name   string
	Curve  string
	Input  sweepInput
	Events [][2]float64
	Window [2]float64
	Expect figures
	Active figures `json:"expect_active"`
}

type sweepInput struct {
	Start []*float64  `json:"start_ns"`
	Gen   []*float64  `json:"generation_start_ns"`
	End   []*float64  `json:"end_ns"`
	ISL   []*float64  `json:"isl"`
	OSL   []*float64  `json:"osl"`
	Gaps  [][]float64 `json:"inter_chunk_latency"`
}

func (in *sweepInput) requests() []request {
	value := func(v *float64) float64 {
		if v == nil {
			return absent
		}
		return *v
	}
	var out []request
	for i := range in.Start {
		r := request{start: value(in.Start[i]), genStart: value(in.Gen[i]), end: value(in.End[i]), isl: value(in.ISL[i]), osl: value(in.OSL[i])}
		if in.Gaps != nil {
			r.gaps = gapsOf(in.Gaps[i]...)
		}
		out = append(out, r)
	}
	return out
}

// figures are expected statistics by name; null is absent and "+Inf" infinite.
type figures map[string]any

// expect compares a result's statistics. An infinite figure must be absent.
func (f figures) expect(s Stats) {
	GinkgoHelper()
	got := map[string]*float64{
		"avg": s.Avg, "min": s.Min, "max": s.Max, "std": s.Std, "sum": s.Sum, "p1": s.P1, "p5": s.P5, "p10": s.P10,
		"p25": s.P25, "p50": s.P50, "p75": s.P75, "p90": s.P90, "p95": s.P95, "p99": s.P99,
	}
	if s.Count != nil {
		got["count"] = present(float64(*s.Count))
	}
	for name, want := range f {
		if name == "std_sample" {
			continue // telemetry's, not a client metric's
		}
		number, isNumber := want.(float64)
		if !isNumber {
			Expect(got[name]).To(BeNil(), name)
			continue
		}
		Expect(got[name]).NotTo(BeNil(), name)
		tolerance := 1e-12
		if name == "std" {
			tolerance = 1e-9
		}
		Expect(*got[name]).To(BeNumerically("~", number, tolerance*math.Abs(number)+1e-300), name)
	}
}

func loadVectors() vectors {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		panic(err)
	}
	var v vectors
	if err := json.Unmarshal(raw, &v); err != nil {
		panic(err)
	}
	return v
}

func same(v float64) float64 { return v }

var _ = Describe("the reference vectors", func() {
	v := loadVectors()

	for _, c := range v.Record {
		It("describes the sample "+c.Name, func() {
			d, ok := describe(c.Values)
			Expect(ok).To(BeTrue())
			c.Expect.expect(d.stats(same))
		})
	}

	for _, c := range v.Adjusted {
		It("adjusts for errors: "+c.Name, func() {
			d, ok := describe(c.Values)
			Expect(ok).To(BeTrue())
			Expect(d.n).To(BeEquivalentTo(len(c.Values)))
			c.Expect.expect(adjustedStats(c.Values, c.Errors, same))
		})
	}

	for _, c := range v.Sweep {
		if c.Name == "gaps_known_for_one_of_two" && (c.Curve == "decode_rate_per_ns" || c.Curve == "tokens_in_flight") {
			continue // a request without gaps vanishes there; ours is spread evenly, see below
		}
		It(fmt.Sprintf("draws %s of %s", c.Curve, c.Name), func() {
			l := newLoad(c.Input.requests())
			got, mask := l.named(c.Curve)
			Expect(got).To(matchSteps(c.Events))
			w := window{c.Window[0], c.Window[1]}
			s, ok := weigh(got.segments(w))
			Expect(ok).To(BeTrue())
			c.Expect.expect(s.stats(1))
			if c.Active != nil {
				s, ok = weigh(got.segmentsWhere(mask, w))
				Expect(ok).To(BeTrue())
				c.Active.expect(s.stats(1))
			}
		})
	}

	for _, c := range v.Usage {
		It("reads the usage object "+string(c.Usage), func() {
			u := ParseUsage(c.Usage)
			Expect(u).NotTo(BeNil())
			for name, got := range u.byName() {
				want, listed := c.Expect[name]
				Expect(listed).To(BeTrue(), name)
				if want == nil {
					Expect(got).To(BeNumerically("<", 0), name)
				} else {
					Expect(got).To(Equal(*want), name)
				}
			}
		})
	}
})

func (l *load) named(name string) (c, mask curve) {
	switch name {
	case "concurrency":
		return l.concurrency, nil
	case "decode_rate_per_ns":
		return l.decodeRate, l.decodeConcurrency
	case "prefill_rate_per_ns":
		return l.prefillRate, l.prefillConcurrency
	case "total_rate_per_ns":
		return l.totalRate, l.concurrency
	case "tokens_in_flight":
		return l.tokensInFlight, nil
	}
	panic(name)
}

// matchSteps compares step functions: of several events at one time the last counts.
func matchSteps(events [][2]float64) OmegaMatcher {
	var want curve
	largest := 0.0
	for i, e := range events {
		largest = max(largest, math.Abs(e[1]))
		if i+1 < len(events) && events[i+1][0] == e[0] {
			continue
		}
		want = append(want, event{e[0], e[1]})
	}
	return WithTransform(func(got curve) string {
		if len(got) != len(want) {
			return fmt.Sprintf("%v, want %v", got, want)
		}
		for i := range got {
			if got[i].t != want[i].t || math.Abs(got[i].v-want[i].v) > 1e-12*largest {
				return fmt.Sprintf("%v, want %v", got, want)
			}
		}
		return ""
	}, BeEmpty())
}

func (u *Usage) byName() map[string]float64 {
	return map[string]float64{
		"prompt_tokens": float64(u.PromptTokens), "prompt_uncached_tokens": float64(u.PromptUncachedTokens),
		"completion_tokens": float64(u.CompletionTokens), "total_tokens": float64(u.TotalTokens),
		"reasoning_tokens":         float64(u.ReasoningTokens),
		"prompt_cache_read_tokens": float64(u.PromptCacheReadTokens), "prompt_cache_write_tokens": float64(u.PromptCacheWriteTokens),
		"prompt_cache_miss_tokens": float64(u.PromptCacheMissTokens), "prompt_audio_tokens": float64(u.PromptAudioTokens),
		"completion_audio_tokens":    float64(u.CompletionAudioTokens),
		"accepted_prediction_tokens": float64(u.AcceptedPredictionTokens), "rejected_prediction_tokens": float64(u.RejectedPredictionTokens),
		"tool_use_prompt_tokens": float64(u.ToolUsePromptTokens), "prompt_audio_seconds": u.PromptAudioSeconds,
	}
}
