package clock

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// StampSocket asks the kernel to note when each segment of a socket arrived. Segments
// that were in flight already may come without a stamp.
func StampSocket(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, unix.SOF_TIMESTAMPING_RX_SOFTWARE|unix.SOF_TIMESTAMPING_SOFTWARE)
}

// Receiver reads from sockets together with the kernel's stamps. It may serve one socket
// after another, one call at a time. The zero value is ready.
type Receiver struct {
	header  unix.Msghdr
	vector  unix.Iovec
	control [controlBytes / 8]uint64 // aligned as control messages are
}

// controlBytes is room for the stamp (64 bytes) and for a message that nobody asked for.
const controlBytes = 128

// Receive reads what is there, without waiting: EAGAIN when there is nothing. n = 0
// without an error is the end of the stream. wall is the arrival of the last segment
// that went into p; 0 when the kernel has no stamp for it.
//
// hot: once per read of the network. Budget: no allocation. BenchmarkReceive.
func (r *Receiver) Receive(fd int, p []byte) (n int, wall WallNS, err error) {
	if len(p) == 0 {
		return 0, 0, nil
	}
	r.vector.Base = &p[0]
	r.vector.SetLen(len(p))
	r.header.Iov = &r.vector
	r.header.SetIovlen(1)
	r.header.Control = (*byte)(unsafe.Pointer(&r.control[0]))
	for {
		r.header.SetControllen(controlBytes)
		got, _, errno := unix.Syscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.header)), unix.MSG_DONTWAIT)
		if errno == unix.EINTR {
			continue
		}
		r.vector.Base = nil // so that no memory of the caller is kept alive
		if errno != 0 {
			return 0, 0, errno
		}
		passedOn(fd)
		return int(got), r.stamp(), nil
	}
}

// stamp finds the arrival among the control messages.
//
//	header   length, level, type
//	content  three times: software, (unused), hardware
func (r *Receiver) stamp() WallNS {
	left := uintptr(r.header.Controllen)
	for at := unsafe.Pointer(&r.control[0]); left >= unix.SizeofCmsghdr; {
		h := (*unix.Cmsghdr)(at)
		size := uintptr(h.Len)
		if size < unix.SizeofCmsghdr || size > left {
			return 0
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPING && size >= unix.SizeofCmsghdr+unsafe.Sizeof(unix.Timespec{}) {
			ts := (*unix.Timespec)(unsafe.Add(at, unix.SizeofCmsghdr))
			return WallNS(ts.Nano())
		}
		const align = unsafe.Sizeof(uintptr(0))
		size = (size + align - 1) &^ (align - 1)
		if size >= left {
			return 0
		}
		at, left = unsafe.Add(at, size), left-size
	}
	return 0
}
