//go:build !linux

package clock

import (
	"errors"

	"golang.org/x/sys/unix"
)

// StampSocket fails: this system's kernel gives no stamps that we read.
func StampSocket(int) error { return errors.ErrUnsupported }

// Receiver reads from sockets. The zero value is ready.
type Receiver struct{}

// Receive reads what is there, without waiting; wall is always 0.
func (*Receiver) Receive(fd int, p []byte) (n int, wall WallNS, err error) {
	for {
		n, err = unix.Read(fd, p)
		switch err {
		case nil:
			passedOn(fd)
			return n, 0, nil
		case unix.EINTR:
		default:
			return 0, 0, err
		}
	}
}
