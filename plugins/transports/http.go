package transports

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
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

// HTTP is HTTP/1.1, by its own means over TCP and the standard TLS. It sends no
// Accept-Encoding, keeps no cookie, follows no redirect and repeats nothing that has
// touched the network. An exchange runs on the goroutine that asks for it, and on no
// other. What has to go through a proxy goes by the standard client.
type HTTP struct {
	dialer  *dialer
	targets targets
	*pool
	reuse     string
	closing   bool          // connections are not used again
	limit     time.Duration // of a whole exchange; 0 = none
	connected int           // how many connections may be in use
	note      func(string)
	crowd     sync.Once
	attempts  sync.Pool    // *attempt
	stamping  *net.UDPConn // keeps the kernel at it; nil when it gives no stamps

	proxied func() *standard // made when it is first needed
}

// NewHTTP makes it. The number of connections is the setting; unless the user has set it,
// it is raised to the run's concurrency, or to what the process can hold when nothing
// limits the load.
func NewHTTP(c Config) (Transport, error) {
	h := c.Environment.HTTP
	t := &HTTP{
		note: c.Note, reuse: plugins.Normal(c.Endpoint.ConnectionReuse), connected: h.ConnectionLimit,
		limit: time.Duration(c.Endpoint.TimeoutSec * float64(time.Second)),
	}
	if t.note == nil {
		t.note = func(string) {}
	}
	switch {
	case h.ConnectionLimitSet:
	case c.Concurrency == 0: // a limit of our own would be what is measured
		t.connected = max(t.connected, bearable())
	default:
		t.connected = max(t.connected, c.Concurrency)
	}
	if t.connected < 1 {
		return nil, fmt.Errorf("AIPERF_HTTP_CONNECTION_LIMIT: want at least 1 connection, got %d", t.connected)
	}
	switch t.reuse {
	case "":
		t.reuse = ReusePooled
	case ReusePooled, ReuseNever, ReuseSticky:
	default:
		return nil, fmt.Errorf("connection_reuse: unknown strategy %q; there are: pooled, never, sticky-user-sessions", c.Endpoint.ConnectionReuse)
	}
	warnLimits(c.Concurrency, t.note)
	t.closing = h.ForceClose || t.reuse == ReuseNever
	t.dialer = newDialer(c.Environment, t.note)
	if t.stamping, _ = clock.KeepStamps(); t.stamping != nil {
		t.dialer.kernel = clock.NewRealtime()
	}
	t.dialer.reactors = &reactors{}
	if !t.closing { // for one exchange the change of hands would cost more than it saves
		t.dialer.reactors = newReactors()
	}
	keep := time.Duration(h.KeepaliveTimeoutSec * float64(time.Second))
	t.pool = newPool(t.connected, keep, func() {
		t.crowd.Do(func() {
			t.note(crowdedText(t.connected))
		})
	})
	t.targets.known = map[*url.URL]*target{}
	if h.TrustEnv {
		t.targets.proxy = http.ProxyFromEnvironment
	}
	t.proxied = sync.OnceValue(func() *standard { return newStandard(t, keep) })
	t.attempts.New = func() any { return newAttempt(t) }
	return t, nil
}

// Exchange implements Transport.
//
// hot: once per request. BenchmarkExchangeText.
func (t *HTTP) Exchange(ctx context.Context, r *Request, x *Exchange) {
	x.Trace.Type = "http"
	to := t.targets.of(r.URL)
	if to.proxied {
		t.proxied().exchange(ctx, r, x)
		return
	}
	t.ready(to, r).Exchange(ctx, x)
}

// Ready implements Readier. What goes through a proxy cannot be made ready.
func (t *HTTP) Ready(r *Request) Readied {
	to := t.targets.of(r.URL)
	if to.proxied {
		return nil
	}
	return t.ready(to, r)
}

func (t *HTTP) ready(to *target, r *Request) *attempt {
	a := t.attempts.Get().(*attempt)
	a.to, a.r = to, r
	a.compose()
	return a
}

// session is the name of a request's own connection, empty when it has none.
func (t *HTTP) session(r *Request) string {
	if t.reuse == ReuseSticky {
		return r.Session
	}
	return ""
}

// ClockSteps implements ClockWatcher.
func (t *HTTP) ClockSteps() int64 {
	if t.dialer.kernel == nil {
		return 0
	}
	return t.dialer.kernel.Steps()
}

// Close implements Transport.
func (t *HTTP) Close() {
	t.pool.close()
	t.proxied().close()
	t.dialer.reactors.close()
	if t.stamping != nil {
		_ = t.stamping.Close()
	}
}

// Limit is how many exchanges can be under way; more wait for one of them to end.
func (t *HTTP) Limit() int { return t.connected }
