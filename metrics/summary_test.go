package metrics

import (
	"math/rand/v2"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
)

const epoch clock.WallNS = 1_800_000_000_000_000_000

// ms is a stamp that many milliseconds into the run.
func ms(n int64) clock.WallNS { return epoch + clock.WallNS(n*1_000_000) }

// finished is a request of [from, to) ms with its first token at first ms (0 = none).
type finished struct {
	phase               string
	index               int
	from, first, to     int64
	isl, osl            float64
	isFailed, cancelled bool
}

func (f finished) append(st *Store) {
	row := Row{
		Phase: f.phase, PhaseIndex: f.index, StartNS: ms(f.from), EndNS: ms(f.to), CreditIssuedNS: ms(f.from - 1),
		Failed: f.isFailed, Cancelled: f.cancelled,
	}
	if row.Phase == "" {
		row.Phase = "profiling"
	}
	var values []Value
	switch {
	case f.cancelled:
	case f.isFailed:
		values = []Value{{Tag: "context_overflow_count"}}
	default:
		values = append(values, Value{Tag: "request_latency", Number: float64(f.to-f.from) * 1e6})
		if f.first != 0 {
			values = append(values, Value{Tag: "time_to_first_token", Number: float64(f.first-f.from) * 1e6})
		}
		if f.isl != 0 {
			values = append(values, Value{Tag: "input_sequence_length", Number: f.isl})
		}
		if f.osl != 0 {
			values = append(values, Value{Tag: "output_sequence_length", Number: f.osl})
		}
	}
	st.Append(row, values)
}

func storeOf(o Options, requests ...finished) *Store {
	st := NewSet(o).NewStore()
	for _, r := range requests {
		r.append(st)
	}
	return st
}

func profiling(st *Store) map[string]Result {
	return byTagOf(st.Summarise(Selection{Phase: "profiling"}))
}

var _ = Describe("a summary", func() {
	It("is empty without a row", func() {
		Expect(storeOf(chatStreaming).Summarise(Selection{Phase: "profiling"})).To(BeEmpty())
	})

	It("derives rates from the benchmark's duration", func() {
		r := profiling(storeOf(chatStreaming,
			finished{from: 0, first: 100, to: 1000, isl: 100, osl: 46},
			finished{from: 500, first: 700, to: 2000, isl: 50, osl: 14},
		))
		Expect(*r["benchmark_duration"].Avg).To(Equal(2.0))
		Expect(r["benchmark_duration"].Unit).To(Equal("sec"))
		Expect(*r["request_throughput"].Avg).To(Equal(1.0))
		Expect(*r["output_token_throughput"].Avg).To(Equal(30.0))
		Expect(*r["input_token_throughput"].Avg).To(Equal(75.0))
		Expect(*r["total_token_throughput"].Avg).To(Equal(105.0))
		Expect(*r["total_osl"].Avg).To(Equal(60.0))
		Expect(*r["time_to_first_token"].Avg).To(Equal(150.0))
		Expect(*r["decode_duration"].Max).To(Equal(1300.0))
		Expect(*r["inter_token_latency"].Min).To(Equal(20.0))
		Expect(*r["time_to_first_token"].Count).To(Equal(int64(2)))
		Expect(r["request_throughput"].Count).To(BeNil())
		Expect(*r["request_error_rate"].Avg).To(Equal(0.0))
	})

	It("reports counts and rate when nothing succeeded, and no duration", func() {
		var all []finished
		for i := range int64(5) {
			all = append(all, finished{from: i, to: i + 40, isFailed: true})
		}
		r := profiling(storeOf(chatStreaming, all...))
		Expect(*r["error_request_count"].Avg).To(Equal(5.0))
		Expect(*r["completed_request_count"].Avg).To(Equal(5.0))
		Expect(*r["request_error_rate"].Avg).To(Equal(100.0))
		Expect(*r["context_overflow_count"].Avg).To(Equal(0.0))
		for tag := range r {
			Expect(tag).NotTo(Or(Equal("request_count"), Equal("benchmark_duration"), HaveSuffix("throughput"), HavePrefix("adj_")))
		}
		Expect(*r["effective_concurrency"].Max).To(Equal(5.0), "failed requests occupied a slot")
	})

	It("keeps cancelled requests out of the error rate and the adjusted latencies", func() {
		var all []finished
		for i := range int64(8) {
			all = append(all, finished{from: i, to: i + 10})
		}
		all = append(all, finished{from: 9, to: 49, isFailed: true}, finished{from: 9, to: 59, cancelled: true})
		r := profiling(storeOf(chatStreaming, all...))
		Expect(*r["request_error_rate"].Avg).To(BeNumerically("~", 11.11, 0.01))
		Expect(*r["cancelled_request_count"].Avg).To(Equal(1.0))
		Expect(*r["completed_request_count"].Avg).To(Equal(9.0))
		adjusted := r["adj_request_latency"]
		Expect(*adjusted.Count).To(Equal(int64(9)))
		Expect(*adjusted.P90).To(Equal(10.0))
		Expect(adjusted.P95).To(BeNil())
		Expect(adjusted.Avg).To(BeNil())
		Expect(adjusted.Unit).To(Equal("ms"))
		Expect(*r["adj_effective_latency"].Count).To(Equal(int64(9)))
	})

	It("has no adjusted latency without an error", func() {
		Expect(profiling(storeOf(chatStreaming, finished{from: 0, to: 5}))).NotTo(HaveKey("adj_request_latency"))
	})

	It("draws a closed loop's load", func() {
		r := profiling(storeOf(chatStreaming, finished{from: 0, first: 2000, to: 10_000, isl: 100, osl: 81}))
		for tag, want := range map[string]float64{
			"effective_decode_throughput": 8, "active_decode_throughput": 10,
			"effective_prefill_throughput": 10, "active_prefill_throughput": 50,
			"tokens_in_flight": 164.8, "effective_concurrency": 1,
		} {
			Expect(*r[tag].Avg).To(BeNumerically("~", want, 1e-9), tag)
		}
		Expect(*r["tokens_in_flight"].Min).To(Equal(100.0))
		Expect(*r["tokens_in_flight"].Max).To(Equal(181.0))
		Expect(r["tokens_in_flight"].Count).To(BeNil())
		Expect(r["tokens_in_flight"].Sum).To(BeNil())
	})

	It("bounds the load by the phase when that is known", func() {
		st := storeOf(chatStreaming, finished{from: 0, first: 2000, to: 10_000, isl: 100, osl: 81})
		r := byTagOf(st.Summarise(Selection{Phase: "profiling", StartNS: ms(0), EndNS: ms(20_000)}))
		Expect(*r["effective_concurrency"].Avg).To(BeNumerically("~", 0.5, 1e-12))
		Expect(*r["effective_concurrency"].Min).To(Equal(0.0))
		Expect(*r["active_decode_throughput"].Avg).To(BeNumerically("~", 10, 1e-9))
	})

	It("shows concurrency alone for an endpoint without tokens", func() {
		var sweeps []string
		for tag := range profiling(storeOf(Options{TokenizesInput: true}, finished{from: 0, to: 10, isl: 8})) {
			if strings.HasPrefix(tag, "effective_") || strings.HasPrefix(tag, "active_") || tag == "tokens_in_flight" {
				sweeps = append(sweeps, tag)
			}
			Expect(tag).NotTo(Equal("output_sequence_length"))
		}
		Expect(sweeps).To(ConsistOf("effective_concurrency", "effective_latency"))
	})

	It("counts a partly streamed, cancelled request as decoding", func() {
		st := NewSet(chatStreaming).NewStore()
		st.Append(Row{Phase: "profiling", StartNS: ms(0), GenStartNS: ms(10), EndNS: ms(40), Cancelled: true}, nil)
		r := profiling(st)
		Expect(*r["effective_decode_concurrency"].Avg).To(BeNumerically("~", 0.75, 1e-12))
		Expect(r).NotTo(HaveKey("effective_decode_throughput"))
	})

	It("selects by the phase on the record", func() {
		st := storeOf(chatStreaming,
			finished{phase: "warmup", index: 0, from: 100, to: 900},
			finished{index: 1, from: 50, to: 100}, // starts before the warmup does
			finished{index: 2, from: 200, to: 210},
			finished{index: 2, from: 210, to: 230},
		)
		Expect(*byTagOf(st.Summarise(Selection{Phase: "warmup"}))["request_latency"].Avg).To(Equal(800.0))
		Expect(*profiling(st)["request_count"].Avg).To(Equal(3.0))
		one := byTagOf(st.Summarise(Selection{Phase: "profiling", PhaseIndexes: []int{2}}))
		Expect(*one["request_count"].Avg).To(Equal(2.0))
		Expect(st.Summarise(Selection{Phase: "profiling", PhaseIndexes: []int{}})).To(BeEmpty())
	})

	It("adds up the durations of several phases, without the idle time between", func() {
		r := profiling(storeOf(chatStreaming,
			finished{index: 1, from: 0, to: 1000},
			finished{index: 3, from: 60_000, to: 61_000},
		))
		Expect(*r["benchmark_duration"].Avg).To(Equal(2.0))
		Expect(*r["request_throughput"].Avg).To(Equal(1.0))
	})

	It("measures durations to the nanosecond", func() {
		st := NewSet(chatStreaming).NewStore()
		st.Append(Row{Phase: "profiling", StartNS: epoch + 1, EndNS: epoch + 200}, []Value{{Tag: "request_latency", Number: 130}})
		st.Append(Row{Phase: "profiling", StartNS: epoch + 4, EndNS: epoch + 200, CreditIssuedNS: epoch + 1}, []Value{{Tag: "request_latency", Number: 128}})
		r := profiling(st)
		Expect(*r["benchmark_duration"].Avg).To(Equal(131e-9))
		Expect(*r["credit_to_start_latency"].Avg).To(Equal(3e-6))
	})

	It("has no duration when nothing took time", func() {
		r := profiling(storeOf(chatStreaming, finished{from: 3, to: 3}))
		Expect(r).To(HaveKey("request_count"))
		Expect(r).NotTo(HaveKey("benchmark_duration"))
		Expect(r).NotTo(HaveKey("request_throughput"))
	})

	It("counts latency from the schedule where there is one", func() {
		o := chatStreaming
		o.OpenLoop = true
		st := NewSet(o).NewStore()
		row := Row{Phase: "profiling", StartNS: ms(10), EndNS: ms(30), CreditIssuedNS: ms(9)}
		st.Append(row, []Value{{Tag: "request_latency", Number: 20e6}, {Tag: "start_delay", Number: 4e6}})
		Expect(*profiling(st)["effective_latency"].Avg).To(Equal(24.0))
		st.Append(row, []Value{{Tag: "request_latency", Number: 20e6}})
		Expect(*profiling(st)["effective_latency"].Min).To(Equal(21.0), "from the credit, without a schedule")
		Expect(*profiling(st)["credit_to_start_latency"].Avg).To(Equal(1.0))
	})

	It("puts the summary file's fixed list first, then tags in order", func() {
		var got []string
		for _, r := range storeOf(chatStreaming, finished{from: 0, first: 1, to: 9, isl: 3, osl: 4}).Summarise(Selection{Phase: "profiling"}) {
			got = append(got, r.Tag)
		}
		Expect(got[:4]).To(Equal([]string{"request_throughput", "request_latency", "request_count", "time_to_first_token"}))
		fixed := 0
		for fixed < len(got) && slices.Contains(summaryOrder, got[fixed]) {
			fixed++
		}
		Expect(slices.IsSorted(got[fixed:])).To(BeTrue())
	})

	It("says what tables and files hide", func() {
		r := profiling(storeOf(chatStreaming, finished{from: 0, to: 9}, finished{from: 0, to: 9, isFailed: true}))
		Expect(r["min_request_timestamp"].Internal).To(BeTrue())
		Expect(r["min_request_timestamp"].Hidden).To(BeTrue())
		Expect(r["error_request_count"].Hidden).To(BeTrue())
		Expect(r["error_request_count"].Internal).To(BeFalse())
		Expect(r["request_latency"].Hidden).To(BeFalse())
		Expect(r["effective_concurrency"].ConsoleGroup).To(Equal("effective"))
	})

	It("takes single values for absent rather than let a bad number in", func() {
		st := NewSet(chatStreaming).NewStore()
		st.Append(Row{Phase: "profiling", StartNS: ms(0), EndNS: ms(1)}, []Value{
			{Tag: "request_latency", Number: absent}, {Tag: "no_such_metric", Number: 1}, {Tag: "inter_chunk_latency", List: []float64{absent, 5}},
			{Tag: "output_token_throughput_per_user", Number: 7}, // follows from others: not believed
		})
		r := profiling(st)
		Expect(r).NotTo(HaveKey("request_latency"))
		Expect(r).NotTo(HaveKey("output_token_throughput_per_user"))
		Expect(*r["inter_chunk_latency"].Count).To(Equal(int64(1)))
	})

	It("pools the gaps of all requests", func() {
		st := NewSet(chatStreaming).NewStore()
		row := Row{Phase: "profiling", StartNS: ms(0), EndNS: ms(1)}
		st.Append(row, []Value{{Tag: "inter_chunk_latency", List: []float64{1e6, 2e6, 3e6}}})
		st.Append(row, nil)
		st.Append(row, []Value{{Tag: "inter_chunk_latency", List: []float64{6e6}}})
		gaps := profiling(st)["inter_chunk_latency"]
		Expect(*gaps.Count).To(Equal(int64(4)))
		Expect(*gaps.Avg).To(Equal(3.0))
	})

	It("recomputes exactly what records had", func() {
		s := NewSet(chatStreaming)
		st := s.NewStore()
		records := randomRecords(200)
		want := map[string][]float64{}
		for _, r := range records {
			values := s.AppendValues(nil, r)
			for _, v := range values {
				if v.List == nil {
					want[v.Tag] = append(want[v.Tag], v.Number)
				}
			}
			st.Append(Row{Phase: "profiling", StartNS: r.TimestampNS, EndNS: r.TimestampNS + 1}, values)
		}
		sum := st.newSummary(Selection{Phase: "profiling"})
		for tag, numbers := range want {
			d, _ := Find(tag)
			Expect(sum.sampler().sample(d)).To(Equal(numbers), tag)
		}
		Expect(want).To(HaveKey("output_token_throughput_per_user"))
		Expect(want).To(HaveKey("http_req_total"))
	})

	It("does not depend on the order of arrival", func() {
		s := NewSet(chatStreaming)
		records := randomRecords(700)
		summarise := func() []Result {
			st := s.NewStore()
			for _, r := range records {
				end := r.TimestampNS + clock.WallNS(r.Responses[len(r.Responses)-1].PerfNS-r.StartPerfNS)
				st.Append(Row{Phase: "profiling", StartNS: r.TimestampNS, EndNS: end, CreditIssuedNS: r.TimestampNS - 50}, s.AppendValues(nil, r))
			}
			return st.Summarise(Selection{Phase: "profiling"})
		}
		want := summarise()
		shuffle := rand.New(rand.NewPCG(3, 4))
		for range 3 {
			shuffle.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
			Expect(summarise()).To(Equal(want))
		}
	})
})

// randomRecords are n successful streams with everything in them.
func randomRecords(n int) []*Record {
	r := rand.New(rand.NewPCG(1, 2))
	records := make([]*Record, n)
	for i := range records {
		start := clock.MonoNS(1_000_000 + r.Int64N(1e9))
		record := &Record{
			TimestampNS: epoch + clock.WallNS(start), StartPerfNS: start, SendPerfNS: start + 10_000,
			Tokens:    TokenCounts{Input: 1 + r.Int64N(500), Output: 2 + r.Int64N(50), Reasoning: r.Int64N(4) - 1},
			Usage:     ParseUsage([]byte(`{"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320}`)),
			MaxTokens: 20, Streamed: true,
		}
		at := start
		for range 1 + r.IntN(30) {
			at += clock.MonoNS(r.Int64N(1e7))
			record.Responses = append(record.Responses, Response{PerfNS: at, Content: true, Output: true})
		}
		record.Trace = &Trace{
			SendStart: start + 10_000, SendEnd: start + 20_000, ReceiveStart: start + 30_000, ReceiveEnd: at + 40_000,
			HasConnection: true, Reused: true, BytesSent: 300, BytesReceived: 3000, ChunksSent: 1, ChunksReceived: 20,
		}
		records[i] = record
	}
	return records
}
