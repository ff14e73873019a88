package metrics

import "aiperf/clock"

// Record is one request as the formulas see it: stamps, parsed responses and
// counts. The record processor fills it from the worker's raw result; after the
// metrics are computed it is thrown away.
//
// Stamps are readings of the worker's monotonic clock; the wall times place the
// record on the run's time line. A stamp of 0 is absent.
type Record struct {
	TimestampNS     clock.WallNS // request start, same instant as StartPerfNS
	StartPerfNS     clock.MonoNS // the worker took the request up
	SendPerfNS      clock.MonoNS // right before the first byte was written
	RecvStartPerfNS clock.MonoNS // a 2xx status line and headers were in hand
	EndPerfNS       clock.MonoNS // last byte, failure or cancellation

	CreditIssuedNS clock.WallNS // due time of the credit
	ScheduledNS    clock.WallNS // target send time; open loop only

	// CreditDropLatencyNS is worker-internal delay between receiving the credit
	// (or its due time, if later) and the start; 0 is "no value".
	CreditDropLatencyNS int64
	// TimerLatenessNS is how late the worker's timer was for the request; 0: it did not wait.
	TimerLatenessNS int64

	Responses []Response // parsed, in arrival order; empty for failures
	Tokens    TokenCounts
	Usage     *Usage // the record's usage object, nil when the server sent none
	Trace     *Trace // nil when the transport gave none
	MaxTokens int64  // requested output length; 0 = not requested

	IsFinalTurn bool
	AgentDepth  int

	Failed          bool // an error record
	Cancelled       bool // checked before Failed: a cancelled record also has an error
	ContextOverflow bool
	Streamed        bool // the response was a stream on the wire
}

// Response is one parsed response that reached the record: its arrival stamp and
// what kind of content it carried.
type Response struct {
	PerfNS clock.MonoNS
	// Content says that data was present: text, reasoning, tool call or another
	// data kind. Role-only, usage-only and [DONE] messages are not content.
	Content bool
	// Output says that the content was other than reasoning (text, non-empty
	// content beside reasoning, or a tool call): it ends the time to first output token.
	Output bool
}

// TokenCounts are the counts of one record. A negative count is absent.
type TokenCounts struct {
	Input     int64
	Output    int64
	Reasoning int64
}

// NoTokens is the value of a record without any count.
var NoTokens = TokenCounts{Input: -1, Output: -1, Reasoning: -1}

// Trace is what the transport observed of one exchange. Absent stamps are 0.
type Trace struct {
	PoolWaitStart, PoolWaitEnd clock.MonoNS
	DNSStart, DNSEnd           clock.MonoNS
	ConnectStart, ConnectEnd   clock.MonoNS // TCP and TLS
	SendStart, SendEnd         clock.MonoNS
	ReceiveStart, ReceiveEnd   clock.MonoNS // first and last body byte
	// HasConnection says that connection-level stamps are meaningful; without it
	// the metrics that need them have no value.
	HasConnection              bool
	Reused                     bool
	BytesSent, BytesReceived   int64 // body bytes
	ChunksSent, ChunksReceived int64 // writes and reads
}
