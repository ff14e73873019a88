package records

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/metrics"
)

// sampleOf is a GPU sample at a second, with one field.
func sampleOf(source, uuid string, index int, sec float64, field string, v float64) *messages.TelemetryRecords {
	return &messages.TelemetryRecords{TelemetrySourceURL: source, Records: []messages.GPUSample{{
		GPUIndex: index, GPUUUID: uuid, GPUModelName: "m", Platform: "nvidia", SourceURL: source,
		TimestampNS: clock.WallNS(sec * 1e9), Data: map[string]float64{field: v},
	}}}
}

func metricOf(g exporters.GPU, tag string) metrics.Result {
	GinkgoHelper()
	i := slices.IndexFunc(g.Metrics, func(r metrics.Result) bool { return r.Tag == tag })
	Expect(i).To(BeNumerically(">=", 0), tag)
	return g.Metrics[i]
}

var _ = Describe("GPU samples", func() {
	const (
		url   = "http://n1:9400/metrics"
		power = "nvidia_power_usage"
		xid   = "nvidia_xid_errors"
		joule = "nvidia_energy_consumption"
		start = clock.WallNS(10e9)
		end   = clock.WallNS(20e9)
	)
	var a *gpuAccumulator
	BeforeEach(func() { a = newGPUAccumulator() })
	only := func() exporters.GPU {
		GinkgoHelper()
		t := a.result(nil, start, end)
		Expect(t.Endpoints).To(HaveLen(1))
		Expect(t.Endpoints[0].GPUs).To(HaveLen(1))
		return t.Endpoints[0].GPUs[0]
	}
	add := func(sec float64, field string, v float64) { a.add(sampleOf(url, "GPU-a", 0, sec, field, v)) }

	It("give what AIPerf gives for the same samples", func() {
		lines, err := os.ReadFile("testdata/gpu_telemetry/samples.jsonl")
		Expect(err).NotTo(HaveOccurred())
		for line := range bytes.Lines(lines) {
			var s struct {
				Index    int                `json:"gpu_index"`
				UUID     string             `json:"gpu_uuid"`
				Model    string             `json:"gpu_model_name"`
				Hostname string             `json:"hostname"`
				Platform string             `json:"platform"`
				At       clock.WallNS       `json:"timestamp_ns"`
				URL      string             `json:"telemetry_source_url"`
				Data     map[string]float64 `json:"telemetry_data"`
			}
			Expect(json.Unmarshal(line, &s)).To(Succeed())
			a.add(&messages.TelemetryRecords{TelemetrySourceURL: s.URL, Records: []messages.GPUSample{{
				GPUIndex: s.Index, GPUUUID: s.UUID, GPUModelName: s.Model, Hostname: s.Hostname, Platform: s.Platform, TimestampNS: s.At, SourceURL: s.URL, Data: s.Data,
			}}})
		}
		text, err := os.ReadFile("testdata/gpu_telemetry/telemetry_data.json")
		Expect(err).NotTo(HaveOccurred())
		var want struct {
			Summary struct {
				Start string `json:"start_time"`
				End   string `json:"end_time"`
			}
			Endpoints map[string]struct {
				GPUs map[string]struct {
					UUID    string `json:"gpu_uuid"`
					Metrics map[string]map[string]any
				}
			}
		}
		Expect(json.Unmarshal(text, &want)).To(Succeed())
		at := func(s string) clock.WallNS {
			t, err := time.Parse("2006-01-02T15:04:05.999999", s)
			Expect(err).NotTo(HaveOccurred())
			return clock.WallNS(t.UnixNano())
		}
		t := a.result(nil, at(want.Summary.Start), at(want.Summary.End))
		Expect(t.Endpoints).To(HaveLen(1))
		gpus := want.Endpoints[t.Endpoints[0].Display].GPUs
		Expect(t.Endpoints[0].GPUs).To(HaveLen(len(gpus)))
		for _, g := range t.Endpoints[0].GPUs {
			Expect(g.UUID).To(Equal(gpus[g.Key].UUID))
			Expect(g.Metrics).To(HaveLen(len(gpus[g.Key].Metrics)))
			for _, m := range g.Metrics {
				expected := gpus[g.Key].Metrics[m.Tag]
				Expect(m.Unit).To(Equal(expected["unit"]), m.Tag)
				got := map[string]*float64{
					"avg": m.Avg, "p1": m.P1, "p5": m.P5, "p10": m.P10, "p25": m.P25, "p50": m.P50, "p75": m.P75, "p90": m.P90, "p95": m.P95, "p99": m.P99,
					"min": m.Min, "max": m.Max, "std": m.Std, "sum": m.Sum,
				}
				for name, v := range got {
					e, exists := expected[name]
					Expect(v != nil).To(Equal(exists), "%s %s", m.Tag, name)
					if exists {
						Expect(*v).To(BeNumerically("~", e, 1e-9), "%s %s", m.Tag, name)
					}
				}
			}
		}
	})

	It("count a gauge in the window only, its borders included", func() {
		for sec, v := range map[float64]float64{9.9: 1000, 10: 1, 15: 2, 20: 3, 20.1: 1000} {
			add(sec, power, v)
		}
		m := metricOf(only(), power)
		Expect([]float64{*m.Avg, *m.Min, *m.Max, *m.Sum, *m.Std, *m.P50}).To(Equal([]float64{2, 1, 3, 6, 1, 2}))
		Expect(*m.Count).To(BeEquivalentTo(3))
		Expect([]string{m.Header, m.Unit}).To(Equal([]string{"NVIDIA GPU Power Usage", "W"}))
	})

	It("have no spread with one sample", func() {
		add(12, power, 7)
		Expect(*metricOf(only(), power).Std).To(BeZero())
	})

	It("do not count what a sample lacks", func() {
		add(11, power, 10)
		add(12, joule, 1)
		add(13, power, 20)
		add(14, power, math.NaN())
		add(15, power, math.Inf(1))
		m := metricOf(only(), power)
		Expect(*m.Count).To(BeEquivalentTo(2))
		Expect(*m.Avg).To(Equal(15.0))
	})

	It("are put where their time is when they come late", func() {
		for _, sec := range []float64{12, 18, 15, 9} {
			add(sec, joule, sec)
		}
		Expect(*metricOf(only(), joule).Avg).To(Equal(9.0), "from 9 to 18")
	})

	It("measure a counter from the last value before the window", func() {
		add(8, joule, 1)
		add(9, joule, 2)
		add(11, joule, 5)
		add(19, joule, 7.5)
		add(21, joule, 100)
		m := metricOf(only(), joule)
		Expect(*m.Avg).To(Equal(5.5))
		Expect(m.Stats).To(Equal(metrics.Stats{Avg: m.Avg}))
	})

	It("measure a counter from its first value when there is none before", func() {
		add(11, joule, 5)
		add(19, joule, 7.5)
		Expect(*metricOf(only(), joule).Avg).To(Equal(2.5))
	})

	It("never let a counter that started over be negative", func() {
		add(9, joule, 100)
		add(19, joule, 1)
		Expect(*metricOf(only(), joule).Avg).To(BeZero())
	})

	It("list the XID codes of the window", func() {
		for sec, v := range map[float64]float64{9: 13, 11: 0, 12: 79, 13: 31, 14: 79} {
			add(sec, xid, v)
		}
		Expect(only().XIDCodes).To(Equal([]int64{31, 79}))
	})

	It("leave out GPUs and sources without a sample in the window", func() {
		a.add(sampleOf(url, "GPU-a", 0, 5, power, 1))
		Expect(a.result(nil, start, end).Endpoints).To(BeEmpty())
		Expect(newGPUAccumulator().result(nil, 0, 0).Endpoints).To(BeEmpty())
		Expect(a.result(nil, end, start).Endpoints).To(BeEmpty(), "a window that ends before it starts")
	})

	It("keep two GPUs with one number apart", func() {
		a.add(sampleOf(url, "GPU-12345678-x", 0, 11, power, 1))
		a.add(sampleOf(url, "GPU-87654321-y", 0, 11, power, 2))
		a.add(sampleOf(url, "GPU-87654321-z", 0, 11, power, 3))
		var keys []string
		for _, g := range a.result(nil, start, end).Endpoints[0].GPUs {
			keys = append(keys, g.Key)
		}
		Expect(keys).To(Equal([]string{"gpu_0", "gpu_0_87654321", "gpu_0_GPU-87654321-z"}))
	})

	It("are listed in the order in which the sources were configured", func() {
		a.add(sampleOf("http://b/metrics", "GPU-b", 0, 11, power, 1))
		a.add(sampleOf("http://a/metrics", "GPU-a", 0, 11, power, 1))
		status := &messages.TelemetryStatus{EndpointsConfigured: []string{"http://b/metrics", "http://c/metrics", "http://a/metrics"}, EndpointsReachable: []string{"http://b/metrics", "http://a/metrics"}}
		t := a.result(status, start, end)
		Expect([]string{t.Endpoints[0].Display, t.Endpoints[1].Display}).To(Equal([]string{"b", "a"}))
		Expect(t.EndpointsConfigured).To(Equal(status.EndpointsConfigured))
		Expect(t.EndpointsSuccessful).To(Equal(status.EndpointsReachable))
		Expect([]clock.WallNS{t.StartNS, t.EndNS}).To(Equal([]clock.WallNS{start, end}))
	})

	It("come with the errors of their sources", func() {
		for range 3 {
			a.add(&messages.TelemetryRecords{TelemetrySourceURL: url, Error: messages.NewError("TimeoutError", "no answer in time")})
		}
		t := a.result(nil, start, end)
		Expect(t.ErrorSummary).To(HaveLen(1))
		Expect(t.ErrorSummary[0].Count).To(BeEquivalentTo(3))
	})
})
