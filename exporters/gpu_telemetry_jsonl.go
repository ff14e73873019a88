package exporters

import (
	"slices"
	"strings"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/plugins"
)

func init() {
	plugins.Register("stream_exporter", "aiperf.exporters:GPUTelemetryJSONL", NewGPUTelemetryJSONL)
}

// gpuFields is the order of the known fields in a sample; others follow, sorted.
var gpuFields = []string{
	"nvidia_power_usage", "nvidia_energy_consumption", "nvidia_gpu_utilization", "nvidia_memory_utilization",
	"nvidia_memory_used", "nvidia_temperature", "nvidia_sm_utilization", "nvidia_decoder_utilization",
	"nvidia_encoder_utilization", "nvidia_jpg_utilization", "nvidia_xid_errors", "nvidia_power_violation",
	"amd_power", "amd_energy_consumption", "amd_gfx_activity", "amd_umc_activity", "amd_mm_activity",
	"amd_memory_used", "amd_temperature", "amd_ecc_uncorrectable", "amd_throttle_status",
}

// GPUTelemetryJSONL writes one line per GPU and sample, in display units; counters
// are raw running values.
type GPUTelemetryJSONL struct {
	*lineFile
	others []string          // scratch
	urls   map[string]string // source → what is written, without credentials
}

var _ TelemetryStream = (*GPUTelemetryJSONL)(nil)

// NewGPUTelemetryJSONL opens the file; nil when GPU telemetry is off.
func NewGPUTelemetryJSONL(run *config.Run) (Stream, error) {
	if !run.Benchmark.GPUTelemetry.Enabled {
		return nil, unwanted(pathOf(run, namesOf(run).GPUTelemetry))
	}
	lines, err := openLines(pathOf(run, namesOf(run).GPUTelemetry), run.Environment.GPU.ExportBatchSize)
	if err != nil {
		return nil, err
	}
	return newGPUTelemetryJSONL(lines), nil
}

func newGPUTelemetryJSONL(lines *lineFile) *GPUTelemetryJSONL {
	return &GPUTelemetryJSONL{lineFile: lines, urls: map[string]string{}}
}

// Telemetry appends the lines of a batch.
func (x *GPUTelemetryJSONL) Telemetry(m *messages.TelemetryRecords) error {
	for i := range m.Records {
		j := compactJSON(x.buf)
		x.sample(&j, &m.Records[i])
		x.buf = j.buf
		if err := x.line(); err != nil {
			return err
		}
	}
	return x.err
}

func (x *GPUTelemetryJSONL) sample(j *jsonText, s *messages.GPUSample) {
	platform := s.Platform
	if platform == "" {
		platform = "unknown"
	}
	j.beginObject()
	j.integer("gpu_index", int64(s.GPUIndex))
	j.text("gpu_uuid", s.GPUUUID)
	j.text("gpu_model_name", s.GPUModelName)
	j.optText("pci_bus_id", s.PCIBusID)
	j.optText("device", s.Device)
	j.optText("hostname", s.Hostname)
	j.optText("namespace", s.Namespace)
	j.optText("pod_name", s.PodName)
	j.text("platform", platform)
	j.integer("timestamp_ns", int64(s.TimestampNS))
	j.text("telemetry_source_url", x.source(s.SourceURL))
	j.key("telemetry_data")
	j.beginObject()
	x.fields(j, s.Data)
	j.endObject()
	j.endObject()
}

func (x *GPUTelemetryJSONL) source(url string) string {
	shown, known := x.urls[url]
	if !known {
		shown = config.RedactURL(url)
		x.urls[url] = shown
	}
	return shown
}

func (x *GPUTelemetryJSONL) fields(j *jsonText, data map[string]float64) {
	written := 0
	for _, name := range gpuFields {
		if v, ok := data[name]; ok {
			j.number(name, &v)
			written++
		}
	}
	if written == len(data) {
		return
	}
	x.others = x.others[:0]
	for name := range data {
		if !slices.Contains(gpuFields, name) {
			x.others = append(x.others, name)
		}
	}
	slices.SortFunc(x.others, strings.Compare)
	for _, name := range x.others {
		v := data[name]
		j.number(name, &v)
	}
}
