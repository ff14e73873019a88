package bus

import (
	"fmt"
	"os"
	"strings"
	"time"

	zmq "github.com/pebbe/zmq4"

	"aiperf/messages"
)

// burst bounds how many messages go one way before the other gets its turn.
const burst = 64

// stalledPoll is how often a full receive queue is looked at again.
const stalledPoll = time.Millisecond

// run is the actor: the only goroutine that touches the ZeroMQ socket. Each round
// sends what is queued, takes what has arrived, and sleeps only when neither way
// has anything left; the socket's descriptor tells of changes only once, so a sleep
// always comes after a read that found nothing.
func (s *Socket) run() {
	defer close(s.done)
	defer s.bell.close()
	defer s.zs.Close()
	defer close(s.in)
	if s.connectLater && !s.awaitBinder() {
		return
	}
	var held *outgoing // a message that the socket would not take yet
	var parked *Delivery
	var deadline time.Time
	stopping := false
	// What has been handed to ZeroMQ may use up the rest of the linger, no more.
	defer func() { _ = s.zs.SetLinger(max(0, time.Until(deadline))) }()
	for {
		progress := false
		for range burst {
			if held == nil {
				select {
				case o := <-s.out:
					held = &o
				default:
				}
			}
			if held == nil || !s.put(held) {
				break
			}
			held, progress = nil, true
		}
		for range burst {
			if parked == nil {
				if parked = s.take(); parked == nil {
					break
				}
			}
			select {
			case s.in <- *parked:
				parked, progress = nil, true
				continue
			default:
			}
			break
		}
		if !stopping {
			select {
			case <-s.stopping:
				stopping = true
				deadline = time.Now().Add(s.spec.Linger)
			default:
			}
		}
		if stopping && ((held == nil && len(s.out) == 0) || time.Now().After(deadline)) {
			return
		}
		if progress {
			continue
		}
		s.sleep(held != nil, parked != nil || stopping)
	}
}

// unbound tells that a local socket file is not there yet. Processes of a run start
// together; a connection tried too early is tried again only after the reconnect
// interval, which would be added to every start.
func (s *Socket) unbound() bool {
	path, local := strings.CutPrefix(s.spec.Address, "ipc://")
	if !local {
		return false
	}
	_, err := os.Stat(path)
	return err != nil
}

// awaitBinder waits a moment for the other side's socket file and connects; false
// means that the socket was closed meanwhile.
func (s *Socket) awaitBinder() bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for tries := 0; s.unbound() && tries < 5000; tries++ {
		select {
		case <-s.stopping:
			return false
		case <-tick.C:
		}
	}
	if err := s.zs.Connect(s.spec.Address); err != nil {
		s.dropped.Add(1) // cannot happen for an address that was checked; nothing will ever arrive
		return false
	}
	return true
}

// put sends one message; false means that the socket would block.
func (s *Socket) put(o *outgoing) bool {
	var err error
	switch s.spec.Kind {
	case Router, Pub:
		_, err = s.zs.SendMessageDontwait(o.to, o.frame)
	default:
		_, err = s.zs.SendBytes(o.frame, zmq.DONTWAIT)
	}
	switch {
	case err == nil:
		s.sent.Add(1)
	case wouldBlock(err):
		return false
	default: // unknown identity on a router: the peer has left
		s.dropped.Add(1)
	}
	return true
}

// take receives one message, nil when there is none. Frames that are no envelope
// are counted and passed over.
func (s *Socket) take() *Delivery {
	for {
		frames, err := s.zs.RecvMessageBytes(zmq.DONTWAIT)
		if err != nil {
			return nil
		}
		s.received.Add(1)
		var d Delivery
		switch {
		case s.spec.Kind == Router && len(frames) == 2:
			d.From = messages.Intern(frames[0])
		case s.spec.Kind == Sub && len(frames) == 2:
			d.Topic = messages.Intern(frames[0])
		case len(frames) == 1:
		default:
			s.malformed.Add(1)
			continue
		}
		if d.Envelope, err = messages.Open(frames[len(frames)-1]); err != nil {
			s.malformed.Add(1)
			continue
		}
		s.follow(d.Envelope.ServiceID, d.Topic, d.Envelope.Seq)
		return &d
	}
}

// follow counts the messages that a jump of seq says were missed. A smaller seq
// is a restarted sender.
func (s *Socket) follow(sender, topic string, seq uint64) {
	key := sender
	if topic != "" {
		key = sender + "\x00" + topic
	}
	if next, known := s.lastSeq[key]; known && seq > next && s.spec.Kind != Pull {
		s.gaps.Add(seq - next)
	}
	s.lastSeq[key] = seq + 1
}

// sleep waits for the socket, the bell, or (with a queue that must be retried) a
// moment.
func (s *Socket) sleep(blocked, stalled bool) {
	s.sleeping.Store(true)
	defer s.sleeping.Store(false)
	if !blocked && len(s.out) > 0 {
		return // queued between the last look and the flag
	}
	// Asking for the state handles what the descriptor has told of already and would
	// not tell again: a sleep without it can miss the only wake-up.
	if events, err := s.zs.GetEvents(); err == nil {
		if blocked && events&zmq.POLLOUT != 0 || !stalled && events&zmq.POLLIN != 0 {
			return
		}
	}
	timeout := time.Duration(-1)
	if stalled {
		timeout = stalledPoll
	}
	select {
	case <-s.stopping:
		timeout = stalledPoll
	default:
	}
	s.bell.wait(s.fd, timeout)
}

// String names the socket in logs.
func (s *Socket) String() string { return fmt.Sprintf("%s (%s)", s.spec.Name, s.spec.Address) }
