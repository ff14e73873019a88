package messages

import "aiperf/clock"

// RecordMetadata places one record: which request, when, through whom.
type RecordMetadata struct {
	SessionNum         int64        `msgpack:"session_num"` // credit number in its phase
	XRequestID         string       `msgpack:"x_request_id"`
	XCorrelationID     string       `msgpack:"x_correlation_id"`
	ConversationID     string       `msgpack:"conversation_id"`
	TurnIndex          int          `msgpack:"turn_index"`
	CreditIssuedNS     clock.WallNS `msgpack:"credit_issued_ns"`
	RequestStartNS     clock.WallNS `msgpack:"request_start_ns"`
	RequestAckNS       clock.WallNS `msgpack:"request_ack_ns"` // response head; 0 = none
	RequestEndNS       clock.WallNS `msgpack:"request_end_ns"`
	WorkerID           string       `msgpack:"worker_id"`
	RecordProcessorID  string       `msgpack:"record_processor_id"`
	BenchmarkPhase     string       `msgpack:"benchmark_phase"` // warmup, profiling
	PhaseIndex         int          `msgpack:"phase_index"`
	ProfilingIndex     int          `msgpack:"profiling_index"` // −1 in warmup
	PhaseName          string       `msgpack:"phase_name"`
	WasCancelled       bool         `msgpack:"was_cancelled"`
	CancellationTimeNS clock.WallNS `msgpack:"cancellation_time_ns"`
	ScheduledNS        clock.WallNS `msgpack:"scheduled_ns"` // open loop only
	StampSource        string       `msgpack:"stamp_source"` // kernel, read
	RecvBytes          int64        `msgpack:"recv_bytes"`
	// GenStartNS is the wall time of the first content response; 0 = none. It feeds
	// the concurrency curves.
	GenStartNS clock.WallNS `msgpack:"gen_start_ns"`
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
	Metrics  []MetricValue  `msgpack:"metrics"`
	Error    *ErrorDetails  `msgpack:"error"` // set for failed and cancelled requests
}

// MetricRecords is a batch of records: record processor to records manager, and
// the live stream on the event bus.
type MetricRecords struct {
	Records []MetricRecord `msgpack:"records"`
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
	})
}

func (v *MetricValue) append(w *Writer) {
	switch {
	case v.List != nil:
		w.Array(len(v.List))
		for _, x := range v.List {
			w.Float(x)
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
	})
}

func (m *MetricRecords) readField(r *Reader, key []byte) bool {
	if string(key) != "records" {
		return false
	}
	n := r.ArrayLen()
	m.Records = make([]MetricRecord, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		m.Records = append(m.Records, readMetricRecord(r))
	}
	return true
}

func readMetricRecord(r *Reader) MetricRecord {
	var rec MetricRecord
	for n := r.MapLen(); n > 0 && r.err == nil; n-- {
		switch string(r.StrBytes()) {
		case "metadata":
			rec.Metadata = readMetadata(r)
		case "metrics":
			k := r.MapLen()
			rec.Metrics = make([]MetricValue, 0, k)
			for ; k > 0 && r.err == nil; k-- {
				rec.Metrics = append(rec.Metrics, readMetricValue(r))
			}
		case "error":
			rec.Error = readError(r)
		default:
			r.Skip()
		}
	}
	return rec
}

func readMetricValue(r *Reader) MetricValue {
	v := MetricValue{Tag: Intern(r.StrBytes())}
	if r.err != nil || r.off >= len(r.buf) {
		r.fail("short value")
		return v
	}
	switch h := r.buf[r.off]; {
	case h&0xf0 == 0x90, h == 0xdc, h == 0xdd:
		n := r.ArrayLen()
		v.List = make([]float64, 0, n)
		for ; n > 0 && r.err == nil; n-- {
			v.List = append(v.List, r.Float())
		}
	case h == 0xca, h == 0xcb:
		v.Number = r.Float()
	default:
		v.Integer = true
		v.Number = float64(r.Int())
	}
	return v
}

func readMetadata(r *Reader) RecordMetadata {
	m := RecordMetadata{ProfilingIndex: -1}
	for n := r.MapLen(); n > 0 && r.err == nil; n-- {
		switch string(r.StrBytes()) {
		case "session_num":
			m.SessionNum = r.Int()
		case "x_request_id":
			m.XRequestID = r.Str()
		case "x_correlation_id":
			m.XCorrelationID = r.Str()
		case "conversation_id":
			m.ConversationID = r.Str()
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
			m.WorkerID = Intern(r.StrBytes())
		case "record_processor_id":
			m.RecordProcessorID = Intern(r.StrBytes())
		case "benchmark_phase":
			m.BenchmarkPhase = Intern(r.StrBytes())
		case "phase_index":
			m.PhaseIndex = int(r.Int())
		case "profiling_index":
			m.ProfilingIndex = int(r.Int())
		case "phase_name":
			m.PhaseName = Intern(r.StrBytes())
		case "was_cancelled":
			m.WasCancelled = r.Bool()
		case "cancellation_time_ns":
			m.CancellationTimeNS = clock.WallNS(r.Int())
		case "scheduled_ns":
			m.ScheduledNS = clock.WallNS(r.Int())
		case "stamp_source":
			m.StampSource = Intern(r.StrBytes())
		case "recv_bytes":
			m.RecvBytes = r.Int()
		case "gen_start_ns":
			m.GenStartNS = clock.WallNS(r.Int())
		default:
			r.Skip()
		}
	}
	return m
}
