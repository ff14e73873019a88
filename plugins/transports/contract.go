// Package transports carries requests to a server and observes what comes back.
//
//	in:  a URL, headers, a body
//	out: stamps, raw responses, trace, one error
//
// A transport stamps before it looks: an arrival bears the kernel's stamp where there is
// one, else that of the return of the read that brought it; a send is stamped right before
// its write. It splits server-sent events and knows nothing else of what the bytes mean.
// It never repeats a request and never follows a redirect: one exchange is one attempt.
//
// Where to start reading: http.go chooses the way, attempt.go is one exchange on one
// connection, conn.go stamps. What answers look like on the wire is in head.go, body.go
// and sse.go, which see bytes only. standard.go is the way through a proxy.
package transports

import (
	"context"
	"errors"
	"net/url"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
)

// Transport carries out exchanges. It is safe for concurrent use; its connections
// belong to the process.
type Transport interface {
	// Exchange sends one request and reads the answer to its end. It fills x, whose
	// StartNS the caller has set, and returns when nothing of the exchange is under way
	// any more: at the last byte, at the first failure, at the deadline, or when ctx
	// ends. EndNS is always set; a failure is x.Error. r is not kept.
	Exchange(ctx context.Context, r *Request, x *Exchange)

	// Close ends idle connections. It is called after the last exchange, once.
	Close()
}

// Readier is a transport that can do beforehand what does not depend on the instant of
// sending, so that little lies between the start stamp of a request and its first byte:
// whatever lies there is in the latency, and so is every preemption that falls into it.
type Readier interface {
	// Ready writes a request down. r is kept until Exchange or Drop, one of which has to
	// follow. Nil: this request has to go by Transport.Exchange.
	Ready(r *Request) Readied
}

// Readied is a request that can be sent.
type Readied interface {
	// Hold takes a connection if one is free, without waiting for any. It is called when
	// the exchange is about to follow, with its context.
	Hold(ctx context.Context)
	// Exchange is that of Transport, for the request that was made ready.
	Exchange(ctx context.Context, x *Exchange)
	// Drop gives back what was taken for a request that is not sent.
	Drop()
}

// Request is what to send.
type Request struct {
	URL     *url.URL // shared; not changed
	Headers *Headers // shared; nil for none
	Body    []byte

	RequestID string // unique; in the headers that want it
	// Session is shared by all turns of a session, FinalTurn marks its last; they
	// decide about connections when those belong to sessions.
	Session   string
	FinalTurn bool

	// Sent is told when all of the request is written, nil when nobody wants to know. It
	// must not wait. What it ends ctx for happens before a byte of the answer is read.
	Sent func(at clock.MonoNS)
}

// ClockWatcher is the ability of transports that map stamps of the wall clock: they know
// how often it jumped.
type ClockWatcher interface{ ClockSteps() int64 }

// ErrCancelled is the cause to end a context with when an exchange is no longer
// wanted: the exchange becomes a cancelled one instead of a failure.
var ErrCancelled = errors.New("request cancelled by external signal")

// Config is what a transport is made from.
type Config struct {
	Endpoint    config.Endpoint
	Environment *config.Environment
	// Concurrency is the largest number of exchanges that the run wants at a time, 0
	// when nothing limits it.
	Concurrency int
	// Note tells the user something once, such as that requests wait for connections.
	Note func(text string)
}

// Limited is a transport that carries a bounded number of exchanges at a time.
type Limited interface {
	Limit() int
}

// Constructor makes a transport; plugins of category "transport" register one.
type Constructor = func(Config) (Transport, error)

// Exchange is what one request came to. A PoolWaitStartNS that the caller has set is
// when the request, due and taken up, began to wait for its turn. Stamps of 0 are absent.
type Exchange struct {
	StartNS     clock.MonoNS // set by the caller: the request was taken up
	SendNS      clock.MonoNS // right before the first byte was written
	RecvStartNS clock.MonoNS // a 2xx head was in hand
	EndNS       clock.MonoNS // last byte, failure or cancellation

	Status      int    // HTTP status, 0 without an answer
	Streamed    bool   // the answer was a stream on the wire
	StampSource string // where the stamps of arrivals come from; empty when nothing arrived
	RecvBytes   int64  // of the answer's body
	// CoalescedEvents counts events that share their stamp with another one, because they
	// were read together. The mark of the end of a stream, [DONE], is not counted.
	CoalescedEvents int64

	// Responses borrow the exchange's memory: they are valid until Reset.
	Responses []messages.RawResponse
	Trace     messages.TraceData
	Error     *messages.ErrorDetails
	Cancelled bool

	memory arena
}

// Sources of the stamps of arrivals.
const (
	StampKernel = "kernel" // all of them: noted by the kernel when the bytes arrived
	StampRead   = "read"   // at least one was taken at the return of the read
)

// Reset empties the exchange for another request and keeps its memory.
func (x *Exchange) Reset() {
	clear(x.Responses) // so that no old bytes are kept alive
	*x = Exchange{Responses: x.Responses[:0], memory: x.memory}
	x.memory.reset()
}

// store keeps a copy of a response.
func (x *Exchange) store(kind string, at clock.MonoNS, b []byte) {
	x.Responses = append(x.Responses, messages.RawResponse{Kind: kind, PerfNS: at, Bytes: x.memory.copy(b)})
}
