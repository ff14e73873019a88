package transports

import "golang.org/x/sys/unix"

// poll looks at the socket of an idle connection.
func (c *conn) poll(fd uintptr) {
	c.polls[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN | unix.POLLRDHUP}
	if _, err := unix.Poll(c.polls[:], 0); err != nil && err != unix.EINTR {
		return
	}
	events := c.polls[0].Revents
	c.alive = events == 0 || events == unix.POLLIN && c.secure != nil
}
