package transports

import (
	"crypto/tls"
	"net"
	"sync/atomic"

	"aiperf/clock"
)

// conn stamps the reads and writes of a connection where they meet the network.
//
// Reads and writes come from goroutines of the HTTP client; the exchange that uses
// the connection reads the stamps. Between two uses begin makes it fresh.
type conn struct {
	net.Conn
	birth birth // written before anybody else sees the connection

	readAt             atomic.Int64 // return of the last read that brought bytes
	sendStart, sendEnd atomic.Int64 // of the request under way
	writes             atomic.Int64
	writing            atomic.Bool
}

// birth is how the connection came to be. DNS stamps are 0 when nothing was looked
// up; connectEnd includes the TLS handshake.
type birth struct{ dnsStart, dnsEnd, connectStart, connectEnd clock.MonoNS }

// begin forgets the writes of the request before.
func (c *conn) begin() {
	c.sendStart.Store(0)
	c.sendEnd.Store(0)
	c.writes.Store(0)
}

// Read stamps its return.
//
// hot: once per read of the network.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.readAt.Store(int64(clock.Now()))
	}
	return n, err
}

// Write stamps the moment before the first byte of a request, and each return.
func (c *conn) Write(p []byte) (int, error) {
	c.writing.Store(true)
	if c.sendStart.Load() == 0 {
		c.sendStart.Store(int64(clock.Now()))
	}
	n, err := c.Conn.Write(p)
	c.sendEnd.Store(int64(clock.Now()))
	c.writes.Add(1)
	c.writing.Store(false)
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
