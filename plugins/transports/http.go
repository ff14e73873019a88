package transports

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"aiperf/clock"
	"aiperf/plugins"
)

func init() { plugins.Register("transport", "aiperf.transports:HTTP", Constructor(NewHTTP)) }

// Connection reuse strategies.
const (
	ReusePooled = "pooled"
	ReuseNever  = "never"
	ReuseSticky = "sticky_user_sessions"
)

// HTTP is HTTP/1.1 over the standard client, with connections that stamp their own
// reads and writes. It sends no Accept-Encoding, keeps no cookie, follows no redirect
// and repeats nothing that has touched the network.
//
// Bytes of one chunk that arrive in several reads are handed on together: their
// events then share the stamp of the last of these reads.
type HTTP struct {
	dialer  *dialer
	reuse   string
	limit   time.Duration // of a whole exchange; 0 = none
	slots   chan struct{} // one per connection that may be in use
	pool    *http.Transport
	note    func(string)
	crowded sync.Once
	states  sync.Pool // *attempt

	mu       sync.Mutex
	sessions map[string]*http.Transport // sticky: one connection each
	make     func(idle int) *http.Transport
}

// NewHTTP makes it. The number of connections is the setting, raised to the run's
// concurrency unless the user has set it.
func NewHTTP(c Config) (Transport, error) {
	h := c.Environment.HTTP
	note := c.Note
	if note == nil {
		note = func(string) {}
	}
	connections := h.ConnectionLimit
	if !h.ConnectionLimitSet {
		connections = max(connections, c.Concurrency)
	}
	if connections < 1 {
		return nil, fmt.Errorf("AIPERF_HTTP_CONNECTION_LIMIT: want at least 1 connection, got %d", connections)
	}
	warnLimits(c.Concurrency, note)
	t := &HTTP{
		dialer: newDialer(c.Environment, note), reuse: plugins.Normal(c.Endpoint.ConnectionReuse), note: note,
		limit: time.Duration(c.Endpoint.TimeoutSec * float64(time.Second)),
		slots: make(chan struct{}, connections), sessions: map[string]*http.Transport{},
	}
	switch t.reuse {
	case "":
		t.reuse = ReusePooled
	case ReusePooled, ReuseNever, ReuseSticky:
	default:
		return nil, fmt.Errorf("connection_reuse: unknown strategy %q; there are: pooled, never, sticky-user-sessions", c.Endpoint.ConnectionReuse)
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	t.make = func(idle int) *http.Transport {
		tr := &http.Transport{
			DialContext: t.dialer.plain, DialTLSContext: t.dialer.secure, TLSClientConfig: t.dialer.tls.Clone(),
			DisableCompression: true, DisableKeepAlives: h.ForceClose || t.reuse == ReuseNever,
			MaxIdleConnsPerHost: idle, IdleConnTimeout: time.Duration(h.KeepaliveTimeoutSec * float64(time.Second)),
			WriteBufferSize: ioBufferBytes, ReadBufferSize: ioBufferBytes,
			Protocols: protocols,
		}
		if h.TrustEnv {
			tr.Proxy = http.ProxyFromEnvironment
		}
		return tr
	}
	t.pool = t.make(connections)
	t.states.New = func() any { return newAttempt(t) }
	return t, nil
}

// ioBufferBytes lets a usual request leave in one write.
const ioBufferBytes = 16 << 10

// Exchange implements Transport.
func (t *HTTP) Exchange(ctx context.Context, r *Request, x *Exchange) {
	x.StampSource, x.Trace.Type = StampRead, "http"
	if t.limit > 0 {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, t.limit-clock.Now().Sub(x.StartNS))
		defer done()
	}
	a := t.states.Get().(*attempt)
	a.run(ctx, r, x)
	t.leave(r, x)
	a.release()
	t.states.Put(a)
}

// acquire takes the right to use a connection; it waits while all are in use.
func (t *HTTP) acquire(ctx context.Context, x *Exchange) error {
	select {
	case t.slots <- struct{}{}:
		return nil
	default:
	}
	t.crowded.Do(func() {
		t.note(fmt.Sprintf("requests wait for one of %d connections: the wait is in their latency and in http_req_blocked; raise AIPERF_HTTP_CONNECTION_LIMIT", cap(t.slots)))
	})
	x.Trace.PoolWaitStartNS = clock.Now()
	defer func() { x.Trace.PoolWaitEndNS = clock.Now() }()
	select {
	case t.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// client is the pool that a request's connection comes from.
func (t *HTTP) client(r *Request) *http.Transport {
	if t.reuse != ReuseSticky {
		return t.pool
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.sessions[r.Session]
	if own == nil {
		own = t.make(1)
		t.sessions[r.Session] = own
	}
	return own
}

// leave ends a session's own connection after its last turn, an error or a cancel.
func (t *HTTP) leave(r *Request, x *Exchange) {
	if t.reuse != ReuseSticky || !r.FinalTurn && x.Error == nil {
		return
	}
	t.mu.Lock()
	own := t.sessions[r.Session]
	delete(t.sessions, r.Session)
	t.mu.Unlock()
	if own != nil {
		own.CloseIdleConnections()
	}
}

// Close implements Transport.
func (t *HTTP) Close() {
	t.pool.CloseIdleConnections()
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, own := range t.sessions {
		own.CloseIdleConnections()
		delete(t.sessions, id)
	}
}
