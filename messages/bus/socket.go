package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	zmq "github.com/pebbe/zmq4"

	"aiperf/clock"
	"aiperf/messages"
)

// Kind is the pattern of a socket.
type Kind int

// The patterns of the mesh.
const (
	Pub Kind = iota
	Sub
	Push
	Pull
	Router
	Dealer
)

var kinds = map[Kind]zmq.Type{
	Pub: zmq.PUB, Sub: zmq.SUB, Push: zmq.PUSH, Pull: zmq.PULL, Router: zmq.ROUTER, Dealer: zmq.DEALER,
}

// Spec says what socket to open.
type Spec struct {
	Name     string // for errors and statistics
	Kind     Kind
	Bind     bool
	Address  string
	Identity string // dealers: the service id
	Sender   string // service_id put into sent envelopes

	HighWater int  // messages per peer inside ZeroMQ, both ways; 0 = 1000
	Queue     int  // messages in the actor's own queues, each way; 0 = 256
	Immediate bool // queue only on established connections
	// Subscriptions are topic prefixes of a Sub socket; "" is everything. They are
	// made in order, so the last one proves all others.
	Subscriptions []string
	Linger        time.Duration // how long Close lets unsent messages go out
}

// Delivery is one received message.
type Delivery struct {
	From     string // routers: the sender's identity
	Topic    string // subscribers
	Envelope messages.Envelope
}

// ErrUnreachable means that a router knows no peer of that identity.
var ErrUnreachable = errors.New("no such peer")

// ErrClosed means that the socket has ended.
var ErrClosed = errors.New("socket is closed")

// Stats counts what went through a socket.
type Stats struct {
	Sent, Received uint64
	Waits          uint64        // sends that had to wait for a full queue
	WaitTime       time.Duration // in all
	Dropped        uint64        // publisher with a full queue, unreachable peers
	Malformed      uint64        // received frames that were no envelope
	Gaps           uint64        // messages that seq says were missed
}

// Socket is an actor around one ZeroMQ socket. Its methods may be called from any
// goroutine, Close included.
type Socket struct {
	spec Spec
	zs   *zmq.Socket // owned by run
	fd   int
	bell *bell

	sendMu sync.Mutex // orders seq with the queue
	seqs   map[string]uint64
	out    chan outgoing
	in     chan Delivery

	connectLater bool   // of run
	endpoint     string // as bound, with the real port

	sleeping atomic.Bool
	stopping chan struct{}
	stopOnce sync.Once
	done     chan struct{}

	sent, received, waits, waitNS, dropped, malformed, gaps atomic.Uint64

	lastSeq map[string]uint64 // of run: next expected seq by sender and topic
}

type outgoing struct {
	to    string // routers: identity; publishers: topic
	frame []byte
}

// localReconnect is the first pause before a local connection is tried again.
const localReconnect = 5 * time.Millisecond

// Open makes the socket, binds or connects it, and starts its actor.
func (c *Node) Open(spec Spec) (*Socket, error) {
	if spec.HighWater == 0 {
		spec.HighWater = 1000
	}
	if spec.Queue == 0 {
		spec.Queue = 256
	}
	s := &Socket{
		spec: spec, seqs: map[string]uint64{}, lastSeq: map[string]uint64{},
		out: make(chan outgoing, spec.Queue), in: make(chan Delivery, spec.Queue),
		stopping: make(chan struct{}), done: make(chan struct{}),
	}
	var err error
	if s.bell, err = newBell(); err != nil {
		return nil, fmt.Errorf("open socket %s: %w", spec.Name, err)
	}
	if err := s.open(c); err != nil {
		if s.zs != nil {
			_ = s.zs.SetLinger(0)
			_ = s.zs.Close()
		}
		s.bell.close()
		return nil, fmt.Errorf("open socket %s at %s: %w", spec.Name, spec.Address, err)
	}
	go s.run()
	return s, nil
}

func (s *Socket) open(c *Node) (err error) {
	if s.zs, err = c.ctx.NewSocket(kinds[s.spec.Kind]); err != nil {
		return err
	}
	zs, spec := s.zs, s.spec
	steps := []func() error{
		func() error { return c.configure(zs, spec.Bind) },
		func() error { return zs.SetSndhwm(spec.HighWater) },
		func() error { return zs.SetRcvhwm(spec.HighWater) },
		func() error { return zs.SetLinger(spec.Linger) },
		func() error { return zs.SetImmediate(spec.Immediate) },
	}
	if spec.Kind == Router {
		steps = append(steps,
			func() error { return zs.SetRouterMandatory(1) },
			func() error { return zs.SetRouterHandover(true) })
	}
	if spec.Kind == Dealer {
		steps = append(steps, func() error { return zs.SetIdentity(spec.Identity) })
	}
	for _, topic := range spec.Subscriptions {
		steps = append(steps, func() error { return zs.SetSubscribe(topic) })
	}
	if !spec.Bind && strings.HasPrefix(spec.Address, "ipc://") {
		// A socket file is there a moment before its owner listens: who comes in between is
		// refused, and tries again soon instead of after the interval meant for networks.
		steps = append(steps, func() error { return zs.SetReconnectIvl(min(c.opts.ReconnectIvl, localReconnect)) })
	}
	switch {
	case spec.Bind:
		steps = append(steps, func() error { return zs.Bind(spec.Address) })
	case s.unbound():
		s.connectLater = true // by the actor: see awaitBinder
	default:
		steps = append(steps, func() error { return zs.Connect(spec.Address) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if spec.Bind {
		if s.endpoint, err = zs.GetLastEndpoint(); err != nil {
			return err
		}
		s.endpoint = strings.TrimRight(s.endpoint, "\x00")
	}
	s.fd, err = zs.GetFd()
	return err
}

// Endpoint is the address a binding socket is bound to; a port of 0 has become a
// real one.
func (s *Socket) Endpoint() string { return s.endpoint }

// Send queues m. to is the peer's identity on a router, the target (or "") on a
// publisher, and unused otherwise. It waits while the queue is full (a publisher
// drops instead) until ctx ends or the socket is closed.
func (s *Socket) Send(ctx context.Context, to string, m messages.Message) error {
	return s.send(ctx, to, "", m)
}

// SendRequest is Send with a request id in the envelope.
func (s *Socket) SendRequest(ctx context.Context, to, requestID string, m messages.Message) error {
	return s.send(ctx, to, requestID, m)
}

// TrySend is Send without waiting; it reports whether the message was queued.
func (s *Socket) TrySend(to string, m messages.Message) (bool, error) {
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	if len(s.out) == cap(s.out) {
		return false, nil
	}
	o, err := s.encode(to, "", m)
	if err != nil {
		return false, err
	}
	select {
	case <-s.done:
		return false, ErrClosed
	case s.out <- o: // has room: only senders fill it, and they hold sendMu
		s.ring()
		return true, nil
	}
}

func (s *Socket) send(ctx context.Context, to, requestID string, m messages.Message) error {
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	o, err := s.encode(to, requestID, m)
	if err != nil {
		return err
	}
	select {
	case <-s.stopping:
		return ErrClosed
	default:
	}
	select {
	case s.out <- o:
		s.ring()
		return nil
	default:
	}
	if s.spec.Kind == Pub {
		s.dropped.Add(1)
		return nil
	}
	s.waits.Add(1)
	since := clock.Now()
	defer func() { s.waitNS.Add(uint64(clock.Now().Sub(since))) }()
	select {
	case s.out <- o:
		s.ring()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return ErrClosed
	}
}

// encode builds the frame; sendMu is held, so seq and queue agree.
func (s *Socket) encode(to, requestID string, m messages.Message) (outgoing, error) {
	key := to
	if s.spec.Kind == Pub {
		to = messages.Topic(m.MessageType(), to)
		key = to
	} else {
		key = "" // one sequence per socket
	}
	h := messages.Header{ServiceID: s.spec.Sender, Seq: s.seqs[key], SentNS: clock.Wall(), RequestID: requestID}
	frame, err := messages.Encode(nil, h, m)
	if err != nil {
		return outgoing{}, err
	}
	s.seqs[key]++
	return outgoing{to: to, frame: frame}, nil
}

// ring wakes the actor if it sleeps.
func (s *Socket) ring() {
	if s.sleeping.Load() {
		s.bell.ring()
	}
}

// Receive is the queue of arrived messages. It is closed when the socket ends.
func (s *Socket) Receive() <-chan Delivery { return s.in }

// Pending is how many messages wait in the send queue.
func (s *Socket) Pending() int { return len(s.out) }

// Stats returns the counters.
func (s *Socket) Stats() Stats {
	return Stats{
		Sent: s.sent.Load(), Received: s.received.Load(),
		Waits: s.waits.Load(), WaitTime: time.Duration(s.waitNS.Load()),
		Dropped: s.dropped.Load(), Malformed: s.malformed.Load(), Gaps: s.gaps.Load(),
	}
}

// Close stops accepting messages, lets queued ones go out for at most the linger,
// and ends the actor. It may be called twice.
func (s *Socket) Close() {
	s.stopOnce.Do(func() {
		close(s.stopping)
		s.bell.ring()
	})
	<-s.done
}

func wouldBlock(err error) bool {
	return zmq.AsErrno(err) == zmq.Errno(syscall.EAGAIN)
}
