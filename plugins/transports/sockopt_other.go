//go:build !linux

package transports

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// setSocket applies the options of a new socket that this system has.
func setSocket(c syscall.RawConn, o socketOptions) {
	_ = c.Control(func(fd uintptr) {
		for option, size := range map[int]int{unix.SO_RCVBUF: o.receiveBytes, unix.SO_SNDBUF: o.sendBytes} {
			if size > 0 {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, size)
			}
		}
	})
}
