package transports

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// setSocket applies the options of a new socket. One that the system does not know
// is passed over: none changes what a request means.
func setSocket(c syscall.RawConn, o socketOptions) {
	_ = c.Control(func(fd uintptr) {
		s := int(fd)
		setBuffer(s, unix.SO_RCVBUF, o.receiveBytes)
		setBuffer(s, unix.SO_SNDBUF, o.sendBytes)
		_ = unix.SetsockoptInt(s, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
		if o.userTimeoutMS > 0 {
			_ = unix.SetsockoptInt(s, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, o.userTimeoutMS)
		}
	})
}

// setBuffer asks for less when the system is short of memory. 0 leaves the size to
// the kernel, which tunes it.
func setBuffer(fd, option, size int) {
	for ; size >= 1024; size /= 2 {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, size) != unix.ENOBUFS {
			return
		}
	}
}
