package exporters

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins"
)

func init() { plugins.Register("stream_exporter", "aiperf.exporters:RecordExport", NewRecordExport) }

// RecordExport writes one line per finished request, in order of arrival: warmup,
// failed and cancelled ones too.
type RecordExport struct {
	*lineFile
	columns map[string]*column
	order   tagOrder
	hidden  metrics.Flags // metrics with any of these flags are left out
}

// column is what is known of a metric before its values.
type column struct {
	head    string // the tag's member up to its value
	tail    string // from the value on
	hidden  bool
	integer bool // whole numbers stay whole numbers: they are shown in their own unit
}

var _ RecordStream = (*RecordExport)(nil)

// NewRecordExport opens the file; nil when the run keeps no records.
func NewRecordExport(run *config.Run) (Stream, error) {
	if !run.Benchmark.Artifacts.Records {
		return nil, unwanted(pathOf(run, namesOf(run).Records))
	}
	lines, err := openLines(pathOf(run, namesOf(run).Records), run.Environment.Record.ExportBatchSize)
	if err != nil {
		return nil, err
	}
	return newRecordExport(run, lines), nil
}

func newRecordExport(run *config.Run, lines *lineFile) *RecordExport {
	return &RecordExport{lineFile: lines, columns: map[string]*column{}, hidden: hiddenInRecords(run)}
}

// hiddenInRecords are the marks of metrics that no file of single requests shows.
func hiddenInRecords(run *config.Run) metrics.Flags {
	hidden := metrics.NoIndividualRecords | metrics.Internal | metrics.Experimental
	if dev := run.Environment.Dev; dev.Mode {
		if dev.ShowInternal {
			hidden &^= metrics.Internal
		}
		if dev.ShowExperimental {
			hidden &^= metrics.Experimental
		}
	}
	return hidden
}

// Record appends the line of one request.
//
// hot: once per request, about 35 metrics. Budget: no allocation once the buffer has
// grown. BenchmarkRecordLine.
func (x *RecordExport) Record(r *messages.MetricRecord) error {
	j := compactJSON(x.buf)
	j.beginObject()
	j.key("metadata")
	j.beginObject()
	j.recordMetadata(&r.Metadata)
	j.endObject()
	j.key("metrics")
	x.metrics(&j, r.Metrics)
	if r.Trace != nil {
		j.key("trace_data")
		j.beginObject()
		j.trace(r.Trace, &r.Metadata)
		j.endObject()
	}
	if r.Error != nil {
		j.key("error")
		j.beginObject()
		j.errorDetails(r.Error)
		j.endObject()
	}
	j.endObject()
	x.buf = j.buf
	return x.line()
}

func (j *jsonText) recordMetadata(m *messages.RecordMetadata) {
	j.integer("session_num", m.SessionNum)
	j.optText("x_request_id", m.XRequestID)
	j.optText("x_correlation_id", m.XCorrelationID)
	j.optText("conversation_id", m.ConversationID)
	j.integer("turn_index", int64(m.TurnIndex))
	j.optInteger("credit_issued_ns", int64(m.CreditIssuedNS))
	j.integer("request_start_ns", int64(m.RequestStartNS))
	j.optInteger("request_ack_ns", int64(m.RequestAckNS))
	j.integer("request_end_ns", int64(m.RequestEndNS))
	j.text("worker_id", m.WorkerID)
	j.text("record_processor_id", m.RecordProcessorID)
	j.text("benchmark_phase", m.BenchmarkPhase)
	j.integer("phase_index", int64(m.PhaseIndex))
	if m.ProfilingIndex >= 0 {
		j.integer("profiling_index", int64(m.ProfilingIndex))
	}
	j.optText("phase_name", m.PhaseName)
	j.text("phase_kind", m.BenchmarkPhase)
	j.boolean("was_cancelled", m.WasCancelled)
	j.optInteger("cancellation_time_ns", int64(m.CancellationTimeNS))
	j.boolean("context_overflow_skip", false)
	j.integer("agent_depth", int64(m.AgentDepth))
	j.optText("parent_correlation_id", m.ParentCorrelationID)
	if m.RootCorrelationID != "" {
		j.text("root_correlation_id", m.RootCorrelationID)
	} else {
		j.optText("root_correlation_id", m.XCorrelationID) // its own
	}
	j.optInteger("scheduled_ns", int64(m.ScheduledNS))
	j.optText("stamp_source", m.StampSource)
	j.optInteger("recv_bytes", m.RecvBytes)
}

// metrics writes the values in display units, sorted by tag.
func (x *RecordExport) metrics(j *jsonText, values []messages.MetricValue) {
	j.beginObject()
	for _, i := range x.order.of(values) {
		v := &values[i]
		c := x.column(v.Tag)
		if c.hidden || v.List == nil && !finite(&v.Number) {
			continue
		}
		j.next()
		j.buf = append(j.buf, c.head...)
		switch {
		case v.List != nil:
			j.numbers(v.Tag, v.List)
		case v.Integer && c.integer:
			j.buf = strconv.AppendInt(j.buf, int64(v.Number), 10)
		default:
			shown, _ := metrics.Display(v.Tag, v.Number)
			j.buf = appendJSONNumber(j.buf, shown)
		}
		j.buf = append(j.buf, c.tail...)
	}
	j.endObject()
}

// numbers writes the list value of a metric.
func (j *jsonText) numbers(tag string, list []float64) {
	j.buf = append(j.buf, '[')
	first := true
	for _, v := range list {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if !first {
			j.buf = append(j.buf, ',')
		}
		first = false
		shown, _ := metrics.Display(tag, v)
		j.buf = appendJSONNumber(j.buf, shown)
	}
	j.buf = append(j.buf, ']')
}

// column looks a metric up, once per tag.
func (x *RecordExport) column(tag string) *column {
	if c, known := x.columns[tag]; known {
		return c
	}
	c := &column{integer: true}
	if d, known := metrics.Find(tag); known {
		c.hidden = d.Flags.HasAny(x.hidden)
		c.integer = d.DisplayUnit == "" || d.DisplayUnit == d.Unit
	}
	_, unit := metrics.Display(tag, 0)
	c.head = string(appendJSONText(nil, tag)) + `:{"value":`
	c.tail = `,"unit":` + string(appendJSONText(nil, unit)) + `}`
	x.columns[strings.Clone(tag)] = c
	return c
}

// tagOrder sorts the metrics of a record by tag. Nearly all records of a run carry
// the same tags in the same order, so the last answer is kept.
type tagOrder struct {
	tags  []string
	order []int
}

// of returns indices into values; they are valid until the next call.
func (o *tagOrder) of(values []messages.MetricValue) []int {
	if o.same(values) {
		return o.order
	}
	o.tags, o.order = o.tags[:0], o.order[:0]
	for i := range values {
		o.tags = append(o.tags, values[i].Tag)
		o.order = append(o.order, i)
	}
	slices.SortStableFunc(o.order, func(a, b int) int { return strings.Compare(o.tags[a], o.tags[b]) })
	return o.order
}

func (o *tagOrder) same(values []messages.MetricValue) bool {
	if len(o.tags) != len(values) {
		return false
	}
	for i := range values {
		if o.tags[i] != values[i].Tag {
			return false
		}
	}
	return true
}
