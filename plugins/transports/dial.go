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

// plain resolves and connects.
func (d *dialer) plain(ctx context.Context, network, address string) (net.Conn, error) {
	c, _, err := d.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// secure does the handshake too. The stamping connection lies below the TLS layer,
// where bytes meet the network.
func (d *dialer) secure(ctx context.Context, network, address string) (net.Conn, error) {
	c, host, err := d.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	cfg := d.tls.Clone()
	cfg.ServerName = host
	t := tls.Client(c, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, &handshakeError{err}
	}
	c.birth.connectEnd = clock.Now()
	return t, nil
}

// handshakeError tells a failed TLS handshake from a failed connection.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "TLS handshake: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

func (d *dialer) connect(ctx context.Context, network, address string) (*conn, string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", err
	}
	addrs, dnsStart, dnsEnd, err := d.resolver.resolve(ctx, host)
	if err != nil {
		return nil, "", err
	}
	c := &conn{birth: birth{dnsStart: dnsStart, dnsEnd: dnsEnd, connectStart: clock.Now()}}
	if c.Conn, err = d.first(ctx, network, addrs, port); err != nil {
		return nil, "", err
	}
	c.birth.connectEnd = clock.Now()
	return c, host, nil
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
