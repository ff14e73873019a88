package transports

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"aiperf/clock"
	"aiperf/config"
)

// socketOptions are set on every socket before it connects.
type socketOptions struct {
	receiveBytes, sendBytes int // 0 = the kernel's tuning
	userTimeoutMS           int
}

// dialer opens connections that stamp what goes through them.
type dialer struct {
	net      net.Dialer
	resolver *resolver
	tls      *tls.Config
	kernel   *clock.Realtime // nil: the kernel gives no stamps
	reactors *reactors
}

func newDialer(env *config.Environment, note func(string)) *dialer {
	h := env.HTTP
	options := socketOptions{receiveBytes: h.SORcvbuf, sendBytes: h.SOSndbuf, userTimeoutMS: h.TCPUserTimeoutMS}
	return &dialer{
		net: net.Dialer{
			FallbackDelay: -1, // one address after the other: a race would be measured
			KeepAliveConfig: net.KeepAliveConfig{
				Enable: true, Idle: wholeSeconds(h.TCPKeepIdleSec), Interval: wholeSeconds(h.TCPKeepIntvlSec), Count: h.TCPKeepCnt,
			},
			Control: func(_, _ string, c syscall.RawConn) error {
				setSocket(c, options)
				return nil
			},
		},
		resolver: newResolver(h.IPVersion, h.UseDNSCache, time.Duration(h.TTLDNSCacheSec*float64(time.Second)), note),
		// The client speaks HTTP/1.1 and says so: a server must not choose HTTP/2.
		tls: &tls.Config{InsecureSkipVerify: !h.SSLVerify, NextProtos: []string{"http/1.1"}},
	}
}

func wholeSeconds(n int) time.Duration { return time.Duration(n) * time.Second }

// open connects to a target, and does the handshake if there is one.
func (d *dialer) open(ctx context.Context, to *target) (*conn, error) {
	tcp, birth, err := d.connect(ctx, "tcp", to.address)
	if err != nil {
		return nil, err
	}
	kernel := d.kernel
	if kernel != nil && clock.StampConn(tcp) != nil {
		kernel = nil
	}
	c, err := newConn(tcp, kernel)
	if err != nil {
		_ = tcp.Close()
		return nil, err
	}
	c.host, c.birth = to.host, birth
	if to.secure {
		if err := d.handshake(ctx, c, to.name); err != nil {
			c.close()
			return nil, err
		}
	} else {
		d.reactors.adopt(c)
	}
	return c, nil
}

func (d *dialer) handshake(ctx context.Context, c *conn, name string) error {
	cfg := d.tls.Clone()
	cfg.ServerName = name
	c.secure = tls.Client(c, cfg)
	c.birth.tlsStart = clock.Now()
	if err := c.secure.HandshakeContext(ctx); err != nil {
		return &handshakeError{err}
	}
	c.birth.tlsEnd = clock.Now()
	c.birth.connectEnd = c.birth.tlsEnd
	return nil
}

// handshakeError tells a failed TLS handshake from a failed connection.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// connect resolves the name and connects to the first of its addresses that answers.
func (d *dialer) connect(ctx context.Context, network, address string) (*net.TCPConn, birth, error) {
	var b birth
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, b, err
	}
	var addrs []netip.Addr
	if addrs, b.dnsStart, b.dnsEnd, err = d.resolver.resolve(ctx, host); err != nil {
		return nil, b, err
	}
	b.connectStart = clock.Now()
	c, err := d.first(ctx, network, addrs, port)
	if err != nil {
		return nil, b, err
	}
	b.connectEnd = clock.Now()
	return c.(*net.TCPConn), b, nil
}

// first tries the addresses in order and keeps the last one's error.
func (d *dialer) first(ctx context.Context, network string, addrs []netip.Addr, port string) (c net.Conn, err error) {
	for _, a := range addrs {
		if c, err = d.net.DialContext(ctx, network, net.JoinHostPort(a.String(), port)); err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	var op *net.OpError
	if errors.As(err, &op) {
		op.Source = nil // a local port in the text would keep equal failures apart
	}
	return nil, err
}
