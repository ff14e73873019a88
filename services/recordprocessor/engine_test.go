package recordprocessor

import (
	"math"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins/endpoints"
)

var _ = Describe("a successful request", func() {
	It("becomes a record with its place, its times and its metrics", func() {
		rec := one(newFixture().engine(), answer(`{"choices":[{"delta":{"role":"assistant"}}]}`, delta("Hel"), delta("lo wor"), delta("ld"), usageChunk, "[DONE]"))
		Expect(rec.Error).To(BeNil())
		Expect(rec.Metadata).To(Equal(messages.RecordMetadata{
			SessionNum: 7, XRequestID: "r-7", XCorrelationID: "x-1", ConversationID: "session_000000", CreditIssuedNS: startNS - 5,
			RequestStartNS: startNS, RequestAckNS: startNS + 2e6, RequestEndNS: startNS + 70e6, WorkerID: "worker_1", RecordProcessorID: "rp_1",
			BenchmarkPhase: "profiling", PhaseIndex: 1, PhaseName: "main", ScheduledNS: startNS - 3, StampSource: "kernel", RecvBytes: 123,
			GenStartNS: startNS + 30e6, EventCount: 5, CoalescedEvents: 2,
		}))
		n := numbers(rec)
		Expect(n).To(HaveKeyWithValue("time_to_first_token", 30e6), "the chunk with the role only is no content")
		Expect(n).To(HaveKeyWithValue("request_latency", 50e6), "usage and the end marker are no content")
		Expect(n).To(HaveKeyWithValue("input_sequence_length", 4.0))
		Expect(n).To(HaveKeyWithValue("output_sequence_length", 2.0), "two words in three chunks")
		Expect(n).To(HaveKeyWithValue("usage_prompt_tokens", 11.0))
	})

	It("is counted as a whole text, never chunk by chunk", func() {
		f := newFixture()
		rec := one(f.engine(), answer(delta("a"), delta("b"), delta("c d")))
		Expect(numbers(rec)).To(HaveKeyWithValue("output_sequence_length", 2.0))
		Expect(f.words.calls).To(Equal(2), "one count of the input, one of the output")
	})

	It("has no time to first token when it came in one piece, with one warning", func() {
		f := newFixture()
		e := f.engine()
		for range 2 {
			raw := answer(`{"object":"chat.completion","choices":[{"message":{"content":"one piece"}}]}`)
			raw.Streamed = false
			rec := one(e, raw)
			Expect(rec.Error).To(BeNil())
			Expect(numbers(rec)).NotTo(HaveKey("time_to_first_token"))
			Expect(numbers(rec)).To(HaveKeyWithValue("output_sequence_length", 2.0))
		}
		Expect(f.warnings).To(ConsistOf(ContainSubstring("in one piece")))
	})

	It("keeps reasoning and content apart", func() {
		rec := one(newFixture().engine(), answer(
			`{"choices":[{"delta":{"reasoning_content":"let me think"}}]}`, delta("two words")))
		n := numbers(rec)
		Expect(n).To(HaveKeyWithValue("reasoning_token_count", 3.0))
		Expect(n).To(HaveKeyWithValue("output_token_count", 2.0))
		Expect(n).To(HaveKeyWithValue("time_to_first_token", 20e6))
		Expect(n).To(HaveKeyWithValue("time_to_first_output_token", 30e6))
	})

	It("counts the text beside a tool call, and the call", func() {
		rec := one(newFixture().engine(), answer(
			`{"choices":[{"delta":{"content":"I look. ","tool_calls":[{"index":0,"function":{"name":"find","arguments":" {\"q\": 1}"}}]}}]}`))
		Expect(rec.Error).To(BeNil())
		Expect(numbers(rec)).To(HaveKeyWithValue("output_token_count", 5.0))
	})

	It("has no input length where the body has no text, and never a planned one", func() {
		f := newFixture()
		raw := answer(delta("x"))
		raw.Credit.ConversationIndex = 1 // of which the dataset holds no body
		Expect(numbers(one(f.engine(), raw))).NotTo(HaveKey("input_sequence_length"))
		raw.Credit.ConversationIndex = 99
		Expect(numbers(one(f.engine(), raw))).NotTo(HaveKey("input_sequence_length"))
		raw.PayloadBytes = []byte(`{"unknown":"shape"}`)
		Expect(numbers(one(f.engine(), raw))).NotTo(HaveKey("input_sequence_length"))
		raw.PayloadBytes = []byte("no JSON")
		Expect(numbers(one(f.engine(), raw))).NotTo(HaveKey("input_sequence_length"))
	})

	It("counts the body that travelled with it before the dataset's", func() {
		raw := answer(delta("x"))
		raw.PayloadBytes = []byte(`{"messages":[{"role":"user","content":"a b c d e f"}]}`)
		Expect(numbers(one(newFixture().engine(), raw))).To(HaveKeyWithValue("input_sequence_length", 6.0))
	})

	It("counts the token ids of a body too", func() {
		raw := answer(delta("x"))
		raw.PayloadBytes = []byte(`{"prompt":[[5,6,7],"two words"]}`)
		Expect(numbers(one(newFixture().engine(), raw))).To(HaveKeyWithValue("input_sequence_length", 5.0))
		raw.PayloadBytes = []byte(`{"prompt":[5,6]}`)
		Expect(numbers(one(newFixture().engine(), raw))).To(HaveKeyWithValue("input_sequence_length", 2.0))
	})

	It("counts a body of the dataset once", func() {
		f := newFixture()
		e := f.engine()
		for range 5 {
			Expect(numbers(one(e, answer(delta("x"))))).To(HaveKeyWithValue("input_sequence_length", 4.0))
		}
		Expect(f.words.calls).To(Equal(1 + 5))
	})

	It("takes the requested length from the worker, else from the dataset", func() {
		e := newFixture().engine()
		Expect(e.maxTokens(answer())).To(Equal(9))
		raw := answer()
		raw.MaxTokens = 3
		Expect(e.maxTokens(raw)).To(Equal(3))
	})
})

var _ = Describe("server counts", func() {
	server := func() *fixture {
		f := newFixture()
		f.settings.countInput, f.settings.countOutput, f.settings.serverCounts = false, false, true
		f.deps.counter = nil
		return f
	}

	It("come from one usage object, the last", func() {
		first := `{"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`
		n := numbers(one(server().engine(), answer(first, usageChunk)))
		Expect(n).To(HaveKeyWithValue("input_sequence_length", 11.0))
		Expect(n).To(HaveKeyWithValue("output_token_count", 5.0), "completion without reasoning")
		Expect(n).To(HaveKeyWithValue("reasoning_token_count", 2.0))
		Expect(n).To(HaveKeyWithValue("output_sequence_length", 7.0))
	})

	It("pass over an empty usage object", func() {
		first := `{"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}`
		Expect(numbers(one(server().engine(), answer(first, `{"choices":[],"usage":{}}`)))).To(HaveKeyWithValue("input_sequence_length", 5.0))
	})

	It("are missing, with one warning, when the server sends none", func() {
		f := server()
		e := f.engine()
		for range 3 {
			rec := one(e, answer(delta("x")))
			Expect(rec.Error).To(BeNil())
			Expect(numbers(rec)).NotTo(HaveKey("output_sequence_length"))
		}
		Expect(f.warnings).To(HaveLen(1))
		Expect(f.warnings[0]).To(ContainSubstring("stream_options"))
	})

	It("never become negative", func() {
		f := server()
		e := f.engine()
		rec := one(e, answer(delta("x"), `{"choices":[],"usage":{"completion_tokens":3,"completion_tokens_details":{"reasoning_tokens":9}}}`))
		Expect(rec.Error).To(BeNil())
		Expect(e.record.Tokens).To(Equal(metrics.TokenCounts{Input: -1, Output: 0, Reasoning: 9}))
		Expect(f.warnings).To(HaveLen(1))
	})
})

var _ = Describe("a request that failed", func() {
	DescribeTable("becomes an error record", func(change func(*messages.RequestRecord), typ, text string) {
		raw := answer(delta("Hello"))
		change(raw)
		rec := one(newFixture().engine(), raw)
		Expect(rec.Error).NotTo(BeNil())
		Expect(rec.Error.Type).To(Equal(typ))
		Expect(rec.Error.Message).To(Equal(text))
		Expect(rec.Metadata.RequestEndNS).To(Equal(wallOf(raw, endOf(raw))))
		Expect(rec.Metadata.GenStartNS).To(BeZero())
		n := numbers(rec)
		Expect(n).NotTo(HaveKey("request_latency"))
		Expect(n).NotTo(HaveKey("output_sequence_length"))
		Expect(n).To(HaveKeyWithValue("error_isl", 4.0), "the input was sent all the same")
	},
		Entry("with the worker's reason", func(r *messages.RequestRecord) {
			r.Responses, r.Error = nil, messages.NewError("Service Unavailable", "overloaded").WithCode(503)
		}, "Service Unavailable", "overloaded"),
		Entry("without a response", func(r *messages.RequestRecord) { r.Responses = nil },
			invalidResult, "Invalid inference result: No responses were received"),
		Entry("with a response that was never stamped", func(r *messages.RequestRecord) { r.Responses[0].PerfNS = 0 },
			invalidResult, "Invalid inference result: Response 0 perf ns timestamp is invalid: 0"),
		Entry("with a stamp beyond time", func(r *messages.RequestRecord) { r.Responses[0].PerfNS = math.MaxInt64 },
			invalidResult, "Invalid inference result: Response 0 perf ns timestamp is invalid: 9223372036854775807"),
		Entry("with a start before time", func(r *messages.RequestRecord) { r.StartPerfNS = -1 },
			invalidResult, "Invalid inference result: Start perf ns timestamp is invalid: -1"),
		Entry("with markers and usage only", func(r *messages.RequestRecord) {
			r.Responses[0].Bytes = []byte(usageChunk)
			r.Responses = append(r.Responses, messages.RawResponse{Kind: "sse", PerfNS: r.Responses[0].PerfNS + 1, Bytes: []byte("[DONE]")})
		}, invalidResult, "Invalid inference result: No responses with actual content were received from the server (only usage/metadata, null/empty data, or [DONE] markers)"),
		Entry("with an empty completion", func(r *messages.RequestRecord) { r.Responses[0].Bytes = []byte(delta("")) },
			invalidResult, "Invalid inference result: No responses with actual content were received from the server (only usage/metadata, null/empty data, or [DONE] markers)"),
		Entry("with garbage for an answer", func(r *messages.RequestRecord) { r.Responses[0].Bytes = []byte("\xff[{") },
			invalidResult, "Invalid inference result: No responses with actual content were received from the server (only usage/metadata, null/empty data, or [DONE] markers)"),
		Entry("at the instant it began", func(r *messages.RequestRecord) { r.EndPerfNS = r.StartPerfNS },
			invalidResult, "Invalid inference result: End perf ns timestamp is invalid: 1000000000 is not after the start 1000000000"),
		Entry("without a model", func(r *messages.RequestRecord) { r.ModelName = "" },
			invalidResult, "Invalid inference result: The model of the request is not known"),
	)

	It("has an end even when the worker gave none", func() {
		raw := answer()
		raw.EndPerfNS = 0
		rec := one(newFixture().engine(), raw)
		Expect(rec.Metadata.RequestEndNS).To(Equal(startNS))
	})

	It("counts no input with server counts", func() {
		f := newFixture()
		f.settings.countInput, f.settings.serverCounts = false, true
		rec := one(f.engine(), answer())
		Expect(numbers(rec)).NotTo(HaveKey("error_isl"))
	})
})

var _ = Describe("a request that was cancelled", func() {
	It("is cancelled, not failed: none of the other metrics", func() {
		raw := answer(delta("partial"))
		raw.CancellationPerfNS = raw.EndPerfNS
		raw.Error = messages.NewError(cancelledType, "Request cancelled 1.000s after being sent").WithCode(499)
		rec := one(newFixture().engine(), raw)
		Expect(rec.Metadata.WasCancelled).To(BeTrue())
		Expect(rec.Metadata.CancellationTimeNS).To(Equal(rec.Metadata.RequestEndNS))
		Expect(rec.Error).To(Equal(raw.Error))
		Expect(numbers(rec)).NotTo(Or(HaveKey("request_latency"), HaveKey("error_isl"), HaveKey("output_sequence_length")))
	})

	It("has a reason even when the worker gave none", func() {
		raw := answer(delta("partial"))
		raw.CancellationPerfNS = raw.EndPerfNS
		rec := one(newFixture().engine(), raw)
		Expect(rec.Error.Type).To(Equal(cancelledType))
		Expect(*rec.Error.Code).To(BeEquivalentTo(499))
		Expect(rec.Error.Message).To(Equal("Request cancelled by external signal"))
	})
})

// exploding panics where it is told to.
type exploding struct {
	endpoints.Endpoint
	parse, texts bool
}

func (x exploding) Parse(raw *messages.RawResponse, into *endpoints.Response) bool {
	if x.parse {
		panic("cannot read, password hunter2")
	}
	return x.Endpoint.Parse(raw, into)
}

func (x exploding) AppendInput(dst []string, body []byte) ([]string, int) {
	if x.texts {
		panic("no texts")
	}
	return x.Endpoint.AppendInput(dst, body)
}

// explodingCounter panics on answers.
type explodingCounter struct{ words }

func (c *explodingCounter) Count(text string) int {
	if text == "boom" {
		panic("cannot count")
	}
	return c.words.Count(text)
}

var _ = Describe("a plugin that panics", func() {
	It("makes an error record of the response, with the input counted and secrets removed", func() {
		f := newFixture()
		f.deps.endpoint = exploding{Endpoint: chat, parse: true}
		e := f.engine()
		rec := one(e, answer(delta("x")))
		Expect(rec.Error.Type).To(Equal(processingFailed))
		Expect(rec.Error.Message).To(Equal("panic while processing the response: cannot read, password <redacted>"))
		Expect(numbers(rec)).To(HaveKeyWithValue("error_isl", 4.0))
		Expect(rec.Metadata.SessionNum).To(BeEquivalentTo(7))
	})

	It("leaves the input out when that is what cannot be counted", func() {
		f := newFixture()
		f.deps.endpoint = exploding{Endpoint: chat, texts: true}
		rec := one(f.engine(), answer(delta("x")))
		Expect(rec.Error.Type).To(Equal(processingFailed))
		Expect(numbers(rec)).NotTo(HaveKey("error_isl"))
	})

	It("makes an error record when tokens cannot be counted, and harms no later record", func() {
		f := newFixture()
		f.deps.counter = &explodingCounter{}
		e := f.engine()
		Expect(one(e, answer(delta("boom"))).Error.Type).To(Equal(processingFailed))
		Expect(one(e, answer(delta("calm"))).Error).To(BeNil())
	})

	It("makes an error record without metrics when nothing can be computed", func() {
		f := newFixture()
		f.deps.metrics = nil
		rec := one(f.engine(), answer(delta("x")))
		Expect(rec.Error.Type).To(Equal(processingFailed))
		Expect(rec.Metrics).To(BeEmpty())
		Expect(rec.Metadata.GenStartNS).To(BeZero())
	})
})

func FuzzProcess(f *testing.F) {
	for _, s := range []string{delta("Hello"), usageChunk, "[DONE]", `{"choices":[1,{"delta":3}]}`, `[]`, `"x"`, "\x00", `{"usage":{"prompt_tokens":-1}}`} {
		f.Add([]byte(s), []byte(`{"messages":[{"role":"user","content":"hi"}]}`), int64(10))
	}
	e := newFixture().engine()
	f.Fuzz(func(t *testing.T, response, body []byte, at int64) {
		raw := answer("", "")
		raw.Responses[0].Bytes, raw.Responses[1].Bytes, raw.Responses[1].PerfNS, raw.PayloadBytes = response, response, clock.MonoNS(at), body
		rec := one(e, raw)
		if rec.Error != nil && rec.Error.Type == processingFailed {
			t.Fatalf("the engine panicked: %s", rec.Error.Message)
		}
		for _, v := range rec.Metrics {
			if v.Number-v.Number != 0 {
				t.Fatalf("%s is not finite", v.Tag)
			}
		}
	})
}

func streamed(n int) *messages.RequestRecord {
	chunks := make([]string, 0, n+2)
	for range n {
		chunks = append(chunks, delta(" token"))
	}
	return answer(append(chunks, usageChunk, "[DONE]")...)
}

func benchmarkProcess(b *testing.B, n int) {
	e := newFixture().engine()
	raw := streamed(n)
	var values []messages.MetricValue
	b.ReportAllocs()
	for b.Loop() {
		_, values = e.process(raw, values[:0])
	}
}

func BenchmarkProcessShortStream(b *testing.B) { benchmarkProcess(b, 16) }
func BenchmarkProcessLongStream(b *testing.B)  { benchmarkProcess(b, 256) }
