package exporters

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"

	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
)

func sampleOf(line string) messages.GPUSample {
	GinkgoHelper()
	var s struct {
		GPUIndex     int    `json:"gpu_index"`
		GPUUUID      string `json:"gpu_uuid"`
		GPUModelName string `json:"gpu_model_name"`
		PCIBusID     string `json:"pci_bus_id"`
		Device       string
		Hostname     string
		Platform     string
		TimestampNS  int64              `json:"timestamp_ns"`
		SourceURL    string             `json:"telemetry_source_url"`
		Data         map[string]float64 `json:"telemetry_data"`
	}
	Expect(json.Unmarshal([]byte(line), &s)).To(Succeed())
	return messages.GPUSample{GPUIndex: s.GPUIndex, GPUUUID: s.GPUUUID, GPUModelName: s.GPUModelName, PCIBusID: s.PCIBusID, Device: s.Device,
		Hostname: s.Hostname, Platform: s.Platform, TimestampNS: clock.WallNS(s.TimestampNS), SourceURL: s.SourceURL, Data: s.Data}
}

var _ = Describe("the GPU telemetry JSONL", func() {
	It("is that of AIPerf (Python)", func() {
		theirs := string(fixture("server-and-gpu-telemetry/gpu_telemetry_export.jsonl"))
		m := &memory{}
		x := newGPUTelemetryJSONL(newLines("x", m, 1))
		var batch messages.TelemetryRecords
		for _, line := range strings.Split(strings.TrimSpace(theirs), "\n") {
			batch.Records = append(batch.Records, sampleOf(line))
		}
		Expect(x.Telemetry(&batch)).To(Succeed())
		Expect(string(m.text)).To(Equal(theirs))
	})

	It("sorts unknown fields behind the known ones, hides credentials, says unknown for no platform", func() {
		m := &memory{}
		x := newGPUTelemetryJSONL(newLines("x", m, 1))
		Expect(x.Telemetry(&messages.TelemetryRecords{Records: []messages.GPUSample{{
			GPUUUID: "GPU-1", GPUModelName: "X", PodName: "p", SourceURL: "http://u:secret@n1:9400/metrics", TimestampNS: 5,
			Data: map[string]float64{"zeta": 1, "alpha": 2, "amd_power": 3, "nvidia_temperature": 4, "nvidia_power_usage": math.NaN()},
		}}})).To(Succeed())
		Expect(string(m.text)).To(Equal(`{"gpu_index":0,"gpu_uuid":"GPU-1","gpu_model_name":"X","pod_name":"p","platform":"unknown","timestamp_ns":5,` +
			`"telemetry_source_url":"http://<redacted>@n1:9400/metrics","telemetry_data":{"nvidia_temperature":4.0,"amd_power":3.0,"alpha":2.0,"zeta":1.0}}` + "\n"))
	})

	It("exists only with telemetry, and its file only with samples", func() {
		run := sampleRun(GinkgoT().TempDir())
		s, err := NewGPUTelemetryJSONL(run)
		Expect(err).NotTo(HaveOccurred())
		Expect(s).To(BeNil())
		run.Benchmark.GPUTelemetry = config.GPUTelemetry{Enabled: true}
		s, err = NewGPUTelemetryJSONL(run)
		Expect(err).NotTo(HaveOccurred())
		Expect(s.Close()).To(Succeed())
		Expect(namesIn(run.ArtifactDir)).To(BeEmpty())
	})

	It("hands a disk error to its owner", func() {
		x := newGPUTelemetryJSONL(newLines("x", &shortDisk{}, 1))
		Expect(x.Telemetry(&messages.TelemetryRecords{Records: make([]messages.GPUSample, 3)})).To(MatchError(errFull))
		_, err := NewGPUTelemetryJSONL(func() *config.Run {
			run := sampleRun(filepath.Join("/proc", "nowhere"))
			run.Benchmark.GPUTelemetry.Enabled = true
			return run
		}())
		Expect(err).To(MatchError(ContainSubstring("gpu_telemetry_export.jsonl")))
	})
})
