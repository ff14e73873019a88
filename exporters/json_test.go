package exporters

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
)

func summaryOf(run *config.Run, r *Report) []byte {
	GinkgoHelper()
	text := summaryJSON(run, r)
	Expect(json.Valid(text)).To(BeTrue(), string(text))
	return text
}

// valueOf is a top-level member of a summary; nil when it has none.
func valueOf(text []byte, key string) json.RawMessage {
	GinkgoHelper()
	for _, m := range members(text) {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

var _ = Describe("the summary JSON", func() {
	It("keeps the XID codes that a GPU reported beside its metrics", func() {
		r := sampleReport()
		r.Telemetry.Endpoints[0].GPUs[0].XIDCodes = []int64{31, 79}
		text := string(summaryOf(sampleRun("/run"), r))
		Expect(strings.Count(text, "nvidia_xid_codes")).To(Equal(1), "a GPU without codes has no key")
		var doc struct {
			Telemetry struct {
				Endpoints map[string]struct {
					GPUs map[string]struct {
						Codes   []int64                    `json:"nvidia_xid_codes"`
						Metrics map[string]json.RawMessage `json:"metrics"`
					} `json:"gpus"`
				} `json:"endpoints"`
			} `json:"telemetry_data"`
		}
		Expect(json.Unmarshal([]byte(text), &doc)).To(Succeed())
		g := doc.Telemetry.Endpoints[r.Telemetry.Endpoints[0].Display].GPUs["gpu_0"]
		Expect(g.Codes).To(Equal([]int64{31, 79}))
		Expect(g.Metrics).NotTo(BeEmpty())
	})

	It("is laid out like this", func() {
		expectGolden("golden/summary.json", summaryOf(sampleRun("/run"), sampleReport()))
	})

	// What a whole real summary holds comes out of ours again: the same keys in the
	// same order, the same text for every number.
	DescribeTable("has the keys, order and numbers of AIPerf (Python)", func(name string) {
		run, r := load(name)
		theirs := members(fixture(name + "/profile_export_aiperf.json"))
		ours := members(summaryOf(run, r))

		// Metrics outside the fixed order are sorted in ours; empty telemetry is left out.
		var want []string
		last := slices.IndexFunc(theirs, func(m member) bool { return m.key == "end_time" })
		for i, m := range theirs {
			if m.key == "warmup_metrics" {
				last = i
			}
		}
		var others []string
		for i, m := range theirs {
			switch {
			case m.key == "telemetry_data" && !hasGPUs(r.Telemetry):
			case i <= last:
				want = append(want, m.key)
			default:
				others = append(others, m.key)
			}
		}
		sort.Strings(others)
		want = append(append(want, others...), "measurement_quality")
		var got []string
		for _, m := range ours {
			got = append(got, m.key)
		}
		Expect(got).To(Equal(want))

		for _, m := range theirs {
			switch m.key {
			case "aiperf_version", "start_time", "end_time":
				continue // our version; times in UTC with a zone
			case "telemetry_data":
				if hasGPUs(r.Telemetry) {
					mine := strings.NewReplacer(`Z"`, `"`).Replace(compact(valueOf(summaryJSON(run, r), m.key)))
					Expect(mine).To(Equal(compact(m.value)))
				}
				continue
			case "warmup_metrics":
				w := keys(m.value)
				sort.Strings(w)
				Expect(keys(valueOf(summaryJSON(run, r), m.key))).To(Equal(w))
				continue
			}
			Expect(compact(valueOf(summaryJSON(run, r), m.key))).To(Equal(compact(m.value)), m.key)
		}
	},
		Entry("streaming", "chat-streaming"),
		Entry("not streaming", "chat-nonstreaming"),
		Entry("with failed requests: error metrics, error-adjusted percentiles", "failures"),
		Entry("with cancelled requests", "cancelled-requests"),
		Entry("cut short", "cancelled-run"),
		Entry("with a warmup", "warmup"),
		Entry("with GPUs", "server-and-gpu-telemetry"),
	)

	It("writes times in UTC with microseconds", func() {
		text := summaryOf(sampleRun("/run"), sampleReport())
		Expect(string(valueOf(text, "start_time"))).To(Equal(`"2026-07-27T21:24:26.347694Z"`))
		r := sampleReport()
		r.Profile.EndNS = 0
		Expect(valueOf(summaryOf(sampleRun("/run"), r), "end_time")).To(BeNil(), "no request has ended")
	})

	It("shows exactly unit and avg for a single number, and sixteen keys for a distribution", func() {
		text := summaryOf(sampleRun("/run"), sampleReport())
		Expect(keys(valueOf(text, "request_count"))).To(Equal([]string{"unit", "avg"}))
		Expect(keys(valueOf(text, "request_latency"))).To(Equal([]string{
			"unit", "avg", "p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "min", "max", "std", "count", "sum",
		}))
		Expect(keys(valueOf(text, "effective_concurrency"))).To(Equal([]string{"unit", "avg", "p50", "p90", "p95", "p99", "min", "max", "std"}))
		Expect(keys(valueOf(text, "adj_request_latency"))).To(Equal([]string{"unit", "p1", "p5", "p10", "p25", "p50", "p75", "min", "count"}))
	})

	It("leaves a number that is not finite out, and a metric without a number", func() {
		r := sampleReport()
		r.Profile.Records = []metrics.Result{
			{Tag: "goodput", Unit: "requests/sec", Stats: number(math.NaN())},
			{Tag: "request_latency", Unit: "ms", Stats: metrics.Stats{P50: ptr(math.Inf(1)), Min: ptr(1.5), Count: ptr(int64(3))}},
		}
		text := summaryOf(sampleRun("/run"), r)
		Expect(valueOf(text, "goodput")).To(BeNil())
		Expect(compact(valueOf(text, "request_latency"))).To(Equal(`{"unit":"ms","min":1.5,"count":3}`))
		Expect(string(text)).NotTo(Or(ContainSubstring("NaN"), ContainSubstring("Inf"), ContainSubstring("null")))
	})

	It("hides internal metrics unless the developer settings show them", func() {
		run := sampleRun("/run")
		Expect(valueOf(summaryOf(run, sampleReport()), "credit_drop_latency")).To(BeNil())
		run.Environment.Dev.Mode, run.Environment.Dev.ShowInternal = true, true
		Expect(valueOf(summaryOf(run, sampleReport()), "credit_drop_latency")).NotTo(BeNil())
	})

	It("keeps redactions readable, although the run document escapes them", func() {
		text := summaryOf(sampleRun("/run"), sampleReport())
		Expect(string(text)).To(ContainSubstring(`"X-Api-Key": "<redacted>"`))
		Expect(string(text)).To(ContainSubstring("http://<redacted>@n1:9400/metrics"))
		Expect(string(text)).NotTo(ContainSubstring("user:pass"))
	})

	It("says why a run is not complete, and which processes died", func() {
		r := sampleReport()
		p := r.Profile
		p.IsComplete, p.IncompleteReason = false, "1 of 44 records is missing"
		p.Quality.Processes = []metrics.ProcessDeath{{ServiceID: "worker_1", ServiceType: "worker", How: "killed by signal 9", Restarted: true, CreditsLost: 1}}
		p.Quality.SendDelayMS = nil
		text := summaryOf(sampleRun("/run"), r)
		Expect(string(valueOf(text, "incomplete_reason"))).To(Equal(`"1 of 44 records is missing"`))
		quality := valueOf(text, "measurement_quality")
		Expect(keys(quality)).NotTo(Or(ContainElement("send_delay_ms"), ContainElement("unit")))
		Expect(compact(valueOf(quality, "processes"))).To(Equal(
			`[{"service_id":"worker_1","service_type":"worker","how":"killed by signal 9","restarted":true,"credits_lost":1}]`))
	})

	Describe("telemetry_data", func() {
		It("tells which sources were tried when the user asked for GPUs and none answered", func() {
			run, r := sampleRun("/run"), sampleReport()
			run.Benchmark.GPUTelemetry = config.GPUTelemetry{Enabled: true, Explicit: true}
			run.Environment.GPU.FinalScrapeGraceNS = 666_000_000
			r.Telemetry = nil
			r.TelemetryStatus = &messages.TelemetryStatus{Enabled: true, EndpointsConfigured: []string{"http://n1:9400/metrics"}}
			Expect(compact(valueOf(summaryOf(run, r), "telemetry_data"))).To(Equal(
				`{"summary":{"endpoints_configured":["http://n1:9400/metrics"],"endpoints_successful":[],"start_time":"2026-07-27T21:24:26.347694Z","end_time":"2026-07-27T21:24:27.412474Z"},"endpoints":{},"error_summary":[]}`))
		})

		It("keeps two sources with one display name apart", func() {
			r := sampleReport()
			twin := r.Telemetry.Endpoints[0]
			twin.URL = "https://n1:9400/metrics"
			r.Telemetry.Endpoints = append(r.Telemetry.Endpoints, twin)
			endpoints := valueOf(valueOf(summaryOf(sampleRun("/run"), r), "telemetry_data"), "endpoints")
			Expect(keys(endpoints)).To(Equal([]string{"n1:9400", "https://n1:9400/metrics"}))
		})
	})

	Describe("the exporter", func() {
		It("writes the file under the name of the run", func() {
			run := sampleRun(GinkgoT().TempDir())
			run.Benchmark.Artifacts.Prefix = "foo"
			path, err := NewJSON().Export(context.Background(), run, sampleReport())
			Expect(err).NotTo(HaveOccurred())
			Expect(path).To(Equal(filepath.Join(run.ArtifactDir, "foo.json")))
			text, err := os.ReadFile(path)
			Expect(err).NotTo(HaveOccurred())
			Expect(bytes.HasPrefix(text, []byte("{\n  \"schema_version\": \"1.4\",\n"))).To(BeTrue())
		})

		It("does nothing when the summary is off or nothing was measured", func() {
			run := sampleRun(GinkgoT().TempDir())
			path, err := NewJSON().Export(context.Background(), run, &Report{})
			Expect(path, err).To(BeEmpty())
			run.Benchmark.Artifacts.Summary = false
			path, err = NewJSON().Export(context.Background(), run, sampleReport())
			Expect(path, err).To(BeEmpty())
			Expect(namesIn(run.ArtifactDir)).To(BeEmpty())
		})
	})
})
