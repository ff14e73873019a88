package mockserver

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"

	"aiperf/clock"
)

// connection stamps what arrives. The stamp of the read that brought the last byte of a
// request is the instant at which the request was there: the kernel's own stamp where it
// gives one, since a busy server reads late, else the return of the read. What leaves is
// stamped right before it is given to the kernel: what a busy server does between building
// an answer and sending it is the server's time, not the client's.
type connection struct {
	net.Conn
	number    uint64
	lastRead  atomic.Int64 // MonoNS; requests of one connection follow one another
	kernel    atomic.Bool  // lastRead is the kernel's
	lastWrite atomic.Int64 // MonoNS

	// What follows belongs to the reader: one at a time.
	raw      syscall.RawConn // nil: only returns of reads are stamped
	realtime *clock.Realtime
	receiver clock.Receiver
	receive  func(fd uintptr) bool // made once, so that reading makes no garbage
	into     []byte
	n        int
	wall     clock.WallNS
	err      error
}

// newConnection asks the kernel for stamps of a connection from l.
func newConnection(c net.Conn, number uint64, realtime *clock.Realtime) *connection {
	out := &connection{Conn: c, number: number, realtime: realtime}
	tcp, ok := c.(syscall.Conn)
	if !ok || realtime == nil || clock.StampConn(tcp) != nil {
		return out
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		out.raw, out.receive = raw, out.take
	}
	return out
}

// take reads what is there; false: nothing yet.
func (c *connection) take(fd uintptr) bool {
	c.n, c.wall, c.err = c.receiver.Receive(int(fd), c.into)
	return !errors.Is(c.err, syscall.EAGAIN)
}

func (c *connection) Read(b []byte) (int, error) {
	if c.raw == nil || len(b) == 0 {
		n, err := c.Conn.Read(b)
		c.stamp(n, 0)
		return n, err
	}
	c.into = b
	err := c.raw.Read(c.receive)
	c.into = nil
	switch {
	case err != nil: // closed, or the deadline
		return 0, err
	case c.err != nil:
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: c.err}
	case c.n == 0:
		return 0, io.EOF
	}
	c.stamp(c.n, c.wall)
	return c.n, nil
}

func (c *connection) Write(b []byte) (int, error) {
	c.lastWrite.Store(int64(clock.Now()))
	return c.Conn.Write(b)
}

// stamp notes the arrival of n bytes. It lies between the one before and now; the first
// ones may have arrived before the connection was accepted.
func (c *connection) stamp(n int, wall clock.WallNS) {
	if n == 0 {
		return
	}
	at, kernel := clock.Now(), false
	if wall != 0 {
		var mono clock.MonoNS
		if mono, kernel = c.realtime.Mono(wall, clock.MonoNS(c.lastRead.Load()), at); kernel {
			at = mono
		}
	}
	c.lastRead.Store(int64(at))
	c.kernel.Store(kernel)
}

// listener makes connections of what another one accepts.
type listener struct {
	net.Listener
	count    atomic.Uint64
	realtime *clock.Realtime // nil: the kernel gives no stamps
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newConnection(c, l.count.Add(1), l.realtime), nil
}

type connectionKey struct{}

func withConnection(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// wireOf is the connection of a request, nil behind a listener that is not ours.
func wireOf(ctx context.Context) *connection {
	c, _ := ctx.Value(connectionKey{}).(*connection)
	return c
}

// id is the number of the connection, 0 behind a listener that is not ours.
func (c *connection) id() uint64 {
	if c == nil {
		return 0
	}
	return c.number
}

// arrival is when the whole request was there, and whether the kernel said so.
func (c *connection) arrival() (at clock.MonoNS, kernel bool) {
	if c == nil {
		return clock.Now(), false
	}
	return clock.MonoNS(c.lastRead.Load()), c.kernel.Load()
}

// sent is when the last piece was given to the kernel.
func (c *connection) sent() clock.MonoNS {
	if c == nil {
		return clock.Now()
	}
	return clock.MonoNS(c.lastWrite.Load())
}
