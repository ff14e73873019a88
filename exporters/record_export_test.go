package exporters

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
)

// memory is a file that grows in memory, or forgets what it gets.
type memory struct {
	text   []byte
	forget bool
}

func (m *memory) Write(b []byte) (int, error) {
	if !m.forget {
		m.text = append(m.text, b...)
	}
	return len(b), nil
}

func (*memory) Truncate(int64) error { return nil }
func (*memory) Sync() error          { return nil }
func (*memory) Close() error         { return nil }

// lineOf is the line of one record.
func lineOf(run *config.Run, r *messages.MetricRecord) string {
	GinkgoHelper()
	m := &memory{}
	x := newRecordExport(run, newLines("x", m, 1))
	Expect(x.Record(r)).To(Succeed())
	Expect(json.Valid(m.text)).To(BeTrue(), string(m.text))
	return strings.TrimSuffix(string(m.text), "\n")
}

// recordOf turns a line of a real run back into the record that it was made from, as
// far as the metrics are declared here; the names of the others are returned.
func recordOf(line string) (*messages.MetricRecord, []string) {
	GinkgoHelper()
	var doc struct {
		Metadata struct {
			SessionNum         int64  `json:"session_num"`
			XRequestID         string `json:"x_request_id"`
			XCorrelationID     string `json:"x_correlation_id"`
			ConversationID     string `json:"conversation_id"`
			TurnIndex          int    `json:"turn_index"`
			CreditIssuedNS     int64  `json:"credit_issued_ns"`
			RequestStartNS     int64  `json:"request_start_ns"`
			RequestAckNS       int64  `json:"request_ack_ns"`
			RequestEndNS       int64  `json:"request_end_ns"`
			WorkerID           string `json:"worker_id"`
			RecordProcessorID  string `json:"record_processor_id"`
			BenchmarkPhase     string `json:"benchmark_phase"`
			PhaseIndex         int    `json:"phase_index"`
			ProfilingIndex     *int   `json:"profiling_index"`
			PhaseName          string `json:"phase_name"`
			WasCancelled       bool   `json:"was_cancelled"`
			CancellationTimeNS int64  `json:"cancellation_time_ns"`
		}
		Metrics json.RawMessage
		Error   *struct {
			Code       *int64
			Type       string
			Message    string
			CauseChain []string `json:"cause_chain"`
		}
	}
	Expect(json.Unmarshal([]byte(line), &doc)).To(Succeed())
	m := doc.Metadata
	r := &messages.MetricRecord{Metadata: messages.RecordMetadata{
		SessionNum: m.SessionNum, XRequestID: m.XRequestID, XCorrelationID: m.XCorrelationID, ConversationID: m.ConversationID,
		TurnIndex: m.TurnIndex, CreditIssuedNS: clock.WallNS(m.CreditIssuedNS), RequestStartNS: clock.WallNS(m.RequestStartNS),
		RequestAckNS: clock.WallNS(m.RequestAckNS), RequestEndNS: clock.WallNS(m.RequestEndNS), WorkerID: m.WorkerID,
		RecordProcessorID: m.RecordProcessorID, BenchmarkPhase: m.BenchmarkPhase, PhaseIndex: m.PhaseIndex, ProfilingIndex: -1,
		PhaseName: m.PhaseName, WasCancelled: m.WasCancelled, CancellationTimeNS: clock.WallNS(m.CancellationTimeNS),
	}}
	if m.ProfilingIndex != nil {
		r.Metadata.ProfilingIndex = *m.ProfilingIndex
	}
	if e := doc.Error; e != nil {
		r.Error = &messages.ErrorDetails{Code: e.Code, Type: e.Type, Message: e.Message, CauseChain: e.CauseChain}
	}
	var unknown []string
	for _, f := range members(doc.Metrics) {
		d, known := metrics.Find(f.key)
		if !known {
			unknown = append(unknown, f.key)
			continue
		}
		base := func(v float64) float64 {
			b, ok := metrics.Convert(v, d.DisplayUnit, d.Unit)
			Expect(ok).To(BeTrue(), f.key)
			if d.Integer {
				b = math.Round(b)
			}
			return b
		}
		v := messages.MetricValue{Tag: f.key, Integer: d.Integer}
		raw := members(f.value)[0].value
		if d.List {
			Expect(json.Unmarshal(raw, &v.List)).To(Succeed())
			for i := range v.List {
				v.List[i] = base(v.List[i])
			}
		} else {
			Expect(json.Unmarshal(raw, &v.Number)).To(Succeed())
			v.Number = base(v.Number)
		}
		r.Metrics = append(r.Metrics, v)
	}
	return r, unknown
}

var _ = Describe("the per-record JSONL", func() {
	It("has lines like these", func() {
		cancelled := sampleRecord()
		m := &cancelled.Metadata
		m.WasCancelled, m.CancellationTimeNS, m.RequestAckNS, m.ScheduledNS, m.StampSource, m.RecvBytes = true, m.RequestEndNS, 0, 0, "", 0
		cancelled.Metrics = []messages.MetricValue{{Tag: "error_isl", Number: 64, Integer: true}}
		cancelled.Error = messages.NewError("RequestCancellationError", "Request cancelled 0.060s after being sent").WithCode(499)
		warmup := sampleRecord()
		warmup.Metadata.BenchmarkPhase, warmup.Metadata.ProfilingIndex, warmup.Metadata.PhaseIndex, warmup.Metadata.PhaseName = "warmup", -1, 0, "warmup"
		warmup.Metrics = nil
		warmup.Error = &messages.ErrorDetails{Type: "TimeoutError", Message: "<no \"answer\">", Cause: "i/o timeout", CauseChain: []string{"TimeoutError", "OpError"}, Details: map[string]any{"stage": "send"}}
		lines := []string{lineOf(sampleRun("/run"), sampleRecord()), lineOf(sampleRun("/run"), cancelled), lineOf(sampleRun("/run"), warmup)}
		expectGolden("golden/records.jsonl", []byte(strings.Join(lines, "\n")+"\n"))
	})

	DescribeTable("has the keys, order and values of AIPerf (Python)", func(name string) {
		for _, theirs := range strings.Split(strings.TrimSpace(string(fixture(name+"/profile_export.jsonl"))), "\n") {
			record, unknown := recordOf(theirs)
			ours := lineOf(sampleRun("/run"), record)
			Expect(keys([]byte(ours))).To(Equal(keys([]byte(theirs))))
			a, b := members([]byte(ours)), members([]byte(theirs))
			Expect(string(a[0].value)).To(Equal(string(b[0].value)), "metadata")
			if len(b) > 2 {
				Expect(string(a[2].value)).To(Equal(string(b[2].value)), "error")
			}
			expectSameMetrics(a[1].value, b[1].value, unknown)
		}
	},
		Entry("streaming", "chat-streaming"),
		Entry("not streaming", "chat-nonstreaming"),
		Entry("failed requests", "failures"),
		Entry("cancelled requests", "cancelled-requests"),
		Entry("every request failed", "all-fail"),
		Entry("a warmup", "warmup"),
	)

	It("is sorted by tag, also when records differ in their metrics", func() {
		m := &memory{}
		x := newRecordExport(sampleRun("/run"), newLines("x", m, 1))
		for _, tags := range [][]string{{"time_to_first_token", "request_latency"}, {"time_to_first_token"}, {"request_latency", "time_to_first_token"}, {}} {
			r := sampleRecord()
			r.Metrics = nil
			for _, tag := range tags {
				r.Metrics = append(r.Metrics, messages.MetricValue{Tag: tag, Number: 1e6, Integer: true})
			}
			Expect(x.Record(r)).To(Succeed())
		}
		var got []string
		for _, line := range strings.Split(strings.TrimSpace(string(m.text)), "\n") {
			got = append(got, string(members([]byte(line))[1].value))
		}
		ttft, latency := `"time_to_first_token":{"value":1.0,"unit":"ms"}`, `"request_latency":{"value":1.0,"unit":"ms"}`
		Expect(got).To(Equal([]string{"{" + latency + "," + ttft + "}", "{" + ttft + "}", "{" + latency + "," + ttft + "}", "{}"}))
	})

	It("leaves out what is not finite, and metrics that are not for single records", func() {
		r := sampleRecord()
		r.Metrics = append(r.Metrics, messages.MetricValue{Tag: "decode_duration", Number: math.NaN()})
		r.Metrics[4].List = []float64{1e6, math.Inf(1), 2e6}
		shown := members(members([]byte(lineOf(sampleRun("/run"), r)))[1].value)
		var tags []string
		for _, m := range shown {
			tags = append(tags, m.key)
		}
		Expect(tags).To(Equal([]string{"input_sequence_length", "inter_chunk_latency", "inter_token_latency", "output_sequence_length", "request_latency", "time_to_first_token"}))
		Expect(string(shown[1].value)).To(Equal(`{"value":[1.0,2.0],"unit":"ms"}`))
	})

	It("shows internal metrics to developers who ask for them", func() {
		run := sampleRun("/run")
		Expect(lineOf(run, sampleRecord())).NotTo(ContainSubstring("credit_drop_latency"))
		run.Environment.Dev.Mode, run.Environment.Dev.ShowInternal, run.Environment.Dev.ShowExperimental = true, true, true
		Expect(lineOf(run, sampleRecord())).To(ContainSubstring(`"credit_drop_latency":{"value":0.005,"unit":"ms"}`))
		Expect(lineOf(run, sampleRecord())).NotTo(ContainSubstring("request_count"))
	})

	Describe("the stream", func() {
		It("flushes after a batch", func() {
			run := sampleRun(GinkgoT().TempDir())
			run.Environment.Record.ExportBatchSize = 2
			s, err := NewRecordExport(run)
			Expect(err).NotTo(HaveOccurred())
			x, path := s.(RecordStream), filepath.Join(run.ArtifactDir, "profile_export.jsonl")
			Expect(x.Record(sampleRecord())).To(Succeed())
			Expect(os.ReadFile(path)).To(BeEmpty())
			Expect(x.Record(sampleRecord())).To(Succeed())
			text, err := os.ReadFile(path)
			Expect(err).NotTo(HaveOccurred())
			Expect(strings.Count(string(text), "\n")).To(Equal(2))
			Expect(x.Close()).To(Succeed())
		})

		It("is not wanted when the run keeps no records", func() {
			run := sampleRun(GinkgoT().TempDir())
			run.Benchmark.Artifacts.Records = false
			s, err := NewRecordExport(run)
			Expect(err).NotTo(HaveOccurred())
			Expect(s).To(BeNil())
			Expect(namesIn(run.ArtifactDir)).To(BeEmpty())
		})

		It("fails to open where nothing can be written", func() {
			_, err := NewRecordExport(sampleRun("/proc/nowhere"))
			Expect(err).To(MatchError(ContainSubstring("/proc/nowhere/profile_export.jsonl")))
		})
	})

	It("costs no allocation per line", func() {
		x := newRecordExport(sampleRun("/run"), newLines("x", &memory{forget: true}, 10))
		r := sampleRecord()
		for range 20 {
			Expect(x.Record(r)).To(Succeed())
		}
		Expect(testing.AllocsPerRun(100, func() { _ = x.Record(r) })).To(BeZero())
	})
})

// expectSameMetrics compares the metrics that are declared here: the same ones, the
// same units, integers where theirs are integers, the same numbers but for the last
// digit (theirs are scaled by an inexact factor).
func expectSameMetrics(ours, theirs json.RawMessage, unknown []string) {
	GinkgoHelper()
	mine := map[string]json.RawMessage{}
	for _, m := range members(ours) {
		mine[m.key] = m.value
	}
	for _, m := range members(theirs) {
		got, shown := mine[m.key]
		if !shown {
			Expect(unknown).To(ContainElement(m.key))
			continue
		}
		delete(mine, m.key)
		a, b := members(got), members(m.value)
		Expect(keys(got)).To(Equal([]string{"value", "unit"}))
		Expect(string(a[1].value)).To(Equal(string(b[1].value)), m.key)
		Expect(strings.Contains(string(a[0].value), ".")).To(Equal(strings.Contains(string(b[0].value), ".")), m.key)
		Expect(numbersIn(a[0].value)).To(HaveLen(len(numbersIn(b[0].value))))
		for i, v := range numbersIn(a[0].value) {
			Expect(v).To(BeNumerically("~", numbersIn(b[0].value)[i], 1e-9*math.Max(1, math.Abs(v))), m.key)
		}
	}
	Expect(mine).To(BeEmpty())
}

func numbersIn(v json.RawMessage) []float64 {
	GinkgoHelper()
	var list []float64
	if v[0] != '[' {
		v = append(append([]byte{'['}, v...), ']')
	}
	Expect(json.Unmarshal(v, &list)).To(Succeed())
	return list
}

func BenchmarkRecordLine(b *testing.B) {
	m := &memory{forget: true}
	x := newRecordExport(sampleRun("/run"), newLines("x", m, 100))
	r := benchRecord()
	x.batch = 1 << 30
	_ = x.Record(r)
	size := len(x.buf)
	x.batch = 100
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		if err := x.Record(r); err != nil {
			b.Fatal(err)
		}
	}
}

// benchRecord has every metric of a streaming chat request of 20 chunks.
func benchRecord() *messages.MetricRecord {
	r := sampleRecord()
	line, err := os.ReadFile("testdata/fixtures/chat-streaming/profile_export.jsonl")
	if err != nil {
		panic(err)
	}
	var doc struct {
		Metrics map[string]struct{ Value any }
	}
	if err := json.Unmarshal([]byte(strings.SplitN(string(line), "\n", 2)[0]), &doc); err != nil {
		panic(err)
	}
	r.Metrics = nil
	for tag, m := range doc.Metrics {
		switch v := m.Value.(type) {
		case float64:
			r.Metrics = append(r.Metrics, messages.MetricValue{Tag: tag, Number: math.Round(v * 1e6), Integer: true})
		case []any:
			list := make([]float64, len(v))
			for i := range v {
				list[i] = math.Round(v[i].(float64) * 1e6)
			}
			r.Metrics = append(r.Metrics, messages.MetricValue{Tag: tag, List: list})
		}
	}
	return r
}
