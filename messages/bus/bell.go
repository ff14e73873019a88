package bus

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// bell wakes an actor that sleeps in poll: a pipe whose read end is polled
// together with the socket's descriptor.
type bell struct {
	r, w int

	mu     sync.Mutex // a ring must not write to a descriptor that was closed and given out again
	closed bool
}

func newBell() (*bell, error) {
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		return nil, err
	}
	for _, fd := range p {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, err
		}
	}
	return &bell{r: p[0], w: p[1]}, nil
}

// ring may be called from any goroutine at any time. A full pipe is as good as a
// ring: the actor will wake.
func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		_, _ = unix.Write(b.w, []byte{1})
	}
}

// wait returns when fd or the bell has something to tell, or after timeout (never,
// when negative). It may return early.
func (b *bell) wait(fd int, timeout time.Duration) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(b.r), Events: unix.POLLIN}}
	ms := -1
	if timeout >= 0 {
		ms = int((timeout + time.Millisecond - 1) / time.Millisecond)
	}
	if n, err := unix.Poll(fds, ms); err == nil && n > 0 && fds[1].Revents != 0 {
		var buf [64]byte
		_, _ = unix.Read(b.r, buf[:])
	}
}

func (b *bell) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	_ = unix.Close(b.r)
	_ = unix.Close(b.w)
}
