package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// waker sleeps in ppoll, whose timeout is in nanoseconds, on an eventfd that
// ends the sleep early.
type waker struct{ fd int }

func newWaker() (*waker, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	return &waker{fd: fd}, nil
}

func (w *waker) wake() {
	one := [8]byte{1}
	_, _ = unix.Write(w.fd, one[:]) // a full counter means that a wake is pending already
}

// sleep returns after d (never when negative), or when woken. It may return early.
func (w *waker) sleep(d time.Duration) {
	fds := []unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}
	var ts *unix.Timespec
	if d >= 0 {
		t := unix.NsecToTimespec(int64(d))
		ts = &t
	}
	if n, err := unix.Ppoll(fds, ts, nil); err == nil && n > 0 {
		var buf [8]byte
		_, _ = unix.Read(w.fd, buf[:])
	}
}

func (w *waker) close() { _ = unix.Close(w.fd) }

// setTimerSlack lets the kernel wake this thread on time instead of up to 50 µs late.
func setTimerSlack() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) }
