package messages

import (
	"slices"
	"strings"

	"aiperf/clock"
)

// RecordMetadata places one record: which request, when, through whom. An absent
// field is 0 or empty here, but for ProfilingIndex, which is −1 then.
type RecordMetadata struct {
	SessionNum         int64        `msgpack:"session_num"`                // number of the request in its phase, from 0, in issue order
	XRequestID         string       `msgpack:"x_request_id,omitempty"`     // the X-Request-ID header of the request
	XCorrelationID     string       `msgpack:"x_correlation_id,omitempty"` // the X-Correlation-ID header: one per session
	ConversationID     string       `msgpack:"conversation_id,omitempty"`  // entry of the dataset
	TurnIndex          int          `msgpack:"turn_index"`                 // from 0, inside the session
	CreditIssuedNS     clock.WallNS `msgpack:"credit_issued_ns,omitempty"` // when the credit was issued
	RequestStartNS     clock.WallNS `msgpack:"request_start_ns"`           // when the worker took the request up; latencies count from here
	RequestAckNS       clock.WallNS `msgpack:"request_ack_ns,omitempty"`   // response head
	RequestEndNS       clock.WallNS `msgpack:"request_end_ns"`             // last byte, failure or cancellation
	WorkerID           string       `msgpack:"worker_id"`
	RecordProcessorID  string       `msgpack:"record_processor_id"`
	BenchmarkPhase     string       `msgpack:"benchmark_phase"`                // warmup, profiling
	PhaseIndex         int          `msgpack:"phase_index"`                    // from 0, over all phases
	ProfilingIndex     int          `msgpack:"profiling_index,omitempty"`      // from 0, over the profiling phases; absent in a warmup
	PhaseName          string       `msgpack:"phase_name,omitempty"`           // warmup, profiling
	WasCancelled       bool         `msgpack:"was_cancelled"`                  // an outcome of its own: error is set too, with code 499
	CancellationTimeNS clock.WallNS `msgpack:"cancellation_time_ns,omitempty"` // when it was cancelled
	ScheduledNS        clock.WallNS `msgpack:"scheduled_ns,omitempty"`         // when it was due; open loop only
	StampSource        string       `msgpack:"stamp_source,omitempty"`         // who stamped the arrivals: kernel, read
	RecvBytes          int64        `msgpack:"recv_bytes,omitempty"`           // bytes of the response
	GenStartNS         clock.WallNS `msgpack:"gen_start_ns,omitempty"`         // first response with content
	EventCount         int64        `msgpack:"event_count,omitempty"`          // events of the stream, without [DONE]
	CoalescedEvents    int64        `msgpack:"coalesced_events,omitempty"`     // of these, those that came with others in one read

	AgentDepth          int    `msgpack:"agent_depth,omitempty"`           // 0: a session of the dataset; a child's is one more than its parent's
	ParentCorrelationID string `msgpack:"parent_correlation_id,omitempty"` // session that the child was branched from
	RootCorrelationID   string `msgpack:"root_correlation_id,omitempty"`   // session at the top; absent: this one
}

// Key is the credit that the record belongs to.
func (m *RecordMetadata) Key() CreditKey {
	return CreditKey{PhaseIndex: m.PhaseIndex, ID: m.SessionNum}
}

// MetricValue is one metric of one record, in the metric's base unit.
type MetricValue struct {
	Tag     string
	Number  float64
	Integer bool      // an integer on the wire and in files
	List    []float64 // set for list metrics; Number is unused then
}

// MetricRecord is one finished request in numbers. Every request has exactly one.
type MetricRecord struct {
	Metadata RecordMetadata `msgpack:"metadata"`
	Metrics  []MetricValue  `msgpack:"metrics"`         // base units; what does not apply to a request is absent
	Error    *ErrorDetails  `msgpack:"error,omitempty"` // of failed and cancelled requests
	// Trace is what the transport saw, when the run keeps it.
	Trace *RecordTrace `msgpack:"trace_data,omitempty"`
}

// RecordTrace is a trace on its way into the files.
type RecordTrace struct {
	TraceData
	StartPerfNS clock.MonoNS `msgpack:"start_perf_ns,omitempty"`        // same instant as the record's RequestStartNS
	Status      int          `msgpack:"response_status_code,omitempty"` // HTTP status; 0 without an answer
}

// MetricRecords is a batch of records: record processor to records manager, and
// the live stream on the event bus.
type MetricRecords struct {
	Records []MetricRecord `msgpack:"records"` // in the order in which they arrived
}

func (*MetricRecords) MessageType() string { return "metric_records" }

// hot: once per request, about 35 values each. Budget: no allocation. BenchmarkMetricRecords.
func (m *MetricRecords) appendFields(w *Writer) int {
	w.Str("records")
	w.Array(len(m.Records))
	for i := range m.Records {
		m.Records[i].append(w)
	}
	return 1
}

func (rec *MetricRecord) append(w *Writer) {
	w.nested(func(n *int) {
		w.Str("record_type")
		w.Str("metric_records")
		w.Str("metadata")
		rec.Metadata.append(w)
		w.Str("metrics")
		w.nested(func(k *int) {
			for i := range rec.Metrics {
				v := &rec.Metrics[i]
				w.Str(v.Tag)
				v.append(w)
			}
			*k = len(rec.Metrics)
		})
		*n += 3
		if rec.Error != nil {
			w.Str("error")
			rec.Error.append(w)
			*n++
		}
		if rec.Trace != nil {
			w.Str("trace_data")
			rec.Trace.append(w)
			*n++
		}
	})
}

func (t *RecordTrace) append(w *Writer) {
	w.nested(func(n *int) {
		t.appendMembers(w, n)
		w.optInt(n, "start_perf_ns", int64(t.StartPerfNS))
		w.optInt(n, "response_status_code", int64(t.Status))
	})
}

func readRecordTrace(r *Reader) *RecordTrace {
	t := &RecordTrace{}
	t.read(r, func(key []byte) bool {
		switch string(key) {
		case "start_perf_ns":
			t.StartPerfNS = clock.MonoNS(r.Int())
		case "response_status_code":
			t.Status = int(r.Int())
		default:
			return false
		}
		return true
	})
	return t
}

func (v *MetricValue) append(w *Writer) {
	switch {
	case v.List != nil:
		w.Array(len(v.List))
		for _, x := range v.List {
			if n := int64(x); v.Integer && float64(n) == x { // shorter
				w.Int(n)
			} else {
				w.Float(x)
			}
		}
	case v.Integer:
		w.Int(int64(v.Number))
	default:
		w.Float(v.Number)
	}
}

func (m *RecordMetadata) append(w *Writer) {
	w.nested(func(n *int) {
		w.Str("session_num")
		w.Int(m.SessionNum)
		*n++
		w.optStr(n, "x_request_id", m.XRequestID)
		w.optStr(n, "x_correlation_id", m.XCorrelationID)
		w.optStr(n, "conversation_id", m.ConversationID)
		w.Str("turn_index")
		w.Int(int64(m.TurnIndex))
		*n++
		w.optInt(n, "credit_issued_ns", int64(m.CreditIssuedNS))
		w.Str("request_start_ns")
		w.Int(int64(m.RequestStartNS))
		*n++
		w.optInt(n, "request_ack_ns", int64(m.RequestAckNS))
		w.Str("request_end_ns")
		w.Int(int64(m.RequestEndNS))
		w.Str("worker_id")
		w.Str(m.WorkerID)
		w.Str("record_processor_id")
		w.Str(m.RecordProcessorID)
		w.Str("benchmark_phase")
		w.Str(m.BenchmarkPhase)
		w.Str("phase_index")
		w.Int(int64(m.PhaseIndex))
		*n += 5
		if m.ProfilingIndex >= 0 {
			w.Str("profiling_index")
			w.Int(int64(m.ProfilingIndex))
			*n++
		}
		w.optStr(n, "phase_name", m.PhaseName)
		w.Str("was_cancelled")
		w.Bool(m.WasCancelled)
		*n++
		w.optInt(n, "cancellation_time_ns", int64(m.CancellationTimeNS))
		w.optInt(n, "scheduled_ns", int64(m.ScheduledNS))
		w.optStr(n, "stamp_source", m.StampSource)
		w.optInt(n, "recv_bytes", m.RecvBytes)
		w.optInt(n, "gen_start_ns", int64(m.GenStartNS))
		w.optInt(n, "event_count", m.EventCount)
		w.optInt(n, "coalesced_events", m.CoalescedEvents)
		w.optInt(n, "agent_depth", int64(m.AgentDepth))
		w.optStr(n, "parent_correlation_id", m.ParentCorrelationID)
		w.optStr(n, "root_correlation_id", m.RootCorrelationID)
	})
}

// readField decodes into memory of the message's own; strings that differ from record
// to record borrow the frame.
func (m *MetricRecords) readField(r *Reader, key []byte) bool {
	if string(key) != "records" {
		return false
	}
	var d RecordReader
	d.read(r)
	m.Records = d.records
	return true
}

// Clone is a copy that shares no memory with the frame or the batch.
func (rec *MetricRecord) Clone() MetricRecord {
	c := *rec
	m := &c.Metadata
	m.XRequestID, m.XCorrelationID, m.ConversationID = strings.Clone(m.XRequestID), strings.Clone(m.XCorrelationID), strings.Clone(m.ConversationID)
	c.Metrics = slices.Clone(rec.Metrics)
	for i := range c.Metrics {
		c.Metrics[i].List = slices.Clone(c.Metrics[i].List)
	}
	return c
}

// readMetadata fills m. What repeats from record to record is shared with the one
// before.
func readMetadata(r *Reader, m, before *RecordMetadata) {
	m.ProfilingIndex = -1
	for n := r.MapLen(); n > 0 && r.err == nil; n-- {
		switch string(r.StrBytes()) {
		case "session_num":
			m.SessionNum = r.Int()
		case "x_request_id":
			m.XRequestID = borrowed(r.StrBytes())
		case "x_correlation_id":
			m.XCorrelationID = borrowed(r.StrBytes())
		case "conversation_id":
			m.ConversationID = borrowed(r.StrBytes())
		case "turn_index":
			m.TurnIndex = int(r.Int())
		case "credit_issued_ns":
			m.CreditIssuedNS = clock.WallNS(r.Int())
		case "request_start_ns":
			m.RequestStartNS = clock.WallNS(r.Int())
		case "request_ack_ns":
			m.RequestAckNS = clock.WallNS(r.Int())
		case "request_end_ns":
			m.RequestEndNS = clock.WallNS(r.Int())
		case "worker_id":
			m.WorkerID = same(r.StrBytes(), before.WorkerID)
		case "record_processor_id":
			m.RecordProcessorID = same(r.StrBytes(), before.RecordProcessorID)
		case "benchmark_phase":
			m.BenchmarkPhase = same(r.StrBytes(), before.BenchmarkPhase)
		case "phase_index":
			m.PhaseIndex = int(r.Int())
		case "profiling_index":
			m.ProfilingIndex = int(r.Int())
		case "phase_name":
			m.PhaseName = same(r.StrBytes(), before.PhaseName)
		case "was_cancelled":
			m.WasCancelled = r.Bool()
		case "cancellation_time_ns":
			m.CancellationTimeNS = clock.WallNS(r.Int())
		case "scheduled_ns":
			m.ScheduledNS = clock.WallNS(r.Int())
		case "stamp_source":
			m.StampSource = same(r.StrBytes(), before.StampSource)
		case "recv_bytes":
			m.RecvBytes = r.Int()
		case "event_count":
			m.EventCount = r.Int()
		case "coalesced_events":
			m.CoalescedEvents = r.Int()
		case "agent_depth":
			m.AgentDepth = int(r.Int())
		case "parent_correlation_id":
			m.ParentCorrelationID = r.Str()
		case "root_correlation_id":
			m.RootCorrelationID = r.Str()
		case "gen_start_ns":
			m.GenStartNS = clock.WallNS(r.Int())
		default:
			r.Skip()
		}
	}
}
