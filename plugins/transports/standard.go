package transports

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"aiperf/clock"
)

// standard is the way through a proxy, over the standard client. Connections stamp the
// return of their reads; bytes of one chunk that arrive in several reads are handed on
// together and bear the stamp of the last of these. Sessions have no connections of their
// own: whose connection it is decides the proxy.
type standard struct {
	t      *HTTP
	client *http.Transport
}

func newStandard(t *HTTP, keep time.Duration) *standard {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, birth, err := t.dialer.connect(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &observed{Conn: c, birth: birth}, nil
	}
	return &standard{t: t, client: &http.Transport{
		Proxy: t.targets.proxy, DialContext: dial, TLSClientConfig: t.dialer.tls.Clone(),
		DisableCompression: true, DisableKeepAlives: t.closing || t.reuse == ReuseSticky,
		MaxIdleConnsPerHost: t.connected, IdleConnTimeout: keep,
		WriteBufferSize: oneWriteBytes, ReadBufferSize: oneWriteBytes, Protocols: protocols,
	}}
}

func (s *standard) close() { s.client.CloseIdleConnections() }

// passage is one exchange through the client. The hooks of its trace are called by the
// goroutine of the exchange, inside RoundTrip.
type passage struct {
	answer
	wire *observed // nil until there is a connection
	body *lending
	at   stage
}

func (s *standard) exchange(ctx context.Context, r *Request, x *Exchange) {
	p := &passage{}
	p.x, p.each = x, p.event
	if err := s.converse(ctx, p, r); err != nil {
		x.Error = explain(ctx, err, p.stage(), s.t.limit)
		x.Cancelled = x.Error.Type == cancelledType
	}
	if p.body != nil {
		<-p.body.free // the client lets go of the body when it is sent, or soon after the connection's end
	}
	if x.EndNS == 0 {
		x.EndNS = clock.Now()
	}
}

func (s *standard) converse(ctx context.Context, p *passage, r *Request) error {
	if err := s.t.acquire(ctx, p.x, s.t.limit); err != nil {
		return err
	}
	defer s.t.leave()
	p.at = connecting
	ctx, done := bounded(ctx, p.x, s.t.limit)
	defer done()
	trace := &httptrace.ClientTrace{GotConn: p.gotConn}
	if r.Sent != nil {
		trace.WroteRequest = func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				r.Sent(clock.Now())
			}
		}
	}
	resp, err := s.client.RoundTrip(p.request(httptrace.WithClientTrace(ctx, trace), r))
	p.noteSend(len(r.Body))
	if err != nil {
		return err
	}
	defer resp.Body.Close() // closes the connection too, unless everything was read
	p.at = receiving
	p.x.StampSource = StampRead
	p.begin(resp.StatusCode, isStream([]byte(resp.Header.Get("Content-Type"))), p.arrival())
	err = p.readAll(resp.Body)
	switch {
	case p.succeeds() && err == nil:
		return p.finish(p.arrival())
	case p.succeeds() || ctx.Err() != nil:
		return err
	}
	p.x.EndNS = p.arrival()
	return p.refusal(strings.TrimSpace(strings.TrimPrefix(resp.Status, resp.Status[:min(3, len(resp.Status))])), resp.Header.Get("Location"))
}

// gotConn is told which connection the request goes out on.
func (p *passage) gotConn(info httptrace.GotConnInfo) {
	c := info.Conn
	if t, ok := c.(interface{ NetConn() net.Conn }); ok { // below TLS
		c = t.NetConn()
	}
	o, ok := c.(*observed)
	if !ok {
		return
	}
	p.wire = o
	o.firstWrite.Store(0)
	o.lastWrite.Store(0)
	o.writes.Store(0)
	tr := &p.x.Trace
	if tr.Reused = info.Reused; !info.Reused {
		b := o.birth
		tr.DNSStartNS, tr.DNSEndNS, tr.ConnectStartNS, tr.ConnectEndNS = b.dnsStart, b.dnsEnd, b.connectStart, b.connectEnd
	}
}

func (p *passage) request(ctx context.Context, r *Request) *http.Request {
	p.body = &lending{left: r.Body, free: make(chan struct{})}
	req := &http.Request{
		Method: http.MethodPost, URL: r.URL, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"User-Agent": nil}, ContentLength: int64(len(r.Body)), Host: r.URL.Host, Body: p.body,
	}
	if r.Headers != nil {
		for _, h := range r.Headers.List(r.RequestID, r.Session) {
			if strings.EqualFold(h.Name, "Host") {
				req.Host = h.Value
				continue
			}
			req.Header.Add(h.Name, h.Value)
		}
	}
	return req.WithContext(ctx)
}

// noteSend takes the stamps of the writes over.
func (p *passage) noteSend(bodyBytes int) {
	if p.wire == nil || p.wire.writes.Load() == 0 {
		return
	}
	tr := &p.x.Trace
	tr.SendStartNS, tr.SendEndNS = clock.MonoNS(p.wire.firstWrite.Load()), clock.MonoNS(p.wire.lastWrite.Load())
	tr.ChunksSent = p.wire.writes.Load()
	p.x.SendNS, tr.BytesSent = tr.SendStartNS, int64(bodyBytes)
	if at := clock.MonoNS(p.wire.readAt.Load()); at > tr.SendStartNS && (tr.SendEndNS == 0 || tr.SendEndNS > at) {
		tr.SendEndNS = at // answered before the write returned to the one who stamps it
	}
}

// readAll hands the body on piece by piece.
func (p *passage) readAll(body io.Reader) error {
	buf := make([]byte, readBytes)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			p.read(p.arrival())
			if err := p.take(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// arrival is when the bytes at hand arrived: the return of the connection's last read.
func (p *passage) arrival() clock.MonoNS {
	if p.wire != nil {
		if at := clock.MonoNS(p.wire.readAt.Load()); at > p.x.Trace.SendStartNS {
			return at
		}
	}
	return clock.Now()
}

// stage is how far the exchange has come.
func (p *passage) stage() stage {
	switch {
	case p.at != connecting || p.wire == nil:
		return p.at
	case p.wire.ended.Load():
		return abandoned
	case p.wire.lastWrite.Load() == 0:
		return sending
	}
	return waiting
}

// observed stamps the reads and writes of a connection, which come from goroutines of the
// client.
type observed struct {
	net.Conn
	birth                         birth
	readAt, firstWrite, lastWrite atomic.Int64
	writes                        atomic.Int64
	ended                         atomic.Bool // the peer has closed its side
}

// Read stamps its return.
func (o *observed) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	if n > 0 {
		o.readAt.Store(int64(clock.Now()))
	}
	if err == io.EOF {
		o.ended.Store(true)
	}
	return n, err
}

// Write stamps the moment before the first byte of a request, and each return.
func (o *observed) Write(p []byte) (int, error) {
	o.firstWrite.CompareAndSwap(0, int64(clock.Now()))
	o.writes.Add(1)
	n, err := o.Conn.Write(p)
	o.lastWrite.Store(int64(clock.Now()))
	return n, err
}

// lending is a body that the client may read longer than the exchange lasts, while the
// owner of the bytes wants them back at its end.
type lending struct {
	mu   sync.Mutex
	left []byte
	free chan struct{} // closed when the client has let go
	gone bool
}

var errLentOut = errors.New("the body was closed")

func (l *lending) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.gone:
		return 0, errLentOut
	case len(l.left) == 0:
		return 0, io.EOF
	}
	n := copy(p, l.left)
	l.left = l.left[n:]
	return n, nil
}

func (l *lending) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.gone {
		l.gone = true
		close(l.free)
	}
	return nil
}
