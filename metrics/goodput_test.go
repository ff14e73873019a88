package metrics

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("goodput", func() {
	options := func(slos ...SLO) Options {
		return Options{ProducesTokens: true, TokenizesInput: true, Streaming: true, SLOs: slos}
	}
	// values computes a request's metrics: first token after 100 ms, end after 200 ms, 11 tokens.
	good := func(change func(*Record), slos ...SLO) (float64, bool) {
		r := Record{
			StartPerfNS: 1e9, RecvStartPerfNS: 11e8, EndPerfNS: 12e8, Streamed: true, Tokens: TokenCounts{Input: 5, Output: 11, Reasoning: -1},
			Responses: []Response{{PerfNS: 11e8, Content: true}, {PerfNS: 12e8, Content: true}},
		}
		if change != nil {
			change(&r)
		}
		for _, v := range NewSet(options(slos...)).AppendValues(nil, &r) {
			if v.Tag == "good_request_count" {
				Expect(v.Integer).To(BeTrue())
				return v.Number, true
			}
		}
		return 0, false
	}

	DescribeTable("counts a request that keeps every bound", func(want float64, change func(*Record), slos ...SLO) {
		n, ok := good(change, slos...)
		Expect(ok).To(BeTrue())
		Expect(n).To(Equal(want))
	},
		Entry("kept, borders included", 1.0, nil, SLO{"time_to_first_token", 100}, SLO{"request_latency", 200}),
		Entry("one is not", 0.0, nil, SLO{"time_to_first_token", 99.9}, SLO{"request_latency", 200}),
		Entry("where more is better it is a minimum", 1.0, nil, SLO{"output_sequence_length", 11}),
		Entry("which is missed", 0.0, nil, SLO{"output_sequence_length", 12}),
		Entry("a metric that the request lacks keeps nothing", 0.0, func(r *Record) { r.Tokens.Output = 1 }, SLO{"inter_token_latency", 1000}),
	)

	It("has nothing to say without bounds, or of requests that failed", func() {
		_, ok := good(nil)
		Expect(ok).To(BeFalse())
		_, ok = good(func(r *Record) { r.Failed = true }, SLO{"request_latency", 200})
		Expect(ok).To(BeFalse())
		Expect(NewSet(options()).Has("goodput")).To(BeFalse())
	})

	DescribeTable("refuses bounds that are none", func(s SLO, want string) {
		Expect(CheckSLO(s)).To(MatchError(ContainSubstring(want)))
	},
		Entry("unknown", SLO{"first_word_latency", 1}, "unknown SLO metric 'first_word_latency'"),
		Entry("a list", SLO{"inter_chunk_latency", 1}, "several values for each request"),
		Entry("of the run", SLO{"request_throughput", 1}, "is not one of single requests"),
		Entry("a count", SLO{"request_count", 1}, "is not one of single requests"),
		Entry("negative", SLO{"request_latency", -1}, "finite number from 0 on"),
	)
})
