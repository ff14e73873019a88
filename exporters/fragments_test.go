package exporters

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
)

var _ = Describe("the parts of record processors", func() {
	var run *config.Run
	BeforeEach(func() {
		run = sampleRun(GinkgoT().TempDir())
		run.Benchmark.Artifacts.Raw, run.Benchmark.Artifacts.OutputsJSON = true, true
		run.Benchmark.Endpoint.APIKey = "sk-very-secret"
		run.Environment.Record.RawExportBatchSize = 10
	})
	open := func(processor string) *Fragments {
		GinkgoHelper()
		f, err := OpenFragments(run, processor)
		Expect(err).NotTo(HaveOccurred())
		return f
	}
	exchange := func(id int64, responses ...messages.RawResponse) *Exchange {
		return &Exchange{
			Raw: &messages.RequestRecord{StartPerfNS: 100, Status: 200, Responses: responses},
			Record: &messages.MetricRecord{
				Metadata: messages.RecordMetadata{SessionNum: id, RequestStartNS: sampleStart + clock.WallNS(id), BenchmarkPhase: "profiling", ProfilingIndex: 0},
				Metrics: []messages.MetricValue{
					{Tag: "request_latency", Number: 12.5e6, Integer: true}, {Tag: "output_sequence_length", Number: 2, Integer: true},
					{Tag: "error_isl", Number: 3, Integer: true},
				},
			},
			Headers: []config.Header{{Name: "Authorization", Value: "Bearer sk-very-secret"}, {Name: "X-Request-ID", Value: "r"}},
			Payload: []byte("{\"a\":\"<&>\",\n \"key\":\"sk-very-secret\"}"),
		}
	}
	export := func(x DataExporter) string {
		GinkgoHelper()
		path, err := x.Export(context.Background(), run, &Report{})
		Expect(err).NotTo(HaveOccurred())
		if path == "" {
			return ""
		}
		b, err := os.ReadFile(path)
		Expect(err).NotTo(HaveOccurred())
		return string(b)
	}

	It("become one raw file in the order of the requests, without secrets and without a torn line", func() {
		sse := messages.RawResponse{Kind: messages.ResponseSSE, PerfNS: 150, Bytes: []byte(`{"echo":"sk-very-secret"}`)}
		a, b := open("a"), open("b")
		Expect(a.Add(exchange(3, sse))).To(Succeed())
		Expect(b.Add(exchange(2, messages.RawResponse{Kind: messages.ResponseText, PerfNS: 160, Bytes: []byte("whole")}))).To(Succeed())
		Expect(a.Add(exchange(1, messages.RawResponse{Kind: messages.ResponseText, PerfNS: 170, Bytes: []byte{0xff, 0}}))).To(Succeed())
		Expect(a.Close()).To(Succeed())
		Expect(b.Close()).To(Succeed())
		again := open("a") // it died and came back
		long := exchange(4)
		long.Payload = []byte(`{"long":"` + strings.Repeat("x", 1<<20) + `"}`) // more than a reader holds at once
		Expect(again.Add(long)).To(Succeed())
		Expect(again.Close()).To(Succeed())
		torn, err := os.OpenFile(filepath.Join(run.ArtifactDir, "raw_records", "raw_records_b.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
		Expect(err).NotTo(HaveOccurred())
		_, err = torn.WriteString(`{"metadata":{"session_num":9`)
		Expect(err).NotTo(HaveOccurred())
		Expect(torn.Close()).To(Succeed())

		text := export(NewRawExport())
		Expect(text).NotTo(ContainSubstring("sk-very-secret"))
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		Expect(lines).To(HaveLen(4))
		for i, line := range lines {
			Expect(json.Valid([]byte(line))).To(BeTrue(), line)
			Expect(line).To(ContainSubstring(`"session_num":%d,`, i+1))
		}
		Expect(lines[0]).To(ContainSubstring(`"responses":[{"perf_ns":170,"raw_bytes":"/wA="}]`))
		Expect(lines[1]).To(ContainSubstring(`"responses":[{"perf_ns":160,"text":"whole"}]`))
		Expect(lines[2]).To(HaveSuffix(`"start_perf_ns":100,"request_headers":{"Authorization":"<redacted>","X-Request-ID":"r"},"status":200,` +
			`"responses":[{"perf_ns":150,"packets":[{"name":"data","value":"{\"echo\":\"<redacted>\"}"}]}],"payload":{"a":"<&>","key":"<redacted>"}}`))
		Expect(filepath.Join(run.ArtifactDir, "raw_records")).NotTo(BeADirectory())
	})

	It("become outputs.json: profiling only, by request, null where nothing was said", func() {
		f := open("a")
		second := exchange(2)
		second.Text = []byte("Hé \"there\"")
		Expect(f.Add(second)).To(Succeed())
		warmup := exchange(1)
		warmup.Record.Metadata.BenchmarkPhase = "warmup"
		Expect(f.Add(warmup)).To(Succeed())
		Expect(f.Add(exchange(0))).To(Succeed())
		Expect(f.Close()).To(Succeed())
		var got map[string]any
		Expect(json.Unmarshal([]byte(export(NewOutputsJSON())), &got)).To(Succeed())
		entry := func(id, start float64, text any) map[string]any {
			return map[string]any{"session_num": id, "turn_index": 0.0, "request_start_ns": start, "request_end_ns": 0.0, "response_text": text,
				"metrics": map[string]any{"output_sequence_length": 2.0, "request_latency": 12.5}}
		}
		Expect(got).To(Equal(map[string]any{"schema_version": "1.0", "data": []any{
			entry(0, float64(sampleStart), nil), entry(2, float64(sampleStart+2), `Hé "there"`),
		}}))
	})

	It("leave no file of an earlier run that this one does not write", func() {
		run.Benchmark.Artifacts = config.Artifacts{}
		names := namesOf(run)
		for _, name := range []string{names.Raw, names.Outputs, names.Records, names.Parquet, names.GPUTelemetry} {
			Expect(os.WriteFile(pathOf(run, name), []byte("{}\n"), fileMode)).To(Succeed())
		}
		for _, open := range []func(*config.Run) (Stream, error){NewRecordExport, NewParquet, NewGPUTelemetryJSONL} {
			Expect(open(run)).To(BeNil())
		}
		Expect(OpenFragments(run, "a")).To(BeNil())
		Expect(os.ReadDir(run.ArtifactDir)).To(BeEmpty())
	})

	It("leave no file of an earlier run when there was no request", func() {
		stale := filepath.Join(run.ArtifactDir, "profile_export_raw.jsonl")
		Expect(os.WriteFile(stale, []byte("{}\n"), fileMode)).To(Succeed())
		Expect(open("a").Close()).To(Succeed())
		Expect(export(NewRawExport())).To(BeEmpty())
		Expect(stale).NotTo(BeAnExistingFile())
	})

	It("that could not be written make no raw file", func() {
		f := open("a")
		f.raw.f = &shortDisk{limit: 100}
		Expect(f.Add(exchange(2))).To(Succeed(), "it is buffered")
		Expect(f.Flush()).To(MatchError(ContainSubstring("no space left")))
		_, err := NewRawExport().Export(context.Background(), run, &Report{})
		Expect(err).To(MatchError(ContainSubstring("could not write its part")))
		Expect(filepath.Join(run.ArtifactDir, "profile_export_raw.jsonl")).NotTo(BeAnExistingFile())
		Expect(export(NewOutputsJSON())).To(ContainSubstring(`"session_num": 2`), "the other file is whole")
	})
})

var _ = Describe("the HTTP trace of a record", func() {
	It("is on the wall clock, without what did not happen", func() {
		j := compactJSON(nil)
		j.beginObject()
		j.trace(&messages.RecordTrace{
			TraceData: messages.TraceData{Type: "http", SendStartNS: 110, SendEndNS: 120, ReceiveStartNS: 150, ReceiveEndNS: 190,
				Reused: true, BytesSent: 7, BytesReceived: 9, ChunksSent: 1, ChunksReceived: 2},
			StartPerfNS: 100, Status: 200,
		}, &messages.RecordMetadata{RequestStartNS: 1000, RequestAckNS: 1045})
		j.endObject()
		Expect(string(j.buf)).To(Equal(`{"trace_type":"http","request_send_start_ns":1010,"request_send_end_ns":1020,"request_chunks_count":1,"request_bytes_total":7,` +
			`"response_status_code":200,"response_reason":"OK","response_headers_received_ns":1045,"response_receive_start_ns":1050,"response_chunks_count":2,"response_bytes_total":9,"response_receive_end_ns":1090,` +
			`"connection_reused_ns":1010,"sending_ns":10,"waiting_ns":30,"receiving_ns":40,"duration_ns":80}`))
	})
})
