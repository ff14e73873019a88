package metrics

const familyTrace = "HTTP trace"

// traceMetric is what differs between the metrics of the transport's stamps.
type traceMetric struct {
	tag, header, short string
	unit, shown        Unit
	order              int
	connection         bool // needs connection-level stamps
	formula            string
	read               func(c *calc, t *Trace) (float64, bool)
}

func declareTrace(m traceMetric) *Declaration {
	return declare(Declaration{
		Tag: m.tag, Header: m.header, ShortHeader: m.short,
		Family: familyTrace, Kind: KindRecord, Unit: m.unit, DisplayUnit: m.shown, Order: m.order, Integer: true,
		Flags: HTTPTraceOnly, Group: GroupNone,
		Formula: m.formula,
		formula: formula{measure: func(c *calc) (float64, bool) {
			t := c.record.Trace
			if t == nil || m.connection && !t.HasConnection {
				return 0, false
			}
			return m.read(c, t)
		}},
	})
}

var httpReqBlocked = declareTrace(traceMetric{
	tag: "http_req_blocked", header: "HTTP Blocked", short: "Blocked",
	unit: Nanoseconds, shown: Milliseconds, order: 2000, connection: true,
	formula: "wait for a connection of the pool; 0 if none",
	read: func(c *calc, t *Trace) (float64, bool) {
		if t.PoolWaitStart == 0 {
			return 0, true
		}
		return c.elapsed(t.PoolWaitEnd, t.PoolWaitStart)
	},
})

var httpReqDNSLookup = declareTrace(traceMetric{
	tag: "http_req_dns_lookup", header: "HTTP DNS Lookup", short: "DNS",
	unit: Nanoseconds, shown: Milliseconds, order: 2010, connection: true,
	formula: "name lookup; 0 without one",
	read: func(c *calc, t *Trace) (float64, bool) {
		if t.Reused || t.DNSStart == 0 {
			return 0, true
		}
		return c.elapsed(t.DNSEnd, t.DNSStart)
	},
})

var httpReqConnecting = declareTrace(traceMetric{
	tag: "http_req_connecting", header: "HTTP Connecting", short: "Connecting",
	unit: Nanoseconds, shown: Milliseconds, order: 2020, connection: true,
	formula: "TCP and TLS set-up; 0 for a reused connection",
	read: func(c *calc, t *Trace) (float64, bool) {
		if t.Reused {
			return 0, true
		}
		return c.elapsed(t.ConnectEnd, t.ConnectStart)
	},
})

var httpReqSending = declareTrace(traceMetric{
	tag: "http_req_sending", header: "HTTP Sending", short: "Sending",
	unit: Nanoseconds, shown: Milliseconds, order: 2030,
	formula: "send end − send start",
	read:    func(c *calc, t *Trace) (float64, bool) { return c.elapsed(t.SendEnd, t.SendStart) },
})

var httpReqWaiting = declareTrace(traceMetric{
	tag: "http_req_waiting", header: "HTTP Waiting (TTFB)", short: "TTFB",
	unit: Nanoseconds, shown: Milliseconds, order: 2040,
	formula: "first body byte − send end",
	read:    func(c *calc, t *Trace) (float64, bool) { return c.elapsed(t.ReceiveStart, t.SendEnd) },
})

var httpReqReceiving = declareTrace(traceMetric{
	tag: "http_req_receiving", header: "HTTP Receiving", short: "Receiving",
	unit: Nanoseconds, shown: Milliseconds, order: 2050,
	formula: "last body byte − first body byte; 0 for a single read",
	read: func(c *calc, t *Trace) (float64, bool) {
		if t.ReceiveStart != 0 && t.ChunksReceived == 1 {
			return 0, true
		}
		return c.elapsed(t.ReceiveEnd, t.ReceiveStart)
	},
})

var httpReqConnectionReused = declareTrace(traceMetric{
	tag: "http_req_connection_reused", header: "HTTP Connection Reused", short: "Conn Reused",
	unit: Ratio, order: 2060, connection: true,
	formula: "1 for a reused connection, else 0",
	read: func(_ *calc, t *Trace) (float64, bool) {
		if t.Reused {
			return 1, true
		}
		return 0, true
	},
})

var httpReqDataSent = declareTrace(traceMetric{
	tag: "http_req_data_sent", header: "HTTP Data Sent", short: "Sent",
	unit: Bytes, shown: Kilobytes, order: 2070,
	formula: "body bytes written",
	read:    func(_ *calc, t *Trace) (float64, bool) { return float64(t.BytesSent), true },
})

var httpReqChunksSent = declareTrace(traceMetric{
	tag: "http_req_chunks_sent", header: "HTTP Chunks Sent", short: "Chunks Sent",
	unit: Count, order: 2080,
	formula: "writes",
	read:    func(_ *calc, t *Trace) (float64, bool) { return float64(t.ChunksSent), true },
})

var httpReqDataReceived = declareTrace(traceMetric{
	tag: "http_req_data_received", header: "HTTP Data Received", short: "Received",
	unit: Bytes, shown: Kilobytes, order: 2090,
	formula: "body bytes read",
	read:    func(_ *calc, t *Trace) (float64, bool) { return float64(t.BytesReceived), true },
})

var httpReqChunksReceived = declareTrace(traceMetric{
	tag: "http_req_chunks_received", header: "HTTP Chunks Received", short: "Chunks Recv",
	unit: Count, order: 2100,
	formula: "reads",
	read:    func(_ *calc, t *Trace) (float64, bool) { return float64(t.ChunksReceived), true },
})

var httpReqConnectionOverhead = declare(Declaration{
	Tag: "http_req_connection_overhead", Header: "HTTP Connection Overhead", ShortHeader: "Conn Overhead",
	Family: familyTrace, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Order: 2110, Integer: true,
	Flags: HTTPTraceOnly, Group: GroupNone,
	Requires: []*Declaration{httpReqBlocked, httpReqDNSLookup, httpReqConnecting},
	Formula:  "blocked + DNS lookup + connecting",
	formula:  formula{follow: sumOfAll(httpReqBlocked, httpReqDNSLookup, httpReqConnecting)},
})

// httpReqDuration is measured from stamp to stamp, not added up.
var httpReqDuration = declareTrace(traceMetric{
	tag: "http_req_duration", header: "HTTP Duration (excl. conn)", short: "Dur (excl)",
	unit: Nanoseconds, shown: Milliseconds, order: 2120,
	formula: "last body byte − send start",
	read: func(c *calc, t *Trace) (float64, bool) {
		end := t.ReceiveEnd
		if end == 0 && t.ChunksReceived == 1 {
			end = t.ReceiveStart
		}
		return c.elapsed(end, t.SendStart)
	},
})

// httpReqTotal may exceed the request latency: frames after the last content count.
var httpReqTotal = declare(Declaration{
	Tag: "http_req_total", Header: "HTTP Total Time", ShortHeader: "Total",
	Family: familyTrace, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Order: 2130, Integer: true,
	Flags: HTTPTraceOnly, Group: GroupNone,
	Requires: tracePhases,
	Formula:  "blocked + DNS lookup + connecting + sending + waiting + receiving",
	formula:  formula{follow: sumOfAll(tracePhases...)},
})

var tracePhases = []*Declaration{
	httpReqBlocked, httpReqDNSLookup, httpReqConnecting, httpReqSending, httpReqWaiting, httpReqReceiving,
}

func sumOfAll(parts ...*Declaration) func(*calc) (float64, bool) {
	return func(c *calc) (float64, bool) {
		sum := 0.0
		for _, d := range parts {
			sum += c.of(d)
		}
		return sum, true
	}
}
