package telemetry

import "strings"

// Kinds of fields.
const (
	Gauge   = "gauge"
	Counter = "counter" // only ever grows; its result is the growth
)

// Field is one figure of a GPU.
type Field struct {
	Name    string // key of telemetry_data
	Display string
	Unit    string
	Kind    string
	// DCGM is the exporter's name of it, "" for none; value in Unit = value there · Scale.
	DCGM  string
	Scale float64
}

// Fields lists all fields in the order of every table.
func Fields() []Field { return fields[:] }

var fields = [...]Field{
	{"nvidia_power_usage", "NVIDIA GPU Power Usage", "W", Gauge, "DCGM_FI_DEV_POWER_USAGE", 1},
	{"nvidia_energy_consumption", "NVIDIA Energy Consumption", "MJ", Counter, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 1e-9}, // from mJ
	{"nvidia_gpu_utilization", "NVIDIA GPU Utilization", "%", Gauge, "DCGM_FI_DEV_GPU_UTIL", 1},
	{"nvidia_memory_utilization", "NVIDIA Memory Utilization", "%", Gauge, "DCGM_FI_DEV_MEM_COPY_UTIL", 1},
	{"nvidia_memory_used", "NVIDIA GPU Memory Used", "GB", Gauge, "DCGM_FI_DEV_FB_USED", 1.048576e-3}, // from MiB
	{"nvidia_temperature", "NVIDIA GPU Temperature", "°C", Gauge, "DCGM_FI_DEV_GPU_TEMP", 1},
	{"nvidia_sm_utilization", "NVIDIA SM Utilization", "%", Gauge, "DCGM_FI_PROF_SM_ACTIVE", 100}, // from a ratio
	{"nvidia_decoder_utilization", "NVIDIA Decoder Utilization", "%", Gauge, "DCGM_FI_DEV_DEC_UTIL", 1},
	{"nvidia_encoder_utilization", "NVIDIA Encoder Utilization", "%", Gauge, "DCGM_FI_DEV_ENC_UTIL", 1},
	{"nvidia_jpg_utilization", "NVIDIA JPEG Utilization", "%", Gauge, "DCGM_FI_DEV_JPG_UTIL", 1},
	{FieldXIDErrors, "NVIDIA XID Errors", "count", Counter, "DCGM_FI_DEV_XID_ERRORS", 1},
	{"nvidia_power_violation", "NVIDIA Power Violation", "us", Counter, "DCGM_FI_DEV_POWER_VIOLATION", 1e-3}, // from ns
}

// FieldXIDErrors is the last XID code of a GPU, which DCGM exporters present as if it
// were a count. Its growth says nothing; the distinct codes do.
const FieldXIDErrors = "nvidia_xid_errors"

// byDCGM finds a field by the exporter's name.
var byDCGM = func() map[string]*Field {
	m := map[string]*Field{}
	for i := range fields {
		if f := &fields[i]; f.DCGM != "" {
			m[f.DCGM] = f
		}
	}
	return m
}()

// fieldOf finds the field of a metric name, which may carry the suffix of counters.
func fieldOf(name string) *Field {
	if f := byDCGM[name]; f != nil {
		return f
	}
	return byDCGM[strings.TrimSuffix(name, "_total")]
}
