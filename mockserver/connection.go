package mockserver

import (
	"context"
	"net"
	"sync/atomic"

	"aiperf/clock"
)

// connection stamps what arrives: when the body of a request has been read to its
// end, the last read's return is the instant at which the request was there.
type connection struct {
	net.Conn
	number   uint64
	lastRead atomic.Int64 // MonoNS; requests of one connection follow one another
}

func (c *connection) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.lastRead.Store(int64(clock.Now()))
	}
	return n, err
}

// listener makes connections of what another one accepts.
type listener struct {
	net.Listener
	count atomic.Uint64
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, number: l.count.Add(1)}, nil
}

type connectionKey struct{}

func withConnection(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// arrivalOf is when the whole request was there, and the number of its connection
// (0 behind a listener that is not ours).
func arrivalOf(ctx context.Context) (arrival clock.MonoNS, number uint64) {
	if c, ok := ctx.Value(connectionKey{}).(*connection); ok {
		return clock.MonoNS(c.lastRead.Load()), c.number
	}
	return clock.Now(), 0
}
