package transports

import (
	"context"
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"aiperf/clock"
)

// A direct connection is one that a reactor reads for: its descriptor is out of the
// runtime's poller, so waiting on it is done here.

// reactors take turns in adopting connections.
type reactors struct {
	all  []*reactor // empty: connections read for themselves
	next atomic.Uint32
}

// adopt lets one of them read for a connection, if there is one and it can.
func (rs *reactors) adopt(c *conn) {
	if n := len(rs.all); n > 0 {
		_ = rs.all[int(rs.next.Add(1))%n].adopt(c)
	}
}

func (rs *reactors) close() {
	for _, r := range rs.all {
		r.close()
	}
}

// direct tells whether a reactor reads for the connection.
func (c *conn) direct() bool { return c.writable != nil }

func orEOF(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// sendDirect writes a request, as send does; when there is no room it waits for some, until
// the attempt's time is over or ctx ends.
//
// hot: once per request. Budget: no allocation for what leaves in one write.
func (c *conn) sendDirect(ctx context.Context, a *attempt, head, body []byte) error {
	c.firstWrite, c.writes = clock.Now(), 1
	for len(head)+len(body) > 0 {
		n, err := c.writeParts(head, body)
		c.lastWrite = clock.Now()
		if n > 0 {
			c.written += int64(n)
			inHead := min(n, len(head))
			head, body = head[inHead:], body[n-inHead:]
		}
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			if err := a.wait(ctx, c.writable); err != nil {
				return err
			}
		default:
			return err
		}
	}
	return nil
}

func (c *conn) writeParts(head, body []byte) (int, error) {
	switch {
	case len(body) == 0:
		return syscall.Write(c.fd, head)
	case len(head) == 0:
		return syscall.Write(c.fd, body)
	}
	return unix.Writev(c.fd, [][]byte{head, body})
}

// wait is for a sign, the end of the attempt's time, or the end of ctx.
func (a *attempt) wait(ctx context.Context, sign <-chan struct{}) error {
	select {
	case <-sign:
		return nil
	case <-a.timer.C:
		return os.ErrDeadlineExceeded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listenDirect lets the reactor read the answer to its end.
func (a *attempt) listenDirect(ctx context.Context, c *conn) error {
	if a.listenFor(c) {
		return a.over
	}
	err := a.wait(ctx, a.woken)
	if err == nil {
		return a.over
	}
	c.mu.Lock()
	ours := c.listener == a
	if ours {
		c.listener = nil
	}
	c.mu.Unlock()
	if !ours { // the answer was over in the meantime
		<-a.woken
		return a.over
	}
	return err
}

// listenFor makes the attempt the one that what arrives is for; true when all of the
// answer had arrived before.
func (a *attempt) listenFor(c *conn) (over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready {
		c.ready = false
		in := readBuffers.Get().(*readBuffer)
		defer readBuffers.Put(in)
		if a.drain(c, in, true) {
			return true
		}
	}
	c.listener = a
	return false
}
