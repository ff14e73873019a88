package bootstrap

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/messages"
)

// Sender is one end of the control plane: a service's dealer ("" is the
// controller) or the controller's router.
type Sender interface {
	Send(ctx context.Context, to string, m messages.Message) error
}

// Calls pairs commands with their answers, both ways, over one control socket.
type Calls struct {
	socket   Sender
	log      *Logger
	handlers map[string]CommandFunc

	mu       sync.Mutex
	pending  map[string]chan *messages.CommandResponse
	outcomes map[string]*messages.CommandResponse // of commands carried out; nil while under way
	closed   bool                                 // nothing is carried out any more
	running  sync.WaitGroup
}

// NewCalls makes the pairing for a socket; handlers carry out what peers ask for.
func NewCalls(socket Sender, log *Logger, handlers map[string]CommandFunc) *Calls {
	return &Calls{
		socket: socket, log: log, handlers: handlers,
		pending: map[string]chan *messages.CommandResponse{}, outcomes: map[string]*messages.CommandResponse{},
	}
}

// Call sends a command and waits for its answer, at most for timeout.
func (c *Calls) Call(ctx context.Context, to, name string, payload any, timeout time.Duration) (*messages.CommandResponse, error) {
	cmd := &messages.Command{CommandID: uuid.NewString(), Command: name}
	if payload != nil {
		raw, err := msgpack.Marshal(payload)
		if err != nil {
			return nil, fmt.Errorf("encode payload of %s: %w", name, err)
		}
		cmd.Payload = raw
	}
	answer := make(chan *messages.CommandResponse, 1)
	c.mu.Lock()
	c.pending[cmd.CommandID] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.pending, cmd.CommandID)
		c.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := c.socket.Send(ctx, to, cmd); err != nil {
		return nil, fmt.Errorf("send command %s: %w", name, err)
	}
	select {
	case r := <-answer:
		if r.Status == messages.StatusFailure {
			if r.Error == nil {
				r.Error = messages.NewError("CommandError", "no reason given")
			}
			return r, fmt.Errorf("command %s: %w", name, r.Error)
		}
		return r, nil
	case <-ctx.Done():
		if context.Cause(ctx) == context.DeadlineExceeded {
			return nil, messages.NewError("TimeoutError", fmt.Sprintf("Command %s timed out for %s", name, peerName(to)))
		}
		return nil, context.Cause(ctx)
	}
}

func peerName(to string) string {
	if to == "" {
		return "system_controller"
	}
	return to
}

// Resolve hands an answer to whoever waits for it; an answer nobody waits for any
// more is dropped.
func (c *Calls) Resolve(r *messages.CommandResponse) {
	c.mu.Lock()
	answer := c.pending[r.CommandID]
	c.mu.Unlock()
	if answer == nil {
		c.log.Debug("answer without a waiter", "command", r.Command, "status", r.Status)
		return
	}
	select {
	case answer <- r:
	default: // answered already
	}
}

// Execute carries out a command on a goroutine of its own and answers it. A
// repeated command id is not carried out again and gets the stored outcome. Once Wait
// has begun, commands are passed over.
func (c *Calls) Execute(ctx context.Context, from string, cmd *messages.Command) {
	outcome, known := c.begin(ctx, from, cmd)
	switch {
	case !known:
		c.log.Debug("command after the end", "command", cmd.Command)
	case outcome != nil:
		c.reply(ctx, from, outcome)
	}
}

// begin starts a command that is new. It tells whether the command is known by then,
// and its outcome when there is one already.
func (c *Calls) begin(ctx context.Context, from string, cmd *messages.Command) (outcome *messages.CommandResponse, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if outcome, known = c.outcomes[cmd.CommandID]; known || c.closed {
		return outcome, known
	}
	c.outcomes[cmd.CommandID] = nil
	c.running.Go(func() {
		r := c.perform(ctx, cmd)
		c.mu.Lock()
		c.outcomes[cmd.CommandID] = r
		c.mu.Unlock()
		c.reply(ctx, from, r)
	})
	return nil, true
}

func (c *Calls) perform(ctx context.Context, cmd *messages.Command) (r *messages.CommandResponse) {
	r = &messages.CommandResponse{CommandID: cmd.CommandID, Command: cmd.Command}
	fn := c.handlers[cmd.Command]
	if fn == nil {
		r.Status = messages.StatusUnhandled
		return r
	}
	value, err := fn(ctx, cmd.Payload)
	if err == nil && value != nil {
		r.Payload, err = msgpack.Marshal(value)
	}
	switch {
	case err != nil:
		r.Status, r.Error = messages.StatusFailure, messages.AsErrorDetails("CommandError", err)
		c.log.Error("command failed", "command", cmd.Command, "err", err)
	case value == nil:
		r.Status = messages.StatusAcknowledged
	default:
		r.Status = messages.StatusSuccess
	}
	return r
}

func (c *Calls) reply(ctx context.Context, to string, r *messages.CommandResponse) {
	// An answer must leave even when the command's context has ended.
	if err := c.socket.Send(context.WithoutCancel(ctx), to, r); err != nil {
		c.log.Debug("answer command", "command", r.Command, "err", err)
	}
}

// Wait lets no further command begin and returns when none is being carried out, or
// when ctx ends.
func (c *Calls) Wait(ctx context.Context) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		c.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
