package transports

import (
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"aiperf/clock"
	"aiperf/messages"
)

// reactor reads for many connections on one goroutine. A goroutine of its own for each
// would have to be woken for each event, and would find nothing at every second look; with
// a thousand streams that is a third of what an event costs. The exchange's goroutine
// sleeps from the end of its request to the end of the answer.
//
// Connections are watched edge by edge from open to close. What arrives while nobody
// listens is remembered as ready, and read by the next who does.
type reactor struct {
	epoll int
	bell  int // an eventfd that ends the wait
	done  chan struct{}
	in    readBuffer

	mu    sync.RWMutex
	conns []*conn // by descriptor
}

// watched are the edges that matter: something to read, room to write, the end.
const watched = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// ended are the edges after which a read tells how it ended, even behind a short read.
const ended = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR

// manyReactors is how many share a process's connections. One alone would be late for all
// of them whenever another thread has its core: measured with the server on the same two
// cores, errors of the time to first token were 20 ms at the 99th percentile with one, and
// 0.05 ms with four.
const manyReactors = 4

// newReactors starts them; none when the system refuses, and connections read for themselves.
func newReactors() *reactors {
	rs := &reactors{}
	for range manyReactors {
		if r := newReactor(); r != nil {
			rs.all = append(rs.all, r)
		}
	}
	return rs
}

// newReactor starts one; nil when the system refuses.
func newReactor() *reactor {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(epoll)
		return nil
	}
	r := &reactor{epoll: epoll, bell: bell, done: make(chan struct{})}
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, bell, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(bell)}); err != nil {
		_, _ = unix.Close(epoll), unix.Close(bell)
		return nil
	}
	go r.run()
	return r
}

// adopt takes a connection over from the runtime's poller, which would go on to wake a
// thread for all that arrives. After an error the connection is as it was.
func (r *reactor) adopt(c *conn) error {
	fd, failed := -1, error(nil)
	err := c.raw.Control(func(old uintptr) { fd, failed = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	r.mu.Lock() // edges wait until it is known whose they are
	defer r.mu.Unlock()
	if err := unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: watched, Fd: int32(fd)}); err != nil {
		_ = unix.Close(fd)
		return err
	}
	for len(r.conns) <= fd {
		r.conns = append(r.conns, nil)
	}
	r.conns[fd] = c
	c.fd, c.reactor, c.writable = fd, r, make(chan struct{}, 1)
	_ = c.TCPConn.Close()
	return nil
}

// leave ends a connection's part in the reactor, and the connection.
func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reactor == nil {
		return
	}
	r := c.reactor
	r.mu.Lock()
	r.conns[c.fd] = nil // before the number can be used again
	r.mu.Unlock()
	_ = unix.Close(c.fd)
	c.reactor = nil
}

// run waits for edges until close. It has its own thread: what waits in the system is not
// the scheduler's.
func (r *reactor) run() {
	defer close(r.done)
	runtime.LockOSThread()
	edges := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(r.epoll, edges, -1)
		if err != nil && err != unix.EINTR {
			return
		}
		for _, e := range edges[:max(n, 0)] {
			if int(e.Fd) == r.bell {
				return
			}
			if c := r.at(int(e.Fd)); c != nil {
				c.edge(e.Events, &r.in)
			}
		}
	}
}

func (r *reactor) at(fd int) *conn {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if fd >= len(r.conns) {
		return nil
	}
	return r.conns[fd]
}

// close ends the goroutine, after the last exchange.
func (r *reactor) close() {
	_, _ = unix.Write(r.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-r.done
	_, _ = unix.Close(r.epoll), unix.Close(r.bell)
}

// edge is told that something has happened on the connection. An edge of another one that
// had the number before does no harm.
//
// hot: once per read of the network.
func (c *conn) edge(events uint32, in *readBuffer) {
	if events&(unix.EPOLLOUT|ended) != 0 {
		select {
		case c.writable <- struct{}{}:
		default:
		}
	}
	if events&^unix.EPOLLOUT == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.listener
	switch {
	case c.reactor == nil: // closed meanwhile
	case a == nil:
		c.ready = true
	case a.drain(c, in, events&ended != 0):
		c.listener = nil
		a.woken <- struct{}{} // has room: one answer, one sign
	}
}

// drain reads what is there for an attempt that listens; true when its answer is over.
// A short read has taken all there was, unless the connection has ended too (whole). A
// panic ends the answer, not the reactor, which others need.
func (a *attempt) drain(c *conn, in *readBuffer, whole bool) (over bool) {
	defer func() {
		if p := recover(); p != nil {
			over, a.reusable = true, false
			a.over = messages.NewError("CreditProcessingError", fmt.Sprintf("panic: %v", p)).WithCode(500)
		}
	}()
	for {
		n, wall, err := in.receiver.Receive(c.fd, in.data[:])
		switch {
		case err == unix.EAGAIN:
			return false
		case err != nil || n == 0:
			a.over = a.cut(c, orEOF(err))
			return true
		}
		c.wall = wall
		c.stamp(clock.Now())
		if over, a.over = a.piece(c, in.data[:n]); over {
			return true
		}
		if n < len(in.data) && !whole {
			return false
		}
	}
}
