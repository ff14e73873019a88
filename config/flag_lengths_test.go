package config

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/dataset"
)

var _ = Describe("a sequence distribution", func() {
	want := []dataset.LengthPair{
		{ISL: dataset.Normal(64, 10), OSL: dataset.Normal(32, 8), Weight: 70},
		{ISL: dataset.Normal(256, 0), OSL: dataset.Normal(128, 2.5), Weight: 30},
	}
	DescribeTable("is read in every notation", func(text string) {
		Expect(ParseSequenceDistribution(text)).To(Equal(want))
	},
		Entry(nil, "64|10,32|8:70;256,128|2.5:30"),
		Entry(nil, " 64 | 10 , 32 | 8 : 70 ; 256 , 128 | 2.5 : 30 ; "),
		Entry(nil, "[(64|10,32|8):70,(256,128|2.5):30]"),
		Entry(nil, "[ (64|10, 32|8) : 70 , (256,128|2.5) : 30 ]"),
		Entry(nil, `{"pairs":[{"isl":64,"isl_stddev":10,"osl":32,"osl_stddev":8,"prob":70},{"isl":256,"osl":128,"osl_stddev":2.5,"prob":30}]}`),
	)
	DescribeTable("names what is wrong", func(text, reason string) {
		_, err := ParseSequenceDistribution(text)
		Expect(err).To(MatchError(ContainSubstring(reason)))
	},
		Entry(nil, " ", "is empty"), Entry(nil, ";", "has no pair"), Entry(nil, "64,32", `malformed pair "64,32"`),
		Entry(nil, "64,32:70;x", `malformed pair "x"`), Entry(nil, "0,32:1", "at least 1, got 0"), Entry(nil, "64,32:0", "add up to 0"),
		Entry(nil, "-64,32:1", "malformed"), Entry(nil, "[(64,32):1 (8,4):1]", "malformed"), Entry(nil, "[(64,32):1]x", "malformed"), Entry(nil, "[]", "malformed"),
		Entry(nil, `{"pair":[]}`, "unknown field"), Entry(nil, `{}`, `has no "pairs"`), Entry(nil, `{"pairs":[]}`, "has no pair"),
		Entry(nil, `{"pairs":[{"isl":1}]}`, "pair 0 lacks osl, prob"), Entry(nil, `{"pairs":[{"isl":1.5,"osl":1,"prob":1}]}`, "got 1.5"),
		Entry(nil, `{"pairs":[{"isl":1,"osl":1,"osl_stddev":-1,"prob":1}]}`, "at least 0"), Entry(nil, `{"pairs":[`, "no valid JSON"), Entry(nil, `{} {}`, "text after"),
	)
})

var _ = DescribeTable("a range ratio", func(text string, want dataset.RangeRatio, reason string) {
	got, err := ParseRangeRatio(text)
	if reason != "" {
		Expect(err).To(MatchError(ContainSubstring(reason)))
		return
	}
	Expect(err).NotTo(HaveOccurred())
	Expect(got).To(Equal(want))
},
	Entry("one number", "0.3", dataset.RangeRatio{Input: 0.3, Output: 0.3}, ""),
	Entry("one for each direction", `{"input":0.2,"output":0.5}`, dataset.RangeRatio{Input: 0.2, Output: 0.5}, ""),
	Entry("half of it", `{"input":0.2}`, dataset.RangeRatio{}, `needs "input" and "output"`),
	Entry("no number", "much", dataset.RangeRatio{}, "finite number"),
	Entry("another key", `{"in":1}`, dataset.RangeRatio{}, "unknown field"),
)

func FuzzParseSequenceDistribution(f *testing.F) {
	for _, s := range []string{"64|10,32|8:70;256,128:30", "[(64|10,32):1,(8,4):1]", `{"pairs":[{"isl":1,"osl":2,"prob":3}]}`, "[((,):,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		pairs, err := ParseSequenceDistribution(s)
		if err != nil {
			return
		}
		for i := range pairs {
			for _, problem := range append(pairs[i].ISL.Check(), pairs[i].OSL.Check()...) {
				t.Errorf("%q: %s", s, problem)
			}
		}
	})
}
