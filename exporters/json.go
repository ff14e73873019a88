package exporters

import (
	"context"
	"io"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins"
)

func init() { plugins.Register("data_exporter", "aiperf.exporters:JSON", NewJSON) }

// summarySchema is the version of the summary's layout, as readers know it.
const summarySchema = "1.4"

// leadingTags stand at the head of the summary, in this order; the other metrics
// follow at its end, sorted.
var leadingTags = []string{
	"request_throughput", "request_latency", "request_count", "time_to_first_token", "time_to_second_token",
	"inter_token_latency", "output_token_throughput", "output_token_throughput_per_user",
	"output_sequence_length", "input_sequence_length", "goodput", "good_request_count", "output_token_count",
	"reasoning_token_count", "min_request_timestamp", "max_response_timestamp", "inter_chunk_latency",
	"total_output_tokens", "total_reasoning_tokens", "benchmark_duration", "total_isl", "total_osl",
	"error_request_count", "error_isl", "total_error_isl",
}

// JSON writes the summary: every metric of the run, what was asked for, how it ended.
type JSON struct{}

// NewJSON makes it.
func NewJSON() DataExporter { return JSON{} }

// Export writes the file, unless the summary is switched off or there is no result.
func (JSON) Export(_ context.Context, run *config.Run, r *Report) (string, error) {
	if !run.Benchmark.Artifacts.Summary || r.Profile == nil {
		return "", nil
	}
	text := summaryJSON(run, r)
	path := pathOf(run, namesOf(run).SummaryJSON)
	err := WriteFileAtomic(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return "", err
	}
	return path, nil
}

func summaryJSON(run *config.Run, r *Report) []byte {
	p := r.Profile
	leading, others := splitSummary(inFiles(run, p.Records))
	j := prettyJSON()
	j.beginObject()
	j.text("schema_version", summarySchema)
	j.text("aiperf_version", config.Version)
	j.text("benchmark_id", run.BenchmarkID)
	for _, m := range leading {
		j.metric(m.Tag, m)
	}
	if t := shownTelemetry(run, r); t != nil {
		j.object("telemetry_data", func() { j.telemetry(t) })
	}
	j.inputs(run)
	j.object("run_info", func() { j.runInfo(run) })
	j.boolean("was_cancelled", p.WasCancelled)
	j.boolean("is_complete", p.IsComplete)
	if !p.IsComplete {
		j.optText("incomplete_reason", p.IncompleteReason)
	}
	j.errorSummary("error_summary", p.ErrorSummary)
	j.time("start_time", p.StartNS)
	j.time("end_time", p.EndNS)
	j.branches(p.BranchStats)
	if warmup := inFiles(run, p.WarmupRecords); len(warmup) > 0 {
		byTag(warmup)
		j.object("warmup_metrics", func() {
			for _, m := range warmup {
				j.metric(m.Tag, m)
			}
		})
	}
	for _, m := range others {
		j.metric(m.Tag, m)
	}
	j.load(p)
	j.cutSessions(p)
	j.object("measurement_quality", func() { j.quality(&p.Quality) })
	j.endObject()
	return j.buf
}

// splitSummary parts the metrics of the fixed order from the others, sorted by tag.
func splitSummary(all []*metrics.Result) (leading, others []*metrics.Result) {
	found := make(map[string]*metrics.Result, len(leadingTags))
	for _, tag := range leadingTags {
		found[tag] = nil
	}
	for _, m := range all {
		if _, leads := found[m.Tag]; leads {
			found[m.Tag] = m
		} else {
			others = append(others, m)
		}
	}
	for _, tag := range leadingTags {
		if m := found[tag]; m != nil {
			leading = append(leading, m)
		}
	}
	byTag(others)
	return leading, others
}

// inputs writes what the user set. Readers check input_config against a closed
// schema, so settings that only this program knows stand beside it.
func (j *jsonText) inputs(run *config.Run) {
	if len(run.InputConfig) > 0 {
		j.raw("input_config", run.InputConfig)
	}
	if len(run.InputConfigOwn) > 0 {
		j.raw("input_config_own", run.InputConfigOwn)
	}
	if len(run.Warnings) > 0 {
		j.textList("warnings", run.Warnings)
	}
}

func (j *jsonText) runInfo(run *config.Run) {
	j.text("benchmark_id", run.BenchmarkID)
	if run.RandomSeed != nil {
		j.unsigned("random_seed", *run.RandomSeed)
	}
	j.integer("trial", 0)
	j.optText("cli_command", run.CLICommand)
}

// metric writes a stats block. Keys without a finite value are left out; a block
// without any is left out whole by the caller.
func (j *jsonText) metric(name string, m *metrics.Result) {
	if scalar(&m.Stats) {
		j.object(name, func() {
			j.text("unit", m.Unit)
			j.number("avg", m.Avg)
			j.number("sum", m.Sum)
		})
		return
	}
	j.statsBlock(name, m)
}

func (j *jsonText) statsBlock(name string, m *metrics.Result) {
	j.object(name, func() {
		j.text("unit", m.Unit)
		for _, st := range jsonStats {
			j.number(st.name, st.of(&m.Stats))
		}
		if m.Count != nil {
			j.integer("count", *m.Count)
		}
		j.number("sum", m.Sum)
	})
}

func (j *jsonText) errorSummary(name string, counts []messages.ErrorCount) {
	j.list(name, func() {
		for i := range counts {
			j.next()
			j.beginObject()
			j.object("error_details", func() { j.errorDetails(&counts[i].Details) })
			j.integer("count", counts[i].Count)
			j.endObject()
		}
	})
}

// errorDetails writes the members of an error object.
func (j *jsonText) errorDetails(e *messages.ErrorDetails) {
	if e.Code != nil {
		j.integer("code", *e.Code)
	}
	j.optText("type", e.Type)
	j.text("message", e.Message)
	j.optText("cause", e.Cause)
	if len(e.CauseChain) > 0 {
		j.textList("cause_chain", e.CauseChain)
	}
	if e.Details != nil {
		j.any("details", e.Details)
	}
}

// time writes an instant in UTC with microseconds; one that was never reached is
// left out.
func (j *jsonText) time(name string, at clock.WallNS) {
	if at != 0 {
		j.text(name, at.Time().Format("2006-01-02T15:04:05.000000Z"))
	}
}
