package transports

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"aiperf/clock"
)

// attempt is the working state of one exchange, on a connection of our own. It is used
// by one goroutine, and again by the next exchange.
type attempt struct {
	t  *HTTP
	to *target
	r  *Request
	answer
	stage stage
	slot  bool        // the right to use a connection is held
	held  *conn       // one that was taken beforehand
	still func() bool // disarms a connection; false: it was aborted
	out   []byte      // the request's head, and its body when that is short ...
	whole bool        // ... which it is
	own   []byte      // what TLS reads into

	// On a connection that a reactor reads for.
	timer *time.Timer   // ends the exchange's time
	woken chan struct{} // the answer is over ...
	over  error         // ... with this

	head     headReader
	heads    bool // the head of the answer is complete
	body     bodyReader
	reusable bool // the connection, once the answer is complete
}

// What leaves in one write, head and body together; a longer body is not copied.
const oneWriteBytes = 16 << 10

// ownBytes is how much one read takes under TLS, where the memory is held while it waits.
const ownBytes = 4 << 10

func newAttempt(t *HTTP) *attempt {
	a := &attempt{t: t, timer: time.NewTimer(time.Hour), woken: make(chan struct{}, 1)}
	a.timer.Stop()
	a.each = a.event
	return a
}

// release hands the state on to another exchange. What was taken beforehand and not used
// goes back.
func (a *attempt) release() {
	a.unhold()
	if a.slot {
		a.t.leave()
	}
	a.answer.reset()
	a.head.reset()
	a.to, a.r, a.slot, a.still, a.over = nil, nil, false, nil, nil
	a.stage, a.heads, a.reusable = queued, false, false
	a.out = a.out[:0]
	a.t.attempts.Put(a)
}

// unhold gives back a connection that was taken beforehand and not used.
func (a *attempt) unhold() {
	c := a.held
	if c == nil {
		return
	}
	a.held = nil
	if a.still() {
		a.t.put(c, a.t.session(a.r), 0)
	} else {
		c.close()
	}
}

// Hold implements Readied.
func (a *attempt) Hold(ctx context.Context) {
	if a.slot = a.t.tryAcquire(); !a.slot || a.t.closing {
		return
	}
	if a.held = a.t.take(a.to.host, a.t.session(a.r)); a.held != nil {
		a.arm(ctx, a.held, a.t.limit)
	}
}

// arm bounds what happens on a connection: by the time that is left, in both directions
// (it stays when the connection is idle, and the next exchange sets its own), and by ctx,
// whose end ends every wait at once.
func (a *attempt) arm(ctx context.Context, c *conn, left time.Duration) {
	if c.direct() {
		a.still = nothing // each wait looks at ctx
		if a.t.limit > 0 {
			a.timer.Reset(left)
			a.still = a.stopTimer
		}
		return
	}
	if a.t.limit > 0 {
		_ = c.SetDeadline(time.Now().Add(left))
	}
	a.still = nothing
	if ctx.Done() != nil {
		a.still = context.AfterFunc(ctx, c.abort)
	}
}

func nothing() bool { return true }

func (a *attempt) stopTimer() bool {
	a.timer.Stop()
	return true
}

// Drop implements Readied.
func (a *attempt) Drop() { a.release() }

// Exchange implements Readied. It leaves every stamp and the outcome in x.
func (a *attempt) Exchange(ctx context.Context, x *Exchange) {
	x.Trace.Type = "http"
	a.x = x
	defer a.release()
	err := a.guarded(ctx)
	if err != nil {
		a.fail(ctx, err)
	}
	if session := a.t.session(a.r); session != "" && (err != nil || a.r.FinalTurn) {
		a.unhold()
		a.t.pool.end(session)
	}
}

// guarded converses while it holds the right to a connection.
func (a *attempt) guarded(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if a.r.Headers != nil && a.r.Headers.bad != nil {
		return a.r.Headers.bad
	}
	if !a.slot {
		if err := a.t.acquire(ctx, a.x, a.t.limit); err != nil {
			return err
		}
		a.slot = true
	} else if a.x.Trace.PoolWaitStartNS != 0 { // before it came here
		a.x.Trace.PoolWaitEndNS = clock.Now()
	}
	for {
		c, err := a.connect(ctx)
		if err != nil {
			return err
		}
		stale, err := a.converse(ctx, c)
		if err == nil || !stale || !lost(err) || ctx.Err() != nil {
			return err
		}
		// Another connection may carry the request. Only so many are idle, and a new one is
		// not stale.
	}
}

// left is what is left of the exchange's time.
func (a *attempt) left() time.Duration { return a.t.limit - clock.Now().Sub(a.x.StartNS) }

// lost tells that a peer has ended the connection.
func lost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// compose writes the request down.
func (a *attempt) compose() {
	a.out = a.to.appendHead(a.out[:0], a.r, a.t.closing)
	if a.whole = len(a.out)+len(a.r.Body) <= oneWriteBytes; a.whole {
		a.out = append(a.out, a.r.Body...)
	}
}

// appendLength writes the last line of a request's head, and its end.
func appendLength(dst []byte, length int) []byte {
	dst = append(dst, "Content-Length: "...)
	return append(strconv.AppendInt(dst, int64(length), 10), "\r\n\r\n"...)
}

// connect takes a connection from the pool, or opens one.
func (a *attempt) connect(ctx context.Context) (*conn, error) {
	a.stage = connecting
	tr := &a.x.Trace
	if c := a.held; c != nil {
		a.held, tr.Reused = nil, true
		return c, nil // armed already
	}
	if !a.t.closing {
		if c := a.t.take(a.to.host, a.t.session(a.r)); c != nil {
			tr.Reused = true
			a.arm(ctx, c, a.left())
			return c, nil
		}
	}
	tr.Reused = false
	a.t.room()
	opening, done := bounded(ctx, a.x, a.t.limit)
	defer done()
	c, err := a.t.dialer.open(opening, a.to)
	if err != nil {
		return nil, err
	}
	b := c.birth
	tr.DNSStartNS, tr.DNSEndNS, tr.ConnectStartNS, tr.ConnectEndNS = b.dnsStart, b.dnsEnd, b.connectStart, b.connectEnd
	tr.TLSStartNS, tr.TLSEndNS = b.tlsStart, b.tlsEnd
	a.arm(ctx, c, a.left())
	return c, nil
}

// converse carries the exchange out on a connection, and hands that to the pool or ends
// it: afterwards the connection is somebody else's. stale: it was idle before, and has
// taken nothing of the request and given nothing of an answer, so it may have been closed
// while it was idle.
func (a *attempt) converse(ctx context.Context, c *conn) (stale bool, err error) {
	r := a.r
	c.begin()
	err = a.speak(ctx, c)
	c.release()
	stale = c.used && c.written == 0 && c.reads == 0
	switch {
	case c.reads == 0:
	case c.unstamped == 0:
		a.x.StampSource = StampKernel
	default:
		a.x.StampSource = StampRead
	}
	// After an abort, which may still be under way, nobody may wait on the connection again.
	if !a.still() || !a.reusable || a.t.closing {
		c.close()
	} else if session := a.t.session(r); session == "" || err == nil && !r.FinalTurn {
		a.t.put(c, session, a.head.head.keep)
	} else {
		c.close()
	}
	return stale, err
}

// speak sends the request and reads the answer.
func (a *attempt) speak(ctx context.Context, c *conn) error {
	a.stage = sending
	body := a.r.Body
	if a.whole {
		body = nil
	}
	var unsent error
	if c.direct() {
		unsent = c.sendDirect(ctx, a, a.out, body)
	} else {
		unsent = c.send(a.out, body)
	}
	if c.written > 0 {
		tr := &a.x.Trace
		a.x.SendNS, tr.SendStartNS, tr.SendEndNS = c.firstWrite, c.firstWrite, c.lastWrite
		tr.ChunksSent, tr.BytesSent = c.writes, int64(len(a.r.Body))
	}
	if unsent != nil && (c.written == 0 || !lost(unsent)) {
		return unsent
	}
	if unsent == nil {
		a.stage = waiting
		if a.r.Sent != nil {
			if a.r.Sent(c.lastWrite); ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	err := a.listen(ctx, c)
	if unsent != nil {
		// The server has hung up before it had all of the request; its answer, if there is
		// one, says why.
		a.reusable = false
		if !a.heads {
			return unsent
		}
	}
	return err
}

// listen reads the answer to its end.
func (a *attempt) listen(ctx context.Context, c *conn) error {
	if c.direct() {
		return a.listenDirect(ctx, c)
	}
	if c.secure != nil && a.own == nil {
		a.own = make([]byte, ownBytes)
	}
	for {
		p, err := c.next(a.own)
		if len(p) > 0 {
			over, outcome := a.piece(c, p)
			c.release()
			if over {
				return outcome
			}
		}
		if err != nil {
			return a.cut(c, err)
		}
	}
}

// piece takes what the last read brought; over with the outcome when that was all.
func (a *attempt) piece(c *conn, p []byte) (over bool, outcome error) {
	done, failed := a.arrived(p, c.at)
	switch {
	case failed == errEnough:
		return true, a.complete(c.at)
	case failed != nil:
		return true, failed
	case done:
		return true, a.complete(c.at)
	}
	return false, nil
}

// arrived takes what a read brought at an instant; done means that the answer is complete.
//
// hot: once per read of the network. Budget: no allocation.
func (a *attempt) arrived(p []byte, at clock.MonoNS) (done bool, err error) {
	if tr := &a.x.Trace; tr.SendEndNS > at {
		// A fast server answers before the write returns to the one who stamps it: the
		// request was sent by then.
		tr.SendEndNS = max(tr.SendStartNS, at)
	}
	if !a.heads {
		if p, a.heads, err = a.head.feed(p); !a.heads || err != nil {
			return false, err
		}
		a.stage = receiving
		a.begin(a.head.head.status, a.head.head.stream, at)
		a.body.begin(&a.head.head)
	}
	for noted := false; len(p) > 0 && !a.body.done(); {
		var piece []byte
		if piece, p, err = a.body.piece(p); err != nil {
			return false, err
		}
		if len(piece) == 0 {
			continue
		}
		if !noted {
			noted = true
			a.read(at)
		}
		if err := a.take(piece); err != nil {
			return false, err
		}
	}
	a.reusable = a.body.done() && !a.head.head.close && len(p) == 0
	return a.body.done(), nil
}

// complete is the outcome of an answer whose last byte arrived at an instant.
func (a *attempt) complete(at clock.MonoNS) error {
	if a.succeeds() {
		return a.finish(at)
	}
	a.x.EndNS = at
	return a.refusal(a.head.head.reason, a.head.head.location)
}

// cut is the outcome of an answer behind which the connection has failed.
func (a *attempt) cut(c *conn, err error) error {
	switch {
	case !a.heads || errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case err == io.EOF:
		if err = a.body.ended(); err == nil {
			return a.complete(c.at)
		}
	}
	if a.succeeds() {
		return err
	}
	// What came of the reason still says something.
	return a.refusal(a.head.head.reason, a.head.head.location)
}

// fail turns an error into the exchange's outcome. What has been received stays.
func (a *attempt) fail(ctx context.Context, err error) {
	x := a.x
	x.Error = explain(ctx, err, a.stage, a.t.limit)
	if a.r.Sent != nil {
		x.Error = sendTimeout(x.Error, a.stage)
	}
	x.Cancelled = x.Error.Type == cancelledType
	if x.EndNS == 0 {
		x.EndNS = clock.Now()
	}
}
