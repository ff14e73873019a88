package messages

import "aiperf/clock"

// Response kinds.
const (
	ResponseSSE  = "sse"
	ResponseText = "text"
)

// RequestRecord is what a worker knows of one finished request: routing, stamps
// and raw bytes. A record processor turns it into numbers.
type RequestRecord struct {
	Credit Credit // context of the request

	XRequestID string
	WorkerID   string
	ModelName  string

	TimestampNS        clock.WallNS // request start on the wall clock, same instant as StartPerfNS
	StartPerfNS        clock.MonoNS
	SendPerfNS         clock.MonoNS // 0: nothing was sent
	RecvStartPerfNS    clock.MonoNS // 0: no 2xx head arrived
	EndPerfNS          clock.MonoNS // always set
	CancellationPerfNS clock.MonoNS // set = cancelled
	CreditDropNS       int64        // worker-internal delay before the start, ns
	TimerLatenessNS    int64        // how late the worker's timer was, ns; 0: it did not wait

	Status      int    // HTTP status; 0 without an answer
	StampSource string // kernel, read
	RecvBytes   int64
	Streamed    bool // the response was a stream on the wire
	// CoalescedEvents counts the events of the stream that came with others in one read,
	// so that all of them bear the stamp of the last; [DONE] is no such event.
	CoalescedEvents int64

	Responses []RawResponse
	Trace     *TraceData
	Error     *ErrorDetails

	// PayloadBytes is the body that was sent when the dataset store does not hold
	// it; empty: read it from the store by Credit.ConversationIndex and TurnIndex.
	PayloadBytes []byte
	MaxTokens    int // requested output length; 0 = none
}

// EventCount is the number of events of a stream; its mark of the end, [DONE], is none.
func (rec *RequestRecord) EventCount() (n int64) {
	for i := range rec.Responses {
		if r := &rec.Responses[i]; r.Kind == ResponseSSE && string(r.Bytes) != "[DONE]" {
			n++
		}
	}
	return n
}

// RawResponse is one server-sent event, or one whole body.
type RawResponse struct {
	Kind   string // sse, text
	PerfNS clock.MonoNS
	Bytes  []byte // SSE: the joined data values; text: the body
}

// TraceData is what the transport observed; stamps are monotonic, 0 = absent.
type TraceData struct {
	Type            string       `msgpack:"trace_type,omitempty"` // name of the transport
	PoolWaitStartNS clock.MonoNS `msgpack:"connection_pool_wait_start_ns,omitempty"`
	PoolWaitEndNS   clock.MonoNS `msgpack:"connection_pool_wait_end_ns,omitempty"`
	DNSStartNS      clock.MonoNS `msgpack:"dns_lookup_start_ns,omitempty"`
	DNSEndNS        clock.MonoNS `msgpack:"dns_lookup_end_ns,omitempty"`
	ConnectStartNS  clock.MonoNS `msgpack:"tcp_connect_start_ns,omitempty"`
	ConnectEndNS    clock.MonoNS `msgpack:"tcp_connect_end_ns,omitempty"` // the handshake is inside
	TLSStartNS      clock.MonoNS `msgpack:"tls_handshake_start_ns,omitempty"`
	TLSEndNS        clock.MonoNS `msgpack:"tls_handshake_end_ns,omitempty"`
	SendStartNS     clock.MonoNS `msgpack:"request_send_start_ns,omitempty"`
	SendEndNS       clock.MonoNS `msgpack:"request_send_end_ns,omitempty"`
	ReceiveStartNS  clock.MonoNS `msgpack:"response_receive_start_ns,omitempty"`
	ReceiveEndNS    clock.MonoNS `msgpack:"response_receive_end_ns,omitempty"`
	Reused          bool         `msgpack:"connection_reused,omitempty"`
	BytesSent       int64        `msgpack:"request_bytes_total,omitempty"`
	BytesReceived   int64        `msgpack:"response_bytes_total,omitempty"`
	ChunksSent      int64        `msgpack:"request_chunks_count,omitempty"`
	ChunksReceived  int64        `msgpack:"response_chunks_count,omitempty"`
}

// RawResults is a batch of finished requests, worker to record processor.
type RawResults struct{ Records []RequestRecord }

func (*RawResults) MessageType() string { return "raw_results" }

// hot: once per request, once per event inside. Budget: no allocation. BenchmarkRawResults.
func (m *RawResults) appendFields(w *Writer) int {
	w.Str("records")
	w.Array(len(m.Records))
	for i := range m.Records {
		m.Records[i].append(w)
	}
	return 1
}

// sizeHint is about how long the frame will be: large enough that it is not moved while
// it grows.
func (m *RawResults) sizeHint() int {
	const perBatch, perRecord, perResponse = 256, 1600, 48
	size := perBatch + perRecord*len(m.Records)
	for i := range m.Records {
		rec := &m.Records[i]
		size += len(rec.PayloadBytes) + perResponse*len(rec.Responses)
		for k := range rec.Responses {
			size += len(rec.Responses[k].Bytes)
		}
	}
	return size
}

func (rec *RequestRecord) append(w *Writer) {
	w.nested(func(n *int) {
		w.Str("request_info")
		rec.Credit.append(w)
		w.Str("x_request_id")
		w.Str(rec.XRequestID)
		w.Str("worker_id")
		w.Str(rec.WorkerID)
		w.Str("model_name")
		w.Str(rec.ModelName)
		w.Str("timestamp_ns")
		w.Int(int64(rec.TimestampNS))
		w.Str("start_perf_ns")
		w.Int(int64(rec.StartPerfNS))
		w.Str("end_perf_ns")
		w.Int(int64(rec.EndPerfNS))
		*n += 7
		w.optInt(n, "send_perf_ns", int64(rec.SendPerfNS))
		w.optInt(n, "recv_start_perf_ns", int64(rec.RecvStartPerfNS))
		w.optInt(n, "cancellation_perf_ns", int64(rec.CancellationPerfNS))
		w.optInt(n, "credit_drop_latency", rec.CreditDropNS)
		w.optInt(n, "timer_lateness_ns", rec.TimerLatenessNS)
		w.optInt(n, "status", int64(rec.Status))
		w.optStr(n, "stamp_source", rec.StampSource)
		w.optInt(n, "recv_bytes", rec.RecvBytes)
		w.optBool(n, "streamed", rec.Streamed)
		w.optInt(n, "coalesced_events", rec.CoalescedEvents)
		w.Str("responses")
		w.Array(len(rec.Responses))
		for i := range rec.Responses {
			r := &rec.Responses[i]
			w.Map(3)
			w.Str("kind")
			w.Str(r.Kind)
			w.Str("perf_ns")
			w.Int(int64(r.PerfNS))
			w.Str("bytes")
			w.Bin(r.Bytes)
		}
		*n++
		if rec.Trace != nil {
			w.Str("trace_data")
			rec.Trace.append(w)
			*n++
		}
		if rec.Error != nil {
			w.Str("error")
			rec.Error.append(w)
			*n++
		}
		if len(rec.PayloadBytes) > 0 {
			w.Str("payload_bytes")
			w.Bin(rec.PayloadBytes)
			*n++
		}
		w.optInt(n, "max_tokens", int64(rec.MaxTokens))
	})
}

// readField decodes in place: Bytes of responses and PayloadBytes borrow the frame,
// which stays untouched as long as the message is in use.
func (m *RawResults) readField(r *Reader, key []byte) bool {
	if string(key) != "records" {
		return false
	}
	n := r.ArrayLen()
	m.Records = make([]RequestRecord, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		m.Records = append(m.Records, readRequestRecord(r))
	}
	return true
}

func readRequestRecord(r *Reader) RequestRecord {
	var rec RequestRecord
	for n := r.MapLen(); n > 0 && r.err == nil; n-- {
		switch string(r.StrBytes()) {
		case "request_info":
			rec.Credit = readCredit(r)
		case "x_request_id":
			rec.XRequestID = r.Str()
		case "worker_id":
			rec.WorkerID = Intern(r.StrBytes())
		case "model_name":
			rec.ModelName = Intern(r.StrBytes())
		case "timestamp_ns":
			rec.TimestampNS = clock.WallNS(r.Int())
		case "start_perf_ns":
			rec.StartPerfNS = clock.MonoNS(r.Int())
		case "end_perf_ns":
			rec.EndPerfNS = clock.MonoNS(r.Int())
		case "send_perf_ns":
			rec.SendPerfNS = clock.MonoNS(r.Int())
		case "recv_start_perf_ns":
			rec.RecvStartPerfNS = clock.MonoNS(r.Int())
		case "cancellation_perf_ns":
			rec.CancellationPerfNS = clock.MonoNS(r.Int())
		case "credit_drop_latency":
			rec.CreditDropNS = r.Int()
		case "timer_lateness_ns":
			rec.TimerLatenessNS = r.Int()
		case "status":
			rec.Status = int(r.Int())
		case "stamp_source":
			rec.StampSource = Intern(r.StrBytes())
		case "recv_bytes":
			rec.RecvBytes = r.Int()
		case "streamed":
			rec.Streamed = r.Bool()
		case "coalesced_events":
			rec.CoalescedEvents = r.Int()
		case "responses":
			rec.Responses = readResponses(r)
		case "trace_data":
			rec.Trace = readTrace(r)
		case "error":
			rec.Error = readError(r)
		case "payload_bytes":
			rec.PayloadBytes = r.StrBytes()
		case "max_tokens":
			rec.MaxTokens = int(r.Int())
		default:
			r.Skip()
		}
	}
	return rec
}

func readResponses(r *Reader) []RawResponse {
	n := r.ArrayLen()
	out := make([]RawResponse, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		var resp RawResponse
		for k := r.MapLen(); k > 0 && r.err == nil; k-- {
			switch string(r.StrBytes()) {
			case "kind":
				resp.Kind = Intern(r.StrBytes())
			case "perf_ns":
				resp.PerfNS = clock.MonoNS(r.Int())
			case "bytes":
				resp.Bytes = r.StrBytes()
			default:
				r.Skip()
			}
		}
		out = append(out, resp)
	}
	return out
}

// traceStamps names the trace's stamps on the wire, in order.
func (t *TraceData) stamps() [12]struct {
	key string
	at  *clock.MonoNS
} {
	return [12]struct {
		key string
		at  *clock.MonoNS
	}{
		{"connection_pool_wait_start_ns", &t.PoolWaitStartNS}, {"connection_pool_wait_end_ns", &t.PoolWaitEndNS},
		{"dns_lookup_start_ns", &t.DNSStartNS}, {"dns_lookup_end_ns", &t.DNSEndNS},
		{"tcp_connect_start_ns", &t.ConnectStartNS}, {"tcp_connect_end_ns", &t.ConnectEndNS},
		{"tls_handshake_start_ns", &t.TLSStartNS}, {"tls_handshake_end_ns", &t.TLSEndNS},
		{"request_send_start_ns", &t.SendStartNS}, {"request_send_end_ns", &t.SendEndNS},
		{"response_receive_start_ns", &t.ReceiveStartNS}, {"response_receive_end_ns", &t.ReceiveEndNS},
	}
}

func (t *TraceData) append(w *Writer) {
	w.nested(func(n *int) { t.appendMembers(w, n) })
}

func (t *TraceData) appendMembers(w *Writer, n *int) {
	w.optStr(n, "trace_type", t.Type)
	for _, s := range t.stamps() {
		w.optInt(n, s.key, int64(*s.at))
	}
	w.optBool(n, "connection_reused", t.Reused)
	w.optInt(n, "request_bytes_total", t.BytesSent)
	w.optInt(n, "response_bytes_total", t.BytesReceived)
	w.optInt(n, "request_chunks_count", t.ChunksSent)
	w.optInt(n, "response_chunks_count", t.ChunksReceived)
}

func readTrace(r *Reader) *TraceData {
	t := &TraceData{}
	t.read(r, func([]byte) bool { return false })
	return t
}

// read fills t; other reads the value of a key that is not the trace's own, and tells
// whether it knows it.
func (t *TraceData) read(r *Reader, other func(key []byte) bool) {
	stamps := t.stamps()
fields:
	for n := r.MapLen(); n > 0 && r.err == nil; n-- {
		key := r.StrBytes()
		for _, s := range stamps {
			if string(key) == s.key {
				*s.at = clock.MonoNS(r.Int())
				continue fields
			}
		}
		switch string(key) {
		case "trace_type":
			t.Type = Intern(r.StrBytes())
		case "connection_reused":
			t.Reused = r.Bool()
		case "request_bytes_total":
			t.BytesSent = r.Int()
		case "response_bytes_total":
			t.BytesReceived = r.Int()
		case "request_chunks_count":
			t.ChunksSent = r.Int()
		case "response_chunks_count":
			t.ChunksReceived = r.Int()
		default:
			if !other(key) {
				r.Skip()
			}
		}
	}
}
