package bus

import (
	"fmt"
	"time"

	zmq "github.com/pebbe/zmq4"
)

// Keys is the CURVE key pair of the mesh in Z85 text. Every process of a run uses
// the same pair: a peer must know the public key to connect at all, so on an
// address that others can reach the key files are what protects the run.
type Keys struct{ Public, Secret string }

// NewKeys makes a key pair.
func NewKeys() (Keys, error) {
	public, secret, err := zmq.NewCurveKeypair()
	if err != nil {
		return Keys{}, fmt.Errorf("make CURVE keys: %w", err)
	}
	return Keys{Public: public, Secret: secret}, nil
}

// Options apply to every socket of a context.
type Options struct {
	Keys                *Keys // nil: plain sockets
	ReconnectIvl        time.Duration
	ReconnectIvlMax     time.Duration
	TCPKeepaliveIdleSec int
	TCPKeepaliveIvlSec  int
}

// Node is a process's place in the mesh: it owns the input/output thread of ZeroMQ and opens sockets.
type Node struct {
	ctx  *zmq.Context
	opts Options
}

// NewNode makes one. Close it after the last socket.
func NewNode(opts Options) (*Node, error) {
	ctx, err := zmq.NewContext()
	if err != nil {
		return nil, fmt.Errorf("open ZeroMQ context: %w", err)
	}
	if err := ctx.SetMaxSockets(4096); err != nil {
		return nil, fmt.Errorf("open ZeroMQ context: %w", err)
	}
	return &Node{ctx: ctx, opts: opts}, nil
}

// Close ends the node. It waits for the linger of sockets closed before.
func (c *Node) Close() error { return c.ctx.Term() }

// maxMessageBytes bounds what a peer may make this process allocate.
const maxMessageBytes = 256 << 20

// configure sets the options that all sockets share.
func (c *Node) configure(s *zmq.Socket, bind bool) error {
	steps := []func() error{
		func() error { return s.SetReconnectIvl(c.opts.ReconnectIvl) },
		func() error { return s.SetReconnectIvlMax(c.opts.ReconnectIvlMax) },
		func() error { return s.SetTcpKeepalive(1) },
		func() error { return s.SetTcpKeepaliveCnt(3) },
		func() error { return s.SetTcpKeepaliveIdle(c.opts.TCPKeepaliveIdleSec) },
		func() error { return s.SetTcpKeepaliveIntvl(c.opts.TCPKeepaliveIvlSec) },
		func() error { return s.SetMaxmsgsize(maxMessageBytes) },
		func() error { return s.SetIpv6(true) },
	}
	if k := c.opts.Keys; k != nil {
		if bind {
			steps = append(steps,
				func() error { return s.SetCurveServer(1) },
				func() error { return s.SetCurveSecretkey(k.Secret) })
		} else {
			steps = append(steps,
				func() error { return s.SetCurveServerkey(k.Public) },
				func() error { return s.SetCurvePublickey(k.Public) },
				func() error { return s.SetCurveSecretkey(k.Secret) })
		}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
