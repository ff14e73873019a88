package bootstrap

import (
	"context"
	"fmt"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/messages/bus"
)

// Service is one kind of process. Its life is Init, Start, Stop, each called at
// most once and in that order; Stop may come without Start.
//
// Init opens the service's data sockets and starts what must run before the first
// command; its context bounds the step only. Start is called after registration.
// Stop ends every goroutine of the service; it is best effort and joins its errors.
type Service interface {
	Init(ctx context.Context) error
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// Factory makes a service and registers its handlers on p.Handlers. It has no
// other effect. Services register it with the plugin registry, category "service".
type Factory = func(p *Process) (Service, error)

// Process is what a service gets to work with.
type Process struct {
	Type, ID string
	Run      *config.Run
	Log      *Logger
	Handlers *Handlers
	ZMQ      *bus.Node // to open data sockets in Init; the service closes them in Stop

	events  *bus.Socket // publisher
	control *bus.Socket // dealer to the controller; nil in the controller itself
	calls   *Calls
	fail    func(error)
}

// Publish puts m on the event bus: lossy, for watchers and state.
func (p *Process) Publish(m messages.Message) {
	if err := p.events.Send(context.Background(), "", m); err != nil {
		p.Log.Debug("publish", "type", m.MessageType(), "err", err)
	}
}

// SendControl sends m to the controller over the control socket: what the end of
// the run waits for travels here.
func (p *Process) SendControl(ctx context.Context, m messages.Message) error {
	if err := p.control.Send(ctx, "", m); err != nil {
		return fmt.Errorf("send %s to the controller: %w", m.MessageType(), err)
	}
	return nil
}

// Command asks the controller to carry out (or relay) a command and waits for the
// answer, at most for timeout.
func (p *Process) Command(ctx context.Context, name string, payload any, timeout time.Duration) (*messages.CommandResponse, error) {
	return p.calls.Call(ctx, "", name, payload, timeout)
}

// Shutdown ends the process in an orderly way. It may be called from any goroutine.
func (p *Process) Shutdown() { p.fail(errShutdown) }

// Fail ends the process's work with an error: it is reported to launcher and
// controller, and the service is stopped. It may be called from any goroutine.
func (p *Process) Fail(operation string, err error) {
	p.fail(&OperationError{Operation: operation, ServiceID: p.ID, Err: err})
}

// OperationError is an error with the step it happened in.
type OperationError struct {
	Operation string
	ServiceID string
	Err       error
}

func (e *OperationError) Error() string { return fmt.Sprintf("%s: %v", e.Operation, e.Err) }
func (e *OperationError) Unwrap() error { return e.Err }

// CommandFunc carries out a command. A nil result is answered "acknowledged", a
// value "success" with it as payload, an error "failure".
type CommandFunc func(ctx context.Context, payload msgpack.RawMessage) (any, error)

type rawPayload = msgpack.RawMessage

// Handlers is what a service understands. It is filled by the factory; bus
// subscriptions are made from it during initialisation.
type Handlers struct {
	bus          map[string][]messages.Handler
	commands     map[string]CommandFunc
	capabilities []string
}

// NewHandlers makes an empty set.
func NewHandlers() *Handlers {
	return &Handlers{bus: map[string][]messages.Handler{}, commands: map[string]CommandFunc{}}
}

// OnMessage subscribes to an event-bus message; several handlers of one type are
// all called, in order of registration.
func (h *Handlers) OnMessage(hs ...messages.Handler) {
	for _, m := range hs {
		h.bus[m.Type] = append(h.bus[m.Type], m)
	}
}

// OnCommand answers a command. A second handler for one command is a programmer's
// mistake and panics when the service is made.
func (h *Handlers) OnCommand(name string, fn CommandFunc) {
	if _, taken := h.commands[name]; taken {
		panic(fmt.Sprintf("command %s has two handlers", name))
	}
	h.commands[name] = fn
}

// Commands are the registered command handlers; the controller serves its own socket.
func (h *Handlers) Commands() map[string]CommandFunc { return h.commands }

// Capability advertises an ability at registration, such as result_producer:profile.
func (h *Handlers) Capability(name string) { h.capabilities = append(h.capabilities, name) }

// Payload decodes a command's payload into a value of type T.
func Payload[T any](raw msgpack.RawMessage) (T, error) {
	var v T
	if len(raw) == 0 {
		return v, nil
	}
	if err := msgpack.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("decode command payload: %w", err)
	}
	return v, nil
}

// Pump hands what arrives on a data socket to typed handlers, in order, on a
// goroutine that it returns from when the socket is closed. Types without a handler
// are counted and dropped. The caller owns the goroutine: wg.Go(func(){ Pump(...) }).
func Pump(ctx context.Context, log *Logger, s *bus.Socket, handle func(ctx context.Context, d bus.Delivery) error) {
	for d := range s.Receive() {
		if err := handle(ctx, d); err != nil {
			log.Warn("handle message", "type", d.Envelope.Type, "from", d.Envelope.ServiceID, "err", err)
		}
	}
}
