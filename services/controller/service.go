package controller

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
)

func init() {
	plugins.Register("service", "aiperf.services.controller:SystemController", bootstrap.Factory(New))
}

// launcherID is the launcher's name on the control socket.
const launcherID = "launcher"

// Controller is the system_controller service.
type Controller struct {
	p        *bootstrap.Process
	registry *registry
	health   *healthBoard
	proxy    *bus.Proxy
	router   *bus.Socket
	calls    *bootstrap.Calls
	joined   *join
	events   *eventLog
	state    string

	cancelled  chan struct{} // closed by the first cancel
	cancelOnce sync.Once
	reason     string // of the cancel
	dataset    *datasetGate
	started    chan struct{} // closed when profile_start goes out

	run  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// New makes the controller and registers its handlers.
func New(p *bootstrap.Process) (bootstrap.Service, error) {
	c := &Controller{
		p: p, registry: newRegistry(p.Run.Mesh.Services, p.ID), health: newHealthBoard(p.Run.Environment),
		joined: newJoin(), events: &eventLog{}, dataset: newDatasetGate(),
		cancelled: make(chan struct{}), started: make(chan struct{}),
	}
	c.run, c.stop = context.WithCancel(context.Background())
	h := p.Handlers
	h.OnCommand(messages.CommandProfileCancel, c.onCancel)
	h.OnCommand(messages.CommandServiceDown, c.onServiceDown)
	h.OnCommand(messages.CommandProfileComplete, c.relay(messages.CommandProfileComplete, "gpu_telemetry_manager", "record_processor"))
	h.OnCommand(messages.CommandFinalizeArtifacts, c.relay(messages.CommandFinalizeArtifacts, "record_processor"))
	h.OnMessage(
		messages.On(c.onWorkerHealth), messages.On(c.onWorkerStartup), messages.On(c.onServiceError),
	)
	return c, nil
}

// Init binds the event bus and the control socket: everybody else connects to them.
func (c *Controller) Init(context.Context) (err error) {
	mesh := c.p.Run.Mesh
	if c.proxy, err = c.p.ZMQ.StartProxy(bus.ProxySpec{Front: []string{mesh.EventBusFrontend}, Back: []string{mesh.EventBusBackend}}); err != nil {
		return err
	}
	c.router, err = c.p.ZMQ.Open(bus.Spec{
		Name: "control", Kind: bus.Router, Bind: true, Address: mesh.Control, Sender: c.p.ID,
		HighWater: 100000, Queue: 4096, Linger: 2 * time.Second,
	})
	if err != nil {
		return err
	}
	c.calls = bootstrap.NewCalls(c.router, c.p.Log, c.p.Handlers.Commands())
	c.wg.Go(func() { bootstrap.Pump(c.run, c.p.Log, c.router, c.onControl) })
	return nil
}

// Start begins the walk through the run's steps.
func (c *Controller) Start(context.Context) error {
	c.wg.Go(c.sequence)
	c.wg.Go(c.summariseWorkers)
	return nil
}

// Stop ends the walk and closes what Init opened.
func (c *Controller) Stop(ctx context.Context) error {
	c.stop()
	if c.calls != nil {
		c.calls.Wait(ctx)
	}
	if c.router != nil {
		c.router.Close()
	}
	c.wg.Wait()
	if c.proxy != nil {
		c.proxy.Close()
	}
	return nil
}

// onControl serves the control socket, in order of arrival.
func (c *Controller) onControl(ctx context.Context, d bus.Delivery) error {
	e := d.Envelope
	switch e.Type {
	case "registration":
		return c.onRegistration(d)
	case "heartbeat":
		var m messages.Heartbeat
		if err := e.Decode(&m); err != nil {
			return err
		}
		return c.noteState(d.From, e.Seq, m.State)
	case "status_update":
		var m messages.StatusUpdate
		if err := e.Decode(&m); err != nil {
			return err
		}
		return c.noteState(d.From, e.Seq, m.State)
	case "command":
		var m messages.Command
		if err := e.Decode(&m); err != nil {
			return err
		}
		if !c.registry.known(d.From) {
			return c.router.Send(ctx, d.From, &messages.ReregisterRequest{})
		}
		c.calls.Execute(ctx, d.From, &m)
		return nil
	case "command_response":
		var m messages.CommandResponse
		if err := e.Decode(&m); err != nil {
			return err
		}
		c.calls.Resolve(&m)
		return nil
	}
	return c.joined.take(e)
}

func (c *Controller) noteState(from string, seq uint64, state string) error {
	if !c.registry.update(from, seq, state) && state != string(bootstrap.Initializing) && state != string(bootstrap.Initialized) && state != string(bootstrap.Starting) {
		return c.router.Send(c.run, from, &messages.ReregisterRequest{})
	}
	return nil
}

// onRegistration admits a service that holds the run's token and speaks our
// protocol, and begins to configure it.
func (c *Controller) onRegistration(d bus.Delivery) error {
	var reg messages.Registration
	if err := d.Envelope.Decode(&reg); err != nil {
		return err
	}
	ack := &messages.RegistrationAck{}
	switch {
	case reg.Token != c.p.Run.Mesh.Token:
		ack.Refused = "the run token is wrong"
	case reg.ProtocolVersion != messages.ProtocolVersion:
		ack.Refused = fmt.Sprintf("protocol version %d, this run speaks %d", reg.ProtocolVersion, messages.ProtocolVersion)
	}
	if err := c.router.SendRequest(c.run, d.From, d.Envelope.RequestID, ack); err != nil {
		return err
	}
	if ack.Refused != "" {
		c.p.Log.Warn("registration refused", "from", d.From, "reason", ack.Refused)
		return nil
	}
	domains := bootstrap.ResultDomains(reg.Capabilities)
	if c.registry.register(d.From, d.Envelope.Seq, &reg, domains) {
		c.p.Log.Debug("registered", "service", d.From)
		if d.From != launcherID {
			c.wg.Go(func() { c.configure(d.From, reg.ServiceType) })
		}
	}
	return nil
}

// onCancel answers at once; the walk does the rest.
func (c *Controller) onCancel(_ context.Context, raw msgpack.RawMessage) (any, error) {
	p, err := bootstrap.Payload[messages.ProfileCancelPayload](raw)
	if err != nil {
		return nil, err
	}
	c.cancelOnce.Do(func() {
		c.reason = p.Reason
		close(c.cancelled)
	})
	return nil, nil
}

// relay passes a command on to the services of the given types and answers when all
// have answered. One that is gone is left out; a failure is an error.
func (c *Controller) relay(name string, types ...string) bootstrap.CommandFunc {
	return func(ctx context.Context, raw msgpack.RawMessage) (any, error) {
		var payload any
		if len(raw) > 0 {
			payload = raw
		}
		return nil, c.callAll(ctx, c.registry.ids(types...), name, payload, 60*time.Second)
	}
}

// onServiceDown accounts for a death: the books of the run, the bus, and everybody
// who has to deal with it.
func (c *Controller) onServiceDown(ctx context.Context, raw msgpack.RawMessage) (any, error) {
	down, err := bootstrap.Payload[messages.ServiceDown](raw)
	if err != nil {
		return nil, err
	}
	c.events.add(down)
	if down.ReplacementID != "" && down.ReplacementID != down.DownServiceID {
		c.registry.expect(down.ReplacementID, down.ServiceType)
	}
	if down.ReplacementID != down.DownServiceID {
		c.registry.gone(down.DownServiceID)
	} else {
		c.registry.restarting(down.DownServiceID)
	}
	c.health.forget(down.DownServiceID)
	c.p.Publish(&down)
	var told []string
	switch down.ServiceType {
	case "worker":
		told = c.registry.ids("timing_manager", "records_manager")
	case "record_processor":
		told = c.registry.ids("worker", "records_manager")
	default:
		told = c.registry.ids("records_manager")
	}
	// Not every one understands it; the answer only says that it arrived.
	if err := c.callAll(ctx, told, messages.CommandServiceDown, down, 5*time.Second); err != nil {
		c.p.Log.Debug("relay service_down", "err", err)
	}
	return nil, nil
}

func (c *Controller) onServiceError(_ context.Context, from messages.Header, m *messages.ServiceError) error {
	c.events.fail(from.ServiceID, m.Error)
	return nil
}

// callAll sends a command to several services at once and joins their failures.
// Services that went away meanwhile are no failure.
func (c *Controller) callAll(ctx context.Context, ids []string, name string, payload any, timeout time.Duration) error {
	var mu sync.Mutex
	var failed []string
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			if _, err := c.calls.Call(ctx, id, name, payload, timeout); err != nil && c.registry.known(id) {
				mu.Lock()
				failed = append(failed, fmt.Sprintf("%s: %v", id, err))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(failed) > 0 {
		return messages.NewError("CommandError", strings.Join(failed, "; "))
	}
	return nil
}
