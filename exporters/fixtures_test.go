package exporters

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
)

// member is one member of a JSON object, in the order of the text.
type member struct {
	key   string
	value json.RawMessage
}

// members parts an object in the order of its text, which a map would lose.
func members(object []byte) []member {
	GinkgoHelper()
	dec := json.NewDecoder(bytes.NewReader(object))
	_, err := dec.Token()
	Expect(err).NotTo(HaveOccurred())
	var all []member
	for dec.More() {
		key, err := dec.Token()
		Expect(err).NotTo(HaveOccurred())
		m := member{key: key.(string)}
		Expect(dec.Decode(&m.value)).To(Succeed())
		all = append(all, m)
	}
	return all
}

func keys(object []byte) []string {
	GinkgoHelper()
	var names []string
	for _, m := range members(object) {
		names = append(names, m.key)
	}
	return names
}

func compact(v []byte) string {
	GinkgoHelper()
	var b bytes.Buffer
	Expect(json.Compact(&b, v)).To(Succeed())
	return b.String()
}

// rowOrder holds the display orders of the catalogue, and the order of the
// time-weighted metrics among themselves.
var rowOrder = map[string]int{
	"time_to_first_token": 100, "time_to_second_token": 200, "time_to_first_output_token": 210, "request_latency": 300,
	"decode_duration": 350, "inter_token_latency": 400, "output_token_throughput_per_user": 500,
	"e2e_output_token_throughput": 510, "output_sequence_length": 600, "input_sequence_length": 700,
	"output_token_throughput": 800, "input_token_throughput": 805, "request_throughput": 900, "goodput": 1000,
	"completed_request_count": 1075, "request_error_rate": 1080, "request_count": 1100,
	"usage_prompt_tokens": 1000, "usage_completion_tokens": 1100, "usage_total_tokens": 1200,
	"total_usage_prompt_tokens": 2000, "total_usage_completion_tokens": 2100, "total_usage_total_tokens": 2200,
	"adj_request_latency": 9001, "adj_time_to_first_token": 9002, "adj_inter_token_latency": 9003, "adj_decode_duration": 9004,
	"effective_concurrency": 1, "effective_decode_throughput": 2, "effective_prefill_throughput": 3,
	"effective_decode_concurrency": 4, "effective_prefill_concurrency": 5, "effective_total_throughput": 6,
	"effective_decode_throughput_per_user": 7, "effective_prefill_throughput_per_user": 8, "tokens_in_flight": 9,
	"effective_latency": 10, "active_decode_throughput": 1, "active_prefill_throughput": 2,
	"active_decode_throughput_per_user": 3, "active_prefill_throughput_per_user": 4, "active_total_throughput": 5,
}

// tableOf is the console group of a tag.
func tableOf(tag string) string {
	_, shown := rowOrder[tag]
	switch {
	case !shown:
		return "none"
	case strings.HasPrefix(tag, "effective_"), tag == "tokens_in_flight":
		return "effective"
	case strings.HasPrefix(tag, "active_"):
		return "active"
	case strings.Contains(tag, "usage_"):
		return "usage"
	}
	return "default"
}

// headersOf reads the headers out of the CSV of the run, whose rows are in the order
// of the tags.
func headersOf(table []byte, results []metrics.Result) map[string]string {
	GinkgoHelper()
	var distributions, scalars []string
	for i := range results {
		if hasPercentile(&results[i].Stats) {
			distributions = append(distributions, results[i].Tag)
		} else {
			scalars = append(scalars, results[i].Tag)
		}
	}
	sort.Strings(distributions)
	sort.Strings(scalars)
	r := csv.NewReader(bytes.NewReader(table))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	Expect(err).NotTo(HaveOccurred())
	headers := map[string]string{}
	name := func(tags []string, rows [][]string) {
		for i, tag := range tags {
			header, _, _ := strings.Cut(rows[i][0]+" ", " (")
			if strings.HasPrefix(rows[i][0], "HTTP Duration") || strings.HasPrefix(rows[i][0], "HTTP Waiting") ||
				strings.HasPrefix(rows[i][0], "Effective Latency") || strings.HasPrefix(tag, "adj_") {
				header = rows[i][0][:strings.LastIndex(rows[i][0], " (")]
			}
			if tag == "completed_request_count" {
				header = rows[i][0]
			}
			headers[tag] = strings.TrimSpace(header)
		}
	}
	name(distributions, rows[1:])
	name(scalars, rows[1+len(distributions)+1:])
	return headers
}

// block reads a stats block.
func block(tag string, v json.RawMessage) metrics.Result {
	GinkgoHelper()
	var b struct {
		Unit                                 string
		Avg, P1, P5, P10, P25, P50, P75, P90 *float64
		P95, P99, Min, Max, Std, Sum         *float64
		Count                                *int64
	}
	Expect(json.Unmarshal(v, &b)).To(Succeed(), tag)
	return metrics.Result{Tag: tag, Unit: b.Unit, ConsoleGroup: tableOf(tag), DisplayOrder: rowOrder[tag], Stats: metrics.Stats{
		Avg: b.Avg, P1: b.P1, P5: b.P5, P10: b.P10, P25: b.P25, P50: b.P50, P75: b.P75, P90: b.P90, P95: b.P95, P99: b.P99,
		Min: b.Min, Max: b.Max, Std: b.Std, Sum: b.Sum, Count: b.Count,
	}}
}

func wall(text string) clock.WallNS {
	GinkgoHelper()
	t, err := time.Parse("2006-01-02T15:04:05.999999", text)
	Expect(err).NotTo(HaveOccurred())
	return clock.WallNS(t.UnixNano())
}

// load turns the summary of a real run back into the report that it was made from.
func load(name string) (*config.Run, *Report) {
	GinkgoHelper()
	run, p := sampleRun("/srv/bench/outputs/"+name), &Profile{}
	run.InputConfigOwn, run.Warnings = nil, nil
	r := &Report{Profile: p}
	for _, m := range members(fixture(name + "/profile_export_aiperf.json")) {
		switch m.key {
		case "input_config":
			run.InputConfig = m.value
		case "run_info":
			var info struct {
				CLICommand string `json:"cli_command"`
			}
			Expect(json.Unmarshal(m.value, &info)).To(Succeed())
			run.CLICommand = info.CLICommand
		case "benchmark_id":
			Expect(json.Unmarshal(m.value, &run.BenchmarkID)).To(Succeed())
		case "was_cancelled":
			Expect(json.Unmarshal(m.value, &p.WasCancelled)).To(Succeed())
		case "is_complete":
			Expect(json.Unmarshal(m.value, &p.IsComplete)).To(Succeed())
		case "incomplete_reason":
			Expect(json.Unmarshal(m.value, &p.IncompleteReason)).To(Succeed())
		case "start_time":
			p.StartNS = wall(strings.Trim(string(m.value), `"`))
		case "end_time":
			p.EndNS = wall(strings.Trim(string(m.value), `"`))
		case "error_summary":
			p.ErrorSummary = errorCounts(m.value)
		case "telemetry_data":
			r.Telemetry = telemetryOf(m.value)
		case "warmup_metrics":
			for _, w := range members(m.value) {
				p.WarmupRecords = append(p.WarmupRecords, block(w.key, w.value))
			}
		case "schema_version", "aiperf_version":
		default:
			p.Records = append(p.Records, block(m.key, m.value))
		}
	}
	headers := headersOf(fixture(name+"/profile_export_aiperf.csv"), p.Records)
	for i := range p.Records {
		p.Records[i].Header = headers[p.Records[i].Tag]
	}
	return run, r
}

func errorCounts(v json.RawMessage) []messages.ErrorCount {
	GinkgoHelper()
	var list []struct {
		Details struct {
			Code          *int64
			Type, Message string
		} `json:"error_details"`
		Count int64
	}
	Expect(json.Unmarshal(v, &list)).To(Succeed())
	var counts []messages.ErrorCount
	for _, e := range list {
		counts = append(counts, messages.ErrorCount{Count: e.Count, Details: messages.ErrorDetails{Code: e.Details.Code, Type: e.Details.Type, Message: e.Details.Message}})
	}
	return counts
}

var gpuHeaders = map[string]string{
	"nvidia_power_usage": "NVIDIA GPU Power Usage", "nvidia_energy_consumption": "NVIDIA Energy Consumption",
	"nvidia_gpu_utilization": "NVIDIA GPU Utilization", "nvidia_memory_utilization": "NVIDIA Memory Utilization",
	"nvidia_memory_used": "NVIDIA GPU Memory Used", "nvidia_temperature": "NVIDIA GPU Temperature",
	"nvidia_sm_utilization": "NVIDIA SM Utilization", "nvidia_xid_errors": "NVIDIA XID Errors",
	"nvidia_power_violation": "NVIDIA Power Violation",
}

func telemetryOf(v json.RawMessage) *Telemetry {
	GinkgoHelper()
	var doc struct {
		Summary struct {
			EndpointsConfigured []string `json:"endpoints_configured"`
			EndpointsSuccessful []string `json:"endpoints_successful"`
			StartTime           string   `json:"start_time"`
			EndTime             string   `json:"end_time"`
		}
		Endpoints json.RawMessage
	}
	Expect(json.Unmarshal(v, &doc)).To(Succeed())
	t := &Telemetry{
		EndpointsConfigured: doc.Summary.EndpointsConfigured, EndpointsSuccessful: doc.Summary.EndpointsSuccessful,
		StartNS: wall(doc.Summary.StartTime), EndNS: wall(doc.Summary.EndTime),
	}
	for _, e := range members(doc.Endpoints) {
		endpoint := TelemetryEndpoint{URL: fmt.Sprintf("http://%s/metrics", e.key), Display: e.key}
		for _, g := range members(members(e.value)[0].value) {
			var gpu struct {
				Index    int             `json:"gpu_index"`
				Name     string          `json:"gpu_name"`
				UUID     string          `json:"gpu_uuid"`
				Platform string          `json:"platform"`
				Hostname string          `json:"hostname"`
				Metrics  json.RawMessage `json:"metrics"`
			}
			Expect(json.Unmarshal(g.value, &gpu)).To(Succeed())
			out := GPU{Key: g.key, Index: gpu.Index, Name: gpu.Name, UUID: gpu.UUID, Platform: gpu.Platform, Hostname: gpu.Hostname}
			for _, m := range members(gpu.Metrics) {
				result := block(m.key, m.value)
				result.Header = gpuHeaders[m.key]
				out.Metrics = append(out.Metrics, result)
			}
			endpoint.GPUs = append(endpoint.GPUs, out)
		}
		t.Endpoints = append(t.Endpoints, endpoint)
	}
	return t
}
