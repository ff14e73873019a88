package transports

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
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

// maxAnswerBytes bounds what one answer may bring: it travels in one message.
const maxAnswerBytes = 128 << 20

var errAnswerTooLarge = errors.New("the answer is larger than 128 MiB")

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
	resp, err := a.t.client(r).RoundTrip(a.request(ctx, r))
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
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media == "text/event-stream" {
		a.x.Streamed = true
		return a.readStream(resp.Body)
	}
	return a.readText(resp.Body)
}

func (a *attempt) request(ctx context.Context, r *Request) *http.Request {
	req := &http.Request{
		Method: http.MethodPost, URL: r.URL, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(r.Headers)), ContentLength: int64(len(r.Body)), Host: r.URL.Host,
	}
	replayable := true
	for _, h := range r.Headers {
		switch {
		case strings.EqualFold(h.Name, "Host"):
			req.Host = h.Value
			continue
		case strings.EqualFold(h.Name, "Idempotency-Key"), strings.EqualFold(h.Name, "X-Idempotency-Key"):
			replayable = false // the client would take it as leave to send twice
		}
		req.Header.Add(h.Name, h.Value)
	}
	open := a.body(r.Body)
	req.Body = open()
	if replayable {
		// Needed to replace a pooled connection that turns out to be closed before a
		// byte was written; a request that has touched the network is never repeated.
		req.GetBody = func() (io.ReadCloser, error) { return open(), nil }
	}
	return req.WithContext(httptrace.WithClientTrace(ctx, &a.trace))
}

// body makes readers of a request's body. The client may read longer than the exchange
// lasts, but the owner of the bytes wants them back at its end.
//
//	small  a copy: the client sends types that it knows in one write with the head
//	large  the bytes themselves; the exchange waits until the client has let go
func (a *attempt) body(b []byte) (open func() io.ReadCloser) {
	if len(b) < ioBufferBytes {
		b = bytes.Clone(b)
		return func() io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }
	}
	return func() io.ReadCloser {
		a.reading.Add(1)
		o := &outgoing{close: sync.OnceFunc(a.reading.Done)}
		o.Reset(b)
		return o
	}
}

// outgoing tells when the client has let go of a body.
type outgoing struct {
	bytes.Reader
	close func()
}

func (o *outgoing) Close() error {
	o.close()
	return nil
}

// noteSend takes the stamps of the writes over. A fast server answers before the write
// returns to the one who stamps it: the request was sent by then.
func (a *attempt) noteSend(bodyBytes int) {
	if a.wire == nil {
		return
	}
	tr := &a.x.Trace
	tr.SendStartNS, tr.SendEndNS = clock.MonoNS(a.wire.sendStart.Load()), clock.MonoNS(a.wire.sendEnd.Load())
	tr.ChunksSent = a.wire.writes.Load()
	if a.x.SendNS = tr.SendStartNS; a.x.SendNS != 0 {
		tr.BytesSent = int64(bodyBytes)
	}
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

// read hands the body on piece by piece and stamps its end.
func (a *attempt) read(body io.Reader, most int64, take func(piece []byte, at clock.MonoNS) error) error {
	tr := &a.x.Trace
	for {
		n, err := body.Read(a.buf)
		if n > 0 {
			at := a.arrival()
			if tr.ReceiveStartNS == 0 {
				tr.ReceiveStartNS = at
			}
			tr.ReceiveEndNS = at
			tr.ChunksReceived++
			tr.BytesReceived += int64(n)
			a.x.RecvBytes += int64(n)
			if err := take(a.buf[:n], at); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			a.x.EndNS = a.arrival()
			return nil
		case err != nil:
			return err
		case a.x.RecvBytes > most:
			return errAnswerTooLarge
		}
	}
}

func (a *attempt) readText(body io.Reader) error {
	err := a.read(body, maxAnswerBytes, func(piece []byte, _ clock.MonoNS) error {
		a.text = append(a.text, piece...)
		return nil
	})
	if err == nil {
		a.x.store(messages.ResponseText, a.x.EndNS, a.text)
	}
	return err
}

func (a *attempt) readStream(body io.Reader) error {
	err := a.read(body, maxAnswerBytes, func(piece []byte, _ clock.MonoNS) error {
		return a.split.feed(piece, a.each)
	})
	if err != nil {
		return err
	}
	return a.split.finish(a.each)
}

// event keeps an event that carries data, under the stamp of the read that completed
// it; an error of the server ends the stream.
//
// hot: once per streamed event.
func (a *attempt) event(e *event) error {
	if failure := errorInEvent(e); failure != nil {
		return failure
	}
	if e.Lines > 0 {
		a.x.store(messages.ResponseSSE, a.x.Trace.ReceiveEndNS, e.Data)
	}
	return nil
}

// What is kept of an answer that is no success.
const (
	maxRefusalBytes = 16 << 10
	maxDrainBytes   = 256 << 10 // read on this far to keep the connection
)

// refused reads the body of an answer outside 2xx as the reason.
func (a *attempt) refused(resp *http.Response) error {
	enough := errors.New("enough")
	// A body that breaks off still says something: what came of it is the reason.
	_ = a.read(resp.Body, maxDrainBytes, func(piece []byte, _ clock.MonoNS) error {
		if room := maxRefusalBytes - len(a.text); room > 0 {
			a.text = append(a.text, piece[:min(room, len(piece))]...)
		}
		if a.x.RecvBytes > maxDrainBytes {
			return enough
		}
		return nil
	})
	reason := strings.TrimSpace(strings.TrimPrefix(resp.Status, fmt.Sprint(resp.StatusCode)))
	if reason == "" {
		reason = http.StatusText(resp.StatusCode)
	}
	if reason == "" {
		reason = "HTTP status " + fmt.Sprint(resp.StatusCode)
	}
	text := strings.TrimSpace(string(a.text))
	switch location := resp.Header.Get("Location"); {
	case resp.StatusCode >= 300 && resp.StatusCode < 400 && location != "":
		text = "redirects are not followed; the server points to " + config.RedactURL(location)
	case text == "":
		text = reason
	}
	return messages.NewError(reason, text).WithCode(int64(resp.StatusCode))
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
