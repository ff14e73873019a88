package transports

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"

	"aiperf/clock"
)

// attempt is the working state of one exchange. It is used by one goroutine, and
// again by the next exchange. The hooks of the trace are called by that goroutine
// alone: the client asks for a connection inside RoundTrip.
type attempt struct {
	t     *HTTP
	trace httptrace.ClientTrace
	each  func(*event) error

	x       *Exchange
	wire    *wire // nil until there is a connection
	askedAt clock.MonoNS
	head    bool           // a response head has arrived
	reading sync.WaitGroup // bodies that the client has not let go of

	split splitter
	buf   []byte
	text  []byte // of an answer that is no stream
}

// readBytes is how much one read of a body takes.
const readBytes = 32 << 10

func newAttempt(t *HTTP) *attempt {
	a := &attempt{t: t, buf: make([]byte, readBytes)}
	a.trace.GetConn = func(string) { a.askedAt = clock.Now() }
	a.trace.GotConn = a.gotConn
	a.each = a.event
	return a
}

// gotConn is told which connection the request goes out on.
func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	tr := &a.x.Trace
	c := stamping(info.Conn)
	if c == nil {
		return
	}
	a.wire = &wire{} // a fresh one, because the connection may outlive its reader
	c.begin(a.wire, info.Reused)
	tr.Reused = info.Reused
	if !info.Reused {
		b := c.birth
		tr.DNSStartNS, tr.DNSEndNS, tr.ConnectStartNS, tr.ConnectEndNS = b.dnsStart, b.dnsEnd, b.connectStart, b.connectEnd
		return
	}
	if !info.WasIdle { // handed over by an exchange that ended while this one waited
		if tr.PoolWaitStartNS == 0 {
			tr.PoolWaitStartNS = a.askedAt
		}
		tr.PoolWaitEndNS = clock.Now()
	}
}

// run carries the exchange out and leaves every stamp and the outcome in x.
func (a *attempt) run(ctx context.Context, r *Request, x *Exchange) {
	a.x = x
	if err := a.guarded(ctx, r); err != nil {
		a.fail(ctx, err)
	}
	// The client closes the body when it is sent, or soon after the connection has
	// failed or was closed.
	a.reading.Wait()
}

// guarded converses while it holds the right to a connection.
func (a *attempt) guarded(ctx context.Context, r *Request) error {
	if err := a.t.acquire(ctx, a.x); err != nil {
		return err
	}
	defer func() { <-a.t.slots }()
	return a.converse(ctx, r)
}

func (a *attempt) converse(ctx context.Context, r *Request) error {
	resp, err := a.roundTrip(ctx, r)
	a.noteSend(len(r.Body))
	if err != nil {
		return err
	}
	defer resp.Body.Close() // closes the connection too, unless everything was read
	a.head = true
	a.x.Status = resp.StatusCode
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return a.refused(resp)
	}
	a.x.RecvStartNS = a.arrival()
	if isStream(resp.Header.Get("Content-Type")) {
		a.x.Streamed = true
		return a.readStream(resp.Body)
	}
	return a.readText(resp.Body)
}

// What is done about pooled connections that the server has closed meanwhile.
const (
	staleBeforeFlush = 3 // then all idle ones are suspects, and go
	staleMost        = 5
)

// roundTrip sends the request and waits for the head. A pooled connection that turns
// out to be closed before a byte was written is replaced; a request that has touched
// the network is never repeated, also not by the client, which has no second body.
func (a *attempt) roundTrip(ctx context.Context, r *Request) (*http.Response, error) {
	for stale := 1; ; stale++ {
		client := a.t.client(r)
		resp, err := client.RoundTrip(a.request(ctx, r))
		untouched := a.wire != nil && a.x.Trace.Reused && a.wire.sent.Load() == 0
		if err == nil || !untouched || ctx.Err() != nil || stale == staleMost {
			return resp, err
		}
		if stale == staleBeforeFlush {
			client.CloseIdleConnections()
		}
		a.wire = nil
	}
}

func (a *attempt) request(ctx context.Context, r *Request) *http.Request {
	req := &http.Request{
		Method: http.MethodPost, URL: r.URL, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(r.Headers)), ContentLength: int64(len(r.Body)), Host: r.URL.Host, Body: a.body(r.Body),
	}
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, "Host") {
			req.Host = h.Value
			continue
		}
		req.Header.Add(h.Name, h.Value)
	}
	return req.WithContext(httptrace.WithClientTrace(ctx, &a.trace))
}

// noteSend takes the stamps of the writes over. A fast server answers before the write
// returns to the one who stamps it: the request was sent by then.
func (a *attempt) noteSend(bodyBytes int) {
	if a.wire == nil || a.wire.sent.Load() == 0 {
		return
	}
	tr := &a.x.Trace
	tr.SendStartNS, tr.SendEndNS = clock.MonoNS(a.wire.sendStart.Load()), clock.MonoNS(a.wire.sendEnd.Load())
	tr.ChunksSent = a.wire.writes.Load()
	a.x.SendNS, tr.BytesSent = tr.SendStartNS, int64(bodyBytes)
	if at := clock.MonoNS(a.wire.readAt.Load()); at != 0 && (tr.SendEndNS == 0 || tr.SendEndNS > at) {
		tr.SendEndNS = at
	}
}

// arrival is when the bytes at hand arrived: the return of the connection's last read.
func (a *attempt) arrival() clock.MonoNS {
	if a.wire != nil {
		if at := clock.MonoNS(a.wire.readAt.Load()); at != 0 {
			return at
		}
	}
	return clock.Now()
}

// fail turns an error into the exchange's outcome. What has been received stays.
func (a *attempt) fail(ctx context.Context, err error) {
	x := a.x
	x.Error = explain(ctx, err, a.stage(), a.t.limit)
	x.Cancelled = x.Error.Type == cancelledType
	if x.EndNS == 0 {
		x.EndNS = clock.Now()
	}
}

// stage is how far the exchange has come.
func (a *attempt) stage() stage {
	switch {
	case a.head:
		return receiving
	case a.wire == nil && a.askedAt == 0:
		return queued
	case a.wire == nil:
		return connecting
	case a.wire.ended.Load():
		return abandoned
	case a.wire.writing.Load() || a.wire.sendEnd.Load() == 0:
		return sending
	}
	return waiting
}

// release readies the state for another exchange.
func (a *attempt) release() {
	a.x, a.wire, a.askedAt, a.head = nil, nil, 0, false
	a.split.reset()
	if a.text = a.text[:0]; cap(a.text) > keepBlock {
		a.text = nil
	}
	if cap(a.split.ev.Data) > keepBlock || cap(a.split.part) > keepBlock {
		a.split = splitter{}
	}
}
