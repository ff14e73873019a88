package transports

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"aiperf/clock"
)

// conn is a connection to a server. It belongs to one exchange at a time, or to the pool;
// only abort is called from elsewhere. Below TLS it is what TLS reads from and writes to,
// so that the stamps are those of the network.
//
// While a read waits, a plain connection holds no buffer: it borrows one when there is
// something to read.
type conn struct {
	*net.TCPConn
	raw    syscall.RawConn
	secure *tls.Conn       // over this connection; nil for plain HTTP
	kernel *clock.Realtime // maps the kernel's stamps; nil when there are none
	host   string          // that the pool knows it by
	birth  birth           // how it came to be
	used   bool            // has carried an exchange before
	expiry clock.MonoNS    // not used after this; 0 = never
	step   func(uintptr) bool
	look   func(uintptr)
	abort  func() // ends reads and writes under way and to come, from any goroutine

	// With a reactor; its descriptor is out of the runtime's poller then.
	fd       int
	reactor  *reactor      // nil: none, or closed
	writable chan struct{} // there may be room to write
	mu       sync.Mutex    // of what follows, and of what the listener reads
	listener *attempt      // who what arrives is for
	ready    bool          // something has arrived, and nobody has read it

	// One receive.
	into  []byte // nil: borrow
	lent  *readBuffer
	n     int
	wall  clock.WallNS
	err   error
	polls [1]unix.PollFd
	alive bool

	// One exchange.
	at                    clock.MonoNS // of the last bytes that arrived
	floor                 clock.MonoNS // nothing arrived before
	reads, unstamped      int64        // that brought bytes; those of them without the kernel's stamp
	firstWrite, lastWrite clock.MonoNS
	writes, written       int64 // calls; bytes on the network
	parts                 [2][]byte
	vector                net.Buffers // over parts, while they are written
}

// birth is how a connection came to be. DNS stamps are 0 when nothing was looked up, TLS
// stamps without TLS; connectEnd includes the handshake.
type birth struct{ dnsStart, dnsEnd, connectStart, connectEnd, tlsStart, tlsEnd clock.MonoNS }

// readBytes is how much one read takes.
const readBytes = 32 << 10

// readBuffer is what a read needs, for as long as its bytes are looked at.
type readBuffer struct {
	receiver clock.Receiver
	data     [readBytes]byte
}

var readBuffers = sync.Pool{New: func() any { return &readBuffer{} }}

// longAgo makes every wait of a connection end.
var longAgo = time.Unix(1, 0)

func newConn(tcp *net.TCPConn, kernel *clock.Realtime) (*conn, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &conn{TCPConn: tcp, raw: raw, kernel: kernel}
	c.step, c.look = c.receiveOnce, c.poll // made once, because each is an allocation
	c.abort = func() { _ = tcp.SetDeadline(longAgo) }
	return c, nil
}

// begin readies the stamps for an exchange.
func (c *conn) begin() {
	c.at, c.reads, c.unstamped = 0, 0, 0
	c.firstWrite, c.lastWrite, c.writes, c.written = 0, 0, 0, 0
	c.floor = clock.Now() // a server answers what it was asked, and later
}

// next waits for bytes of the answer and stamps them. They are valid until release. For
// TLS they go into own, since TLS keeps its buffer while it waits.
//
// hot: once per read of the network. Budget: no allocation. BenchmarkExchangeStream.
func (c *conn) next(own []byte) (p []byte, err error) {
	if c.secure != nil {
		n, err := c.secure.Read(own)
		return own[:n], err
	}
	n, err := c.receive(nil)
	if n == 0 {
		return nil, err
	}
	return c.lent.data[:n], err
}

// release gives the buffer of the last read back.
func (c *conn) release() {
	if c.lent != nil {
		readBuffers.Put(c.lent)
		c.lent = nil
	}
}

// Read is for the TLS layer.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return c.receive(p)
}

// receive waits until something has arrived and stamps it. EOF is the end of the stream.
func (c *conn) receive(into []byte) (int, error) {
	c.into, c.n, c.err = into, 0, nil
	err := c.raw.Read(c.step)
	c.into = nil
	if err == nil {
		err = c.err
	}
	if err != nil {
		c.release()
		return 0, err
	}
	if c.n == 0 {
		c.release()
		return 0, io.EOF
	}
	c.stamp(clock.Now())
	return c.n, nil
}

// receiveOnce tries to read; false makes the runtime wait for the socket.
func (c *conn) receiveOnce(fd uintptr) bool {
	b := readBuffers.Get().(*readBuffer)
	into := c.into
	if into == nil {
		into = b.data[:]
	}
	c.n, c.wall, c.err = b.receiver.Receive(int(fd), into)
	again := c.err == unix.EAGAIN
	if again || c.into != nil {
		readBuffers.Put(b)
	} else {
		c.lent = b
	}
	return !again
}

// stamp finds when the bytes of a read arrived that returned at now.
func (c *conn) stamp(now clock.MonoNS) {
	c.reads++
	if c.wall != 0 && c.kernel != nil {
		if at, ok := c.kernel.Mono(c.wall, c.floor, now); ok {
			c.at, c.floor = max(at, c.at), at
			return
		}
	}
	c.unstamped++
	c.at = now
}

// Write stamps the moment before the first byte, and each return. It is what the TLS
// layer writes to, too.
func (c *conn) Write(p []byte) (int, error) {
	if c.firstWrite == 0 {
		c.firstWrite = clock.Now()
	}
	n, err := c.TCPConn.Write(p)
	c.lastWrite = clock.Now()
	c.writes++
	c.written += int64(n)
	return n, err
}

// send writes a request: its head, and its body if that is not part of the head already.
//
// hot: once per request. Budget: no allocation.
func (c *conn) send(head, body []byte) error {
	if c.secure != nil {
		_, err := c.secure.Write(head)
		if err == nil && len(body) > 0 {
			_, err = c.secure.Write(body)
		}
		return err
	}
	if len(body) == 0 {
		_, err := c.Write(head)
		return err
	}
	c.parts = [2][]byte{head, body}
	c.vector = c.parts[:]
	c.firstWrite = clock.Now()
	n, err := c.vector.WriteTo(c.TCPConn)
	c.lastWrite = clock.Now()
	c.writes++
	c.written = n
	c.parts, c.vector = [2][]byte{}, nil
	return err
}

// usable looks, without waiting, whether the server has left a connection alone while it
// was idle: it has not ended it, and has sent nothing. Under TLS it may have sent
// something, such as tickets for later sessions.
func (c *conn) usable() bool {
	c.alive = false
	if c.direct() {
		c.look(uintptr(c.fd))
		return c.alive
	}
	return c.raw.Control(c.look) == nil && c.alive
}

// close ends the connection at once.
func (c *conn) close() {
	c.release()
	if c.direct() {
		c.leave()
		return
	}
	_ = c.TCPConn.Close()
}
