package transports

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"aiperf/clock"
)

// conn stamps the reads and writes of a connection where they meet the network. Both
// come from goroutines of the HTTP client; the stamps go to the exchange that uses the
// connection at the time.
type conn struct {
	net.Conn
	birth    birth // written before anybody else sees the connection
	wire     atomic.Pointer[wire]
	unproven atomic.Bool // from the pool, and nothing was written yet
}

// birth is how the connection came to be. DNS stamps are 0 when nothing was looked
// up; connectEnd includes the TLS handshake.
type birth struct{ dnsStart, dnsEnd, connectStart, connectEnd clock.MonoNS }

// wire is what one exchange saw of its connection. It is the exchange's own: the client
// gives a connection to the next exchange before this one has looked at its last stamp.
type wire struct {
	readAt             atomic.Int64 // return of the last read that brought bytes
	sendStart, sendEnd atomic.Int64
	writes, sent       atomic.Int64 // calls; those that put something on the network
	writing            atomic.Bool
	ended              atomic.Bool // the peer has closed its side
}

// begin gives the stamps to a new exchange.
func (c *conn) begin(w *wire, reused bool) {
	c.unproven.Store(reused)
	c.wire.Store(w)
}

// Read stamps its return.
//
// hot: once per read of the network.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if w := c.wire.Load(); w != nil {
		if n > 0 {
			w.readAt.Store(int64(clock.Now()))
		}
		if err == io.EOF {
			w.ended.Store(true)
		}
	}
	return n, err
}

// errStale is the failure to write to a pooled connection that the server has closed
// meanwhile. Nothing was written, so that the client may take another connection.
var errStale = fmt.Errorf("the connection was closed while it was idle: %w", io.EOF)

// Write stamps the moment before the first byte of a request, and each return.
func (c *conn) Write(p []byte) (int, error) {
	if c.unproven.Swap(false) && closedByPeer(c.Conn) {
		return 0, errStale
	}
	w := c.wire.Load()
	if w == nil {
		return c.Conn.Write(p) // the handshake
	}
	w.writing.Store(true)
	w.writes.Add(1)
	w.sendStart.CompareAndSwap(0, int64(clock.Now()))
	w.sent.Add(1) // at once: the answer may be there before this returns
	n, err := c.Conn.Write(p)
	if n == 0 {
		w.sent.Add(-1)
	}
	w.sendEnd.Store(int64(clock.Now()))
	w.writing.Store(false)
	return n, err
}

// stamping finds the stamping connection below TLS; nil when there is none.
func stamping(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	s, _ := c.(*conn)
	return s
}
