package clock

import (
	"net"
	"syscall"
)

// KeepStamps holds the kernel to stamping what arrives, for as long as the socket that
// it returns is open. The kernel begins to stamp a little after the first socket asks
// for it, so that first packets of a first connection would go without.
func KeepStamps() (*net.UDPConn, error) {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	if err := StampConn(c); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// StampConn is StampSocket for a connection.
func StampConn(c syscall.Conn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) { err = StampSocket(int(fd)) })
	if failed != nil {
		return failed
	}
	return err
}
