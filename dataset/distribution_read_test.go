package dataset

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"gopkg.in/yaml.v3"
)

func read(text string) (Distribution, []string) {
	var v any
	Expect(yaml.Unmarshal([]byte(text), &v)).To(Succeed())
	return ReadDistribution(v)
}

var _ = DescribeTable("a written distribution is understood", func(text string, want Distribution) {
	got, problems := read(text)
	Expect(problems).To(BeEmpty())
	Expect(got).To(Equal(want))
},
	Entry("a number", "128", Fixed(128)),
	Entry("a fixed value", "{value: 12.5}", Fixed(12.5)),
	Entry("a mean", "{mean: 100}", Normal(100, 0)),
	Entry("a normal", "{mean: 100, stddev: 5, min: 1, max: 200}", Distribution{Shape: ShapeNormal, Mean: 100, Stddev: 5, Min: new(1.0), Max: new(200.0)}),
	Entry("a log-normal", "{mean: 200, median: 100}", Distribution{Shape: ShapeLogNormal, Mean: 200, Median: 100}),
	Entry("a named one", "{type: lognormal, mean: 200, median: 100}", Distribution{Shape: ShapeLogNormal, Mean: 200, Median: 100}),
	Entry("peaks in both notations", "{peaks: [{mean: 20, stddev: 5, weight: 3}, {distribution: {value: 200}}, 7]}",
		Distribution{Shape: ShapeMultimodal, Peaks: []Peak{{Normal(20, 5), 3}, {Fixed(200), 1}, {Fixed(7), 1}}}),
	Entry("points", "{points: [{value: 64, weight: 3}, {value: 512}]}", Distribution{Shape: ShapeEmpirical, Points: []Point{{64, 3}, {512, 1}}}),
)

var _ = DescribeTable("a distribution that is none says why", func(text string, want ...string) {
	_, problems := read(text)
	Expect(problems).To(HaveLen(len(want)), "%v", problems)
	for i := range want {
		Expect(problems[i]).To(ContainSubstring(want[i]))
	}
},
	Entry("pairs of lengths", `"128,64:50"`, "sequence_distribution"),
	Entry("a word", "long", `got the text "long"`),
	Entry("a switch", "true", "got true"),
	Entry("a list", "[1, 2]", "expected a number or a distribution"),
	Entry("nothing", "{}", "a distribution needs keys"),
	Entry("other keys", "{low: 1, high: 2}", "no distribution has the keys high, low"),
	Entry("an unknown type", "{type: zipf, mean: 1}", "type: no such distribution zipf"),
	Entry("percentiles", "{p50: 1, p99: 2}", "not supported by this version"),
	Entry("a spread without a mean", "{stddev: 5}", "mean: a normal distribution needs it; the keys are: stddev"),
	Entry("a key of another shape", "{mean: 1, median: 1, stddev: 2}", "stddev: a lognormal distribution has no such key"),
	Entry("a text for a number", "{mean: many}", "mean: expected a number, got many"),
	Entry("one peak", "{peaks: [1]}", "peaks: want at least 2, got 1"),
	Entry("a bad peak", "{peaks: [1, {mean: -1}]}", "peaks[1].mean: must be at least 0"),
	Entry("peaks that are no list", "{peaks: 3}", "peaks: expected a list, got 3"),
	Entry("points without values", "{points: [{weight: 1}, 4]}", "points[0]: expected value", "points[1]: expected value"),
	Entry("crossed bounds", "{value: 1, min: 3, max: 2}", "min: must be at most max"),
)

func FuzzReadDistribution(f *testing.F) {
	for _, s := range []string{"1", "{mean: 2, stddev: 1}", "{peaks: [{points: [{value: 1}]}, {peaks: [1, 2]}]}", "{type: [], min: .nan}"} {
		f.Add(s)
	}
	rng := Random(1)
	f.Fuzz(func(t *testing.T, s string) {
		var v any
		if yaml.Unmarshal([]byte(s), &v) != nil {
			return
		}
		if d, problems := ReadDistribution(v); problems == nil {
			if n := d.Int(rng); n < 1 {
				t.Errorf("%q draws %d", s, n)
			}
		}
	})
}
