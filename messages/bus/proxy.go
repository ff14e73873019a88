package bus

import (
	"fmt"
	"sync"
	"time"

	zmq "github.com/pebbe/zmq4"
	"golang.org/x/sys/unix"
)

// Proxy is the event bus: publishers connect to its front, subscribers to its
// back. Messages go to the back, subscriptions to the front, whole and unchanged.
// A subscriber whose queue is full loses messages; nobody else is slowed by it.
//
// One goroutine owns both sockets.
type Proxy struct {
	front, back     *zmq.Socket
	frontFD, backFD int
	bell            *bell
	stopping        chan struct{}
	stopOnce        sync.Once
	done            chan struct{}
}

// ProxySpec says where the bus is bound. More than one address per side is allowed.
type ProxySpec struct {
	Front, Back []string
	HighWater   int // per subscriber; 0 = 1000
}

// StartProxy binds both sides and starts forwarding.
func (c *Node) StartProxy(spec ProxySpec) (*Proxy, error) {
	if spec.HighWater == 0 {
		spec.HighWater = 1000
	}
	p := &Proxy{stopping: make(chan struct{}), done: make(chan struct{})}
	if err := p.open(c, spec); err != nil {
		for _, s := range []*zmq.Socket{p.front, p.back} {
			if s != nil {
				_ = s.Close()
			}
		}
		return nil, fmt.Errorf("open event bus: %w", err)
	}
	go p.run()
	return p, nil
}

func (p *Proxy) open(c *Node, spec ProxySpec) (err error) {
	if p.front, p.frontFD, err = c.proxySide(zmq.XSUB, spec.Front, spec.HighWater); err != nil {
		return err
	}
	if p.back, p.backFD, err = c.proxySide(zmq.XPUB, spec.Back, spec.HighWater); err != nil {
		return err
	}
	p.bell, err = newBell()
	return err
}

func (c *Node) proxySide(kind zmq.Type, addresses []string, highWater int) (*zmq.Socket, int, error) {
	s, err := c.ctx.NewSocket(kind)
	if err != nil {
		return nil, 0, err
	}
	steps := []func() error{
		func() error { return c.configure(s, true) },
		func() error { return s.SetSndhwm(highWater) },
		func() error { return s.SetRcvhwm(highWater) },
		func() error { return s.SetLinger(time.Second) },
	}
	for _, address := range addresses {
		steps = append(steps, func() error {
			if err := s.Bind(address); err != nil {
				return fmt.Errorf("bind %s: %w", address, err)
			}
			return nil
		})
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return s, 0, err
		}
	}
	fd, err := s.GetFd()
	return s, fd, err
}

func (p *Proxy) run() {
	defer close(p.done)
	defer p.bell.close()
	defer p.front.Close()
	defer p.back.Close()
	for {
		moved := forward(p.front, p.back)
		if forward(p.back, p.front) {
			moved = true
		}
		select {
		case <-p.stopping:
			if !moved {
				return // what was under way has gone through
			}
		default:
		}
		if !moved {
			p.wait()
		}
	}
}

// forward moves up to a burst of messages and tells whether there were any.
func forward(from, to *zmq.Socket) bool {
	for i := range burst {
		frames, err := from.RecvMessageBytes(zmq.DONTWAIT)
		if err != nil {
			return i > 0
		}
		parts := make([]any, len(frames))
		for k, f := range frames {
			parts[k] = f
		}
		// Publishing sockets drop for a peer whose queue is full; they never block.
		_, _ = to.SendMessageDontwait(parts...)
	}
	return true
}

func (p *Proxy) wait() {
	fds := []unix.PollFd{
		{Fd: int32(p.frontFD), Events: unix.POLLIN}, {Fd: int32(p.backFD), Events: unix.POLLIN},
		{Fd: int32(p.bell.r), Events: unix.POLLIN},
	}
	_, _ = unix.Poll(fds, -1)
}

// Close lets what is under way go through and ends the bus. It may be called twice.
func (p *Proxy) Close() {
	p.stopOnce.Do(func() {
		close(p.stopping)
		p.bell.ring()
	})
	<-p.done
}
