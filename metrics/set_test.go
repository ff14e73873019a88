package metrics

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("Set", func() {
	DescribeTable("leaves out what a run cannot have", func(change func(*Options), gone, kept []string) {
		o := chatStreaming
		change(&o)
		s := NewSet(o)
		for _, tag := range gone {
			Expect(s.Has(tag)).To(BeFalse(), tag)
		}
		for _, tag := range kept {
			Expect(s.Has(tag)).To(BeTrue(), tag)
		}
	},
		Entry("a streaming chat has it all but audio and a schedule", func(*Options) {},
			[]string{"usage_prompt_audio_tokens", "start_delay"},
			[]string{"time_to_first_token", "usage_discrepancy_count", "adj_time_to_first_token", "effective_concurrency"}),
		Entry("without streaming: no first token, and nothing that needs it", func(o *Options) { o.Streaming = false },
			[]string{"time_to_first_token", "decode_duration", "inter_token_latency", "output_token_throughput_per_user", "prefill_throughput_per_user", "adj_decode_duration"},
			[]string{"request_latency", "output_token_throughput", "e2e_output_token_throughput", "adj_request_latency"}),
		Entry("without output tokens: one difference is enough for discrepancies", func(o *Options) { o.ProducesTokens = false },
			[]string{"output_sequence_length", "total_osl", "total_token_throughput", "e2e_output_token_throughput", "usage_completion_tokens"},
			[]string{"input_sequence_length", "input_token_throughput", "usage_discrepancy_count"}),
		Entry("without any tokens: a requirement that is gone takes its dependants along", func(o *Options) { o.ProducesTokens, o.TokenizesInput = false, false },
			[]string{"usage_discrepancy_count", "input_token_throughput", "total_isl", "overall_usage_prompt_cache_read_pct", "error_isl"},
			[]string{"request_latency", "request_throughput", "request_error_rate", "usage_prompt_cache_read_tokens"}),
		Entry("with the server's counts only: nothing to compare", func(o *Options) { o.ServerTokenCounts = true },
			[]string{"usage_prompt_tokens_diff_pct", "usage_discrepancy_count"},
			[]string{"usage_prompt_tokens", "osl_mismatch_count"}),
		Entry("with audio", func(o *Options) { o.SupportsAudio = true },
			nil, []string{"usage_prompt_audio_tokens", "total_usage_prompt_audio_seconds"}),
		Entry("with a schedule", func(o *Options) { o.OpenLoop = true },
			nil, []string{"start_delay", "send_delay", "scheduled_time_to_first_token"}),
	)

	It("takes errors and cancellations down their own paths", func() {
		r := streamed(5000)
		r.Tokens = TokenCounts{Input: 12, Output: 4, Reasoning: -1}
		r.Failed, r.ContextOverflow = true, true
		v := valuesOf(chatStreaming, r)
		Expect(v).To(HaveLen(2))
		Expect(v).To(haveNumber("error_isl", 12))
		Expect(v).To(haveNumber("context_overflow_count", 1))

		r.Cancelled = true // checked first: such a record also has an error
		Expect(valuesOf(chatStreaming, r)).To(BeEmpty())
	})

	It("appends values after those they follow from, and to what is there", func() {
		r := streamed(5000, 9000)
		r.Tokens = TokenCounts{Input: 12, Output: 4, Reasoning: -1}
		values := NewSet(chatStreaming).AppendValues([]Value{{Tag: "mine"}}, r)
		Expect(values[0].Tag).To(Equal("mine"))
		at := map[string]int{}
		for i, v := range values {
			at[v.Tag] = i
		}
		for _, v := range values[1:] {
			d, _ := Find(v.Tag)
			for _, n := range d.Requires {
				Expect(at[n.Tag]).To(BeNumerically("<", at[v.Tag]), "%s needs %s", v.Tag, n.Tag)
			}
		}
	})

	It("serves several goroutines", func() {
		s := NewSet(chatStreaming)
		done := make(chan int)
		for range 4 {
			go func() {
				n := 0
				for range 200 {
					n = len(s.AppendValues(nil, streamed(5000, 9000)))
				}
				done <- n
			}()
		}
		want := len(s.AppendValues(nil, streamed(5000, 9000)))
		for range 4 {
			Eventually(done).Should(Receive(Equal(want)))
		}
	})
})
