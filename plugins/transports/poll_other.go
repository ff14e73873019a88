//go:build !linux

package transports

import "golang.org/x/sys/unix"

// poll looks at the socket of an idle connection.
func (c *conn) poll(fd uintptr) {
	var b [1]byte
	n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	c.alive = err == unix.EAGAIN || err == nil && n > 0 && c.secure != nil
}
