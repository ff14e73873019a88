package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/messages/bus"
)

// controlLinger is how long an answer or result may take to leave at the end.
const controlLinger = 250 * time.Millisecond

// connect opens the bus and the control socket. Subscriptions follow from the
// registered handlers; the probe's own topic comes last, so that an echoed probe
// proves all of them.
func (c *child) connect() (err error) {
	zctx, mesh := c.proc.ZMQ, c.run.Mesh
	c.events, err = zctx.Open(bus.Spec{
		Name: "events", Kind: bus.Pub, Address: mesh.EventBusFrontend, Sender: c.opts.ID,
		HighWater: 1000, Queue: 1024, Linger: controlLinger,
	})
	if err != nil {
		return err
	}
	c.proc.events = c.events
	var topics []string
	for typ := range c.proc.Handlers.bus {
		topics = append(topics, messages.Topic(typ, ""), messages.Topic(typ, c.opts.ID), messages.Topic(typ, c.opts.Type))
	}
	topics = append(topics, messages.Topic((&messages.ConnectionProbe{}).MessageType(), c.opts.ID))
	c.sub, err = zctx.Open(bus.Spec{
		Name: "subscriptions", Kind: bus.Sub, Address: mesh.EventBusBackend, Sender: c.opts.ID,
		HighWater: 1000, Queue: 1024, Subscriptions: topics,
	})
	if err != nil {
		return err
	}
	c.loops.Go(c.dispatchEvents) // ends when stop closes the socket
	if c.opts.Type == ControllerType {
		return nil // it answers itself
	}
	c.control, err = zctx.Open(bus.Spec{
		Name: "control", Kind: bus.Dealer, Address: mesh.Control, Identity: c.opts.ID, Sender: c.opts.ID,
		HighWater: 100000, Queue: 1024, Linger: controlLinger,
	})
	if err != nil {
		return err
	}
	c.proc.control = c.control
	c.calls = NewCalls(c.control, c.log, c.commands())
	c.proc.calls = c.calls
	c.loops.Go(c.dispatchControl)
	return nil
}

// commands are the service's own plus shutdown, which is acknowledged before the
// service stops.
func (c *child) commands() map[string]CommandFunc {
	all := map[string]CommandFunc{
		messages.CommandShutdown: func(context.Context, rawPayload) (any, error) {
			// The answer is written by the caller of this function; stopping begins when
			// it has had its moment, and waits for it anyway.
			time.AfterFunc(time.Millisecond, func() { c.cancel(errShutdown) })
			return nil, nil
		},
	}
	for name, fn := range c.proc.Handlers.commands {
		all[name] = fn
	}
	return all
}

func (c *child) dispatchEvents() {
	probe := (&messages.ConnectionProbe{}).MessageType()
	unknown := map[string]bool{}
	for d := range c.sub.Receive() {
		e := d.Envelope
		if e.Type == probe {
			select {
			case <-c.probed:
			default:
				close(c.probed)
			}
			continue
		}
		handlers := c.proc.Handlers.bus[e.Type]
		if len(handlers) == 0 && !unknown[e.Type] {
			unknown[e.Type] = true
			c.log.Debug("message type without a handler", "type", e.Type)
		}
		for _, h := range handlers {
			if err := h.Handle(c.ctx, e); err != nil {
				c.log.Warn("handle message", "type", e.Type, "from", e.ServiceID, "err", err)
			}
		}
	}
}

func (c *child) dispatchControl() {
	for d := range c.control.Receive() {
		c.onControl(d.Envelope)
	}
}

func (c *child) onControl(e messages.Envelope) {
	switch e.Type {
	case "registration_ack":
		select {
		case c.acks <- e:
		default: // only the latest matters, and it will be asked for again
		}
	case "reregister_request":
		c.loops.Go(func() {
			if err := c.register(c.ctx); err != nil && c.ctx.Err() == nil {
				c.cancel(err)
			}
		})
	case "command":
		var cmd messages.Command
		if err := e.Decode(&cmd); err != nil {
			c.log.Warn("malformed command", "err", err)
			return
		}
		c.calls.Execute(c.ctx, "", &cmd)
	case "command_response":
		var r messages.CommandResponse
		if err := e.Decode(&r); err != nil {
			c.log.Warn("malformed command answer", "err", err)
			return
		}
		c.calls.Resolve(&r)
	default:
		c.log.Debug("unknown message on the control socket", "type", e.Type)
	}
}

// probe proves the way through the bus: publisher, proxy, subscriber.
func (c *child) probe(ctx context.Context) error {
	s := c.run.Environment.Service
	ctx, cancel := context.WithTimeout(ctx, Seconds(s.ConnectionProbeTimeoutSec))
	defer cancel()
	wait, longest := 2*time.Millisecond, Seconds(s.ConnectionProbeIntervalSec)
	started := clock.Now()
	// While everybody starts, a lost probe must not cost more than a moment.
	const eager, eagerWait = time.Second, 10 * time.Millisecond
	for {
		if err := c.events.Send(ctx, c.opts.ID, &messages.ConnectionProbe{TargetServiceID: c.opts.ID}); err != nil {
			return fmt.Errorf("probe the event bus: %w", err)
		}
		select {
		case <-c.probed:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("probe the event bus: no echo within %s: %w", clock.Now().Sub(started), context.Cause(ctx))
		case <-time.After(wait):
		}
		wait = min(2*wait, longest)
		if clock.Now().Sub(started) < eager {
			wait = min(wait, eagerWait)
		}
	}
}

// register repeats the registration until the answer to its latest attempt comes.
func (c *child) register(ctx context.Context) error {
	s := c.run.Environment.Service
	ctx, cancel := context.WithTimeout(ctx, Seconds(s.RegistrationTimeoutSec))
	defer cancel()
	wait, longest := 20*time.Millisecond, Seconds(s.RegistrationIntervalSec)
	for {
		id := uuid.NewString()
		reg := &messages.Registration{
			ServiceType: c.opts.Type, State: string(c.life.State()), ProtocolVersion: messages.ProtocolVersion,
			Capabilities: c.proc.Handlers.capabilities, Token: c.run.Mesh.Token, PID: os.Getpid(),
		}
		if err := c.control.SendRequest(ctx, "", id, reg); err != nil {
			return fmt.Errorf("register: %w", err)
		}
		timer := time.NewTimer(wait)
		for waiting := true; waiting; {
			select {
			case e := <-c.acks:
				if e.RequestID != id {
					continue // the answer to an earlier attempt
				}
				timer.Stop()
				var ack messages.RegistrationAck
				if err := e.Decode(&ack); err != nil {
					return fmt.Errorf("register: %w", err)
				}
				if ack.Refused != "" {
					return fmt.Errorf("register: refused: %s", ack.Refused)
				}
				return nil
			case <-timer.C:
				waiting = false
			case <-ctx.Done():
				timer.Stop()
				if errors.Is(context.Cause(c.ctx), errShutdown) {
					return errShutdown
				}
				return fmt.Errorf("register: no answer from the controller: %w", context.Cause(ctx))
			}
		}
		wait = min(2*wait, longest)
	}
}

// beat sends heartbeats until the service ends.
func (c *child) beat() {
	t := time.NewTicker(Seconds(c.run.Environment.Service.HeartbeatIntervalSec))
	defer t.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-t.C:
			h := &messages.Heartbeat{ServiceType: c.opts.Type, State: string(c.life.State()), RequestNS: clock.Wall()}
			if c.control != nil {
				_, _ = c.control.TrySend("", h)
			}
			c.proc.Publish(h)
		}
	}
}
