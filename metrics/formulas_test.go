package metrics

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

// chatStreaming are the options of a streaming chat endpoint under a closed loop.
var chatStreaming = Options{
	ProducesTokens: true, TokenizesInput: true, Streaming: true,
	UsagePctDiffThreshold: 10, OSLMismatchPctThreshold: 5, OSLMismatchMaxTokens: 50,
}

// streamed is a request that started at 1000 and had content at each of stamps.
func streamed(stamps ...clock.MonoNS) *Record {
	r := &Record{TimestampNS: 1_700_000_000_000_000_000, StartPerfNS: 1000, Tokens: NoTokens, Streamed: true}
	for _, s := range stamps {
		r.Responses = append(r.Responses, Response{PerfNS: s, Content: true, Output: true})
	}
	return r
}

// valuesOf are the metrics of r by tag.
func valuesOf(o Options, r *Record) map[string]Value {
	m := map[string]Value{}
	for _, v := range NewSet(o).AppendValues(nil, r) {
		m[v.Tag] = v
	}
	return m
}

func haveNumber(tag string, want float64) OmegaMatcher {
	return HaveKeyWithValue(tag, HaveField("Number", BeNumerically("~", want, 1e-12*max(1, want))))
}

var _ = Describe("Formulas of latency", func() {
	record := func() *Record {
		r := streamed(101_000_000, 151_000_000, 1_000_001_000)
		r.Responses = append(r.Responses, Response{PerfNS: 1_000_900_000}) // usage frame
		r.Tokens.Output = 10
		return r
	}

	It("count from the start to content, usage frames left out", func() {
		v := valuesOf(chatStreaming, record())
		Expect(v).To(haveNumber("time_to_first_token", 100_999_000))
		Expect(v).To(haveNumber("time_to_second_token", 50_000_000))
		Expect(v).To(haveNumber("request_latency", 1_000_000_000))
		Expect(v).To(haveNumber("decode_duration", 899_001_000))
		Expect(v["inter_chunk_latency"].List).To(Equal([]float64{50_000_000, 849_001_000}))
		Expect(v).To(haveNumber("inter_token_latency", 99_889_000))
		Expect(v).To(haveNumber("output_token_throughput_per_user", 1e9/99_889_000.0))
		Expect(v).To(haveNumber("e2e_output_token_throughput", 10))
		Expect(v["request_latency"].Integer).To(BeTrue())
		Expect(v["inter_token_latency"].Integer).To(BeFalse())
	})

	It("have no token times where a plain answer came instead of a stream", func() {
		r := record()
		r.Streamed, r.Responses = false, r.Responses[2:3]
		v := valuesOf(chatStreaming, r)
		Expect(v).To(haveNumber("request_latency", 1_000_000_000))
		Expect(v).To(haveNumber("e2e_output_token_throughput", 10))
		for _, tag := range []string{
			"time_to_first_token", "time_to_second_token", "time_to_first_output_token", "inter_chunk_latency",
			"inter_token_latency", "output_token_throughput_per_user", "prefill_throughput_per_user", "decode_duration",
		} {
			Expect(v).NotTo(HaveKey(tag))
		}
	})

	It("have no inter token latency for a single token", func() {
		r := record()
		r.Tokens.Output = 1
		v := valuesOf(chatStreaming, r)
		Expect(v).NotTo(HaveKey("inter_token_latency"))
		Expect(v).NotTo(HaveKey("output_token_throughput_per_user"))
		Expect(v).To(HaveKey("output_sequence_length"))
	})

	It("let reasoning end the time to first token, not that to first output", func() {
		r := record()
		r.Responses[0].Output = false
		v := valuesOf(chatStreaming, r)
		Expect(v).To(haveNumber("time_to_first_token", 100_999_000))
		Expect(v).To(haveNumber("time_to_first_output_token", 150_999_000))
		for i := range r.Responses {
			r.Responses[i].Output = false
		}
		Expect(valuesOf(chatStreaming, r)).NotTo(HaveKey("time_to_first_output_token"))
	})

	It("have one chunk's first token and latency, but no gap", func() {
		v := valuesOf(chatStreaming, streamed(5000))
		Expect(v).To(haveNumber("time_to_first_token", 4000))
		Expect(v).To(haveNumber("request_latency", 4000))
		Expect(v).NotTo(HaveKey("time_to_second_token"))
		Expect(v).NotTo(HaveKey("inter_chunk_latency"))
	})

	It("keep gaps of 0, of chunks that one read brought", func() {
		Expect(valuesOf(chatStreaming, streamed(5000, 5000, 7000))["inter_chunk_latency"].List).To(Equal([]float64{0, 2000}))
	})

	It("give no value for stamps out of order, and say so once", func() {
		s := NewSet(chatStreaming)
		var failures []string
		s.OnFailure(func(tag string) { failures = append(failures, tag) })
		for range 3 {
			values := s.AppendValues(nil, streamed(5000, 7000, 6000))
			Expect(values).NotTo(ContainElement(HaveField("Tag", "inter_chunk_latency")))
			Expect(values).To(ContainElement(HaveField("Tag", "request_latency")))
		}
		Expect(failures).To(Equal([]string{"inter_chunk_latency"}))
	})

	It("have no value without a start or without content", func() {
		r := streamed(5000)
		r.StartPerfNS = 0
		Expect(valuesOf(chatStreaming, r)).NotTo(HaveKey("request_latency"))
		Expect(valuesOf(chatStreaming, streamed())).NotTo(HaveKey("request_latency"))
	})
})

var _ = Describe("Formulas of lengths", func() {
	DescribeTable("count tokens", func(t TokenCounts, tag string, want float64) {
		r := streamed(5000)
		r.Tokens = t
		v := valuesOf(chatStreaming, r)
		if want < 0 {
			Expect(v).NotTo(HaveKey(tag))
		} else {
			Expect(v).To(haveNumber(tag, want))
		}
	},
		Entry("OSL has reasoning in it", TokenCounts{-1, 7, 5}, "output_sequence_length", 12.0),
		Entry("OSL of reasoning alone", TokenCounts{-1, -1, 5}, "output_sequence_length", 5.0),
		Entry("no OSL when nothing was counted", TokenCounts{3, -1, -1}, "output_sequence_length", -1.0),
		Entry("an output of 0 is an OSL", TokenCounts{-1, 0, -1}, "output_sequence_length", 0.0),
		Entry("but no output token count", TokenCounts{-1, 0, 4}, "output_token_count", -1.0),
		Entry("a reasoning of 0 is a value", TokenCounts{-1, 4, 0}, "reasoning_token_count", 0.0),
		Entry("an input of 0 is a value", TokenCounts{0, 4, 0}, "input_sequence_length", 0.0),
		Entry("an unknown input is none", TokenCounts{-1, 4, 0}, "input_sequence_length", -1.0),
	)

	DescribeTable("compare with the requested length", func(requested int64, osl int64, mismatch float64) {
		st := NewSet(chatStreaming).NewStore()
		r := streamed(5000)
		r.MaxTokens, r.Tokens.Output = requested, osl
		st.Append(Row{Phase: "profiling", StartNS: 1, EndNS: 2}, NewSet(chatStreaming).AppendValues(nil, r))
		Expect(*byTagOf(st.Summarise(Selection{Phase: "profiling"}))["osl_mismatch_count"].Avg).To(Equal(mismatch))
	},
		Entry("60 of 2000 is above the cap of 50", int64(2000), int64(1940), 1.0),
		Entry("40 of 2000 is not", int64(2000), int64(1960), 0.0),
		Entry("5 of 100 is not above 5 %", int64(100), int64(95), 0.0),
		Entry("6 of 100 is", int64(100), int64(94), 1.0),
		Entry("too long counts as well", int64(100), int64(106), 1.0),
	)

	It("sign the difference to the requested length", func() {
		r := streamed(5000)
		r.MaxTokens, r.Tokens.Output = 100, 94
		Expect(valuesOf(chatStreaming, r)["osl_mismatch_diff_pct"].Number).To(Equal(-6.0))
	})
})

var _ = Describe("Formulas of the server's usage", func() {
	It("compare the server's counts with ours", func() {
		r := streamed(5000)
		r.Tokens = TokenCounts{Input: 64, Output: 15, Reasoning: 5}
		r.Usage = ParseUsage([]byte(`{"prompt_tokens": 82, "completion_tokens": 19, "total_tokens": 101, "completion_tokens_details": {"reasoning_tokens": 4}}`))
		v := valuesOf(chatStreaming, r)
		Expect(v).To(haveNumber("usage_prompt_tokens", 82))
		Expect(v).To(haveNumber("usage_total_tokens", 101))
		Expect(v).To(haveNumber("usage_prompt_tokens_diff_pct", 28.125))
		Expect(v).To(haveNumber("usage_completion_tokens_diff_pct", 5))
		Expect(v).To(haveNumber("usage_reasoning_tokens_diff_pct", 20))
	})

	It("have no difference to a count of 0 and none without usage", func() {
		r := streamed(5000)
		r.Tokens = TokenCounts{Input: 0, Output: 5, Reasoning: -1}
		Expect(valuesOf(chatStreaming, r)).NotTo(HaveKey("usage_prompt_tokens"))
		r.Usage = ParseUsage([]byte(`{"prompt_tokens": 3}`))
		v := valuesOf(chatStreaming, r)
		Expect(v).To(HaveKey("usage_prompt_tokens"))
		Expect(v).NotTo(HaveKey("usage_prompt_tokens_diff_pct"))
	})
})

var _ = Describe("Formulas of the HTTP trace", func() {
	trace := func() *Trace {
		return &Trace{
			PoolWaitStart: 1000, PoolWaitEnd: 1100, DNSStart: 1100, DNSEnd: 1150, ConnectStart: 1150, ConnectEnd: 1400,
			SendStart: 1500, SendEnd: 1600, ReceiveStart: 3000, ReceiveEnd: 5000,
			HasConnection: true, BytesSent: 512, BytesReceived: 2048, ChunksSent: 1, ChunksReceived: 4,
		}
	}
	of := func(t *Trace) map[string]Value {
		r := streamed(5000)
		r.Trace = t
		return valuesOf(chatStreaming, r)
	}

	It("follow a request over a new connection", func() {
		v := of(trace())
		for tag, want := range map[string]float64{
			"http_req_blocked": 100, "http_req_dns_lookup": 50, "http_req_connecting": 250, "http_req_sending": 100,
			"http_req_waiting": 1400, "http_req_receiving": 2000, "http_req_connection_reused": 0,
			"http_req_data_sent": 512, "http_req_chunks_sent": 1, "http_req_data_received": 2048, "http_req_chunks_received": 4,
			"http_req_connection_overhead": 400, "http_req_duration": 3500, "http_req_total": 3900,
		} {
			Expect(v).To(haveNumber(tag, want))
		}
	})

	It("have no set-up on a reused connection", func() {
		t := trace()
		t.Reused, t.PoolWaitStart, t.PoolWaitEnd = true, 0, 0
		v := of(t)
		for _, tag := range []string{"http_req_blocked", "http_req_dns_lookup", "http_req_connecting", "http_req_connection_overhead"} {
			Expect(v).To(haveNumber(tag, 0))
		}
		Expect(v).To(haveNumber("http_req_connection_reused", 1))
	})

	It("leave connection metrics and their sums out when the transport saw no connection", func() {
		t := trace()
		t.HasConnection = false
		v := of(t)
		for _, tag := range []string{"http_req_blocked", "http_req_connection_reused", "http_req_connection_overhead", "http_req_total"} {
			Expect(v).NotTo(HaveKey(tag))
		}
		Expect(v).To(HaveKey("http_req_duration"))
	})

	It("receive a single read in no time, and nothing without a body", func() {
		t := trace()
		t.ChunksReceived, t.ReceiveEnd = 1, 0
		Expect(of(t)).To(haveNumber("http_req_receiving", 0))
		Expect(of(t)).To(haveNumber("http_req_duration", 1500))
		t.ChunksReceived, t.ReceiveStart = 0, 0
		Expect(of(t)).NotTo(HaveKey("http_req_receiving"))
	})

	It("have no value for a start without its end", func() {
		t := trace()
		t.DNSEnd = 0
		Expect(of(t)).NotTo(HaveKey("http_req_dns_lookup"))
	})
})

var _ = Describe("Formulas of the schedule", func() {
	open := chatStreaming
	open.OpenLoop = true

	It("tell late starts from waiting connections", func() {
		r := streamed(9000)
		r.ScheduledNS, r.SendPerfNS = r.TimestampNS-300, 1700
		v := valuesOf(open, r)
		Expect(v).To(haveNumber("start_delay", 300))
		Expect(v).To(haveNumber("send_wait", 700))
		Expect(v).To(haveNumber("send_delay", 1000))
		Expect(v).To(haveNumber("scheduled_time_to_first_token", 8300))
		Expect(v).To(haveNumber("scheduled_request_latency", 8300))
	})

	It("take a start before its time, which two clocks can show, for punctual", func() {
		r := streamed(9000)
		r.ScheduledNS = r.TimestampNS + 5000
		Expect(valuesOf(open, r)).To(haveNumber("start_delay", 0))
	})

	It("have no schedule under a closed loop", func() {
		r := streamed(9000)
		r.ScheduledNS, r.SendPerfNS = r.TimestampNS-300, 1700
		v := valuesOf(chatStreaming, r)
		Expect(v).To(HaveKey("send_wait"))
		Expect(v).NotTo(HaveKey("start_delay"))
		Expect(v).NotTo(HaveKey("scheduled_request_latency"))
	})
})
