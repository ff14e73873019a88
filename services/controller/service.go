package controller

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/config"
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
)

func init() {
	plugins.Register("service", "aiperf.services.controller:SystemController", bootstrap.Factory(New))
}

// launcherID is the launcher's name on the control socket.
const launcherID = "launcher"

// outlet is the part of a process that the controller speaks through.
type outlet interface {
	Publish(m messages.Message)
	Shutdown()
}

// Controller is the system_controller service.
type Controller struct {
	doc      *config.Run
	id       string
	log      *bootstrap.Logger
	node     *bus.Node
	out      outlet
	handlers *bootstrap.Handlers
	bounds   bounds
	write    func(context.Context, *config.Run, *exporters.Report) []exporters.Failure
	plugins  *plugins.Registry
	registry *registry
	health   *healthBoard
	proxy    *bus.Proxy
	router   *bus.Socket
	calls    *bootstrap.Calls
	joined   *join
	errors   *errorLog
	dataset  *datasetGate
	state    string
	pulse    atomic.Int64 // monotonic ns of the last sign that the results are on their way

	cancelled  chan struct{} // closed by the first cancel
	cancelOnce sync.Once
	reason     string       // of the cancel
	cancelNS   clock.MonoNS // when it came

	run  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// New makes the controller and registers its handlers.
func New(p *bootstrap.Process) (bootstrap.Service, error) {
	known, _, err := plugins.Load(p.Run.PluginManifests)
	if err != nil {
		return nil, err
	}
	return newController(p, known, p), nil
}

func newController(p *bootstrap.Process, known *plugins.Registry, out outlet) *Controller {
	c := &Controller{
		doc: p.Run, id: p.ID, log: p.Log, node: p.ZMQ, out: out, handlers: p.Handlers, plugins: known, bounds: usual, write: exporters.Export,
		registry: newRegistry(p.Run.Mesh.Services, p.ID), health: newHealthBoard(p.Run.Environment),
		joined: newJoin(), errors: &errorLog{}, dataset: newDatasetGate(), cancelled: make(chan struct{}),
	}
	c.run, c.stop = context.WithCancel(context.Background())
	h := p.Handlers
	h.OnCommand(messages.CommandProfileCancel, c.onCancel)
	h.OnCommand(messages.CommandServiceDown, c.onServiceDown)
	h.OnCommand(messages.CommandProfileComplete, c.relay(messages.CommandProfileComplete, "gpu_telemetry_manager", "record_processor"))
	h.OnCommand(messages.CommandFinalizeArtifacts, c.relay(messages.CommandFinalizeArtifacts, "record_processor"))
	h.OnCommand(messages.CommandRealtimeMetrics, c.relay(messages.CommandRealtimeMetrics, "records_manager"))
	h.OnMessage(
		messages.On(c.onWorkerHealth), messages.On(c.onWorkerStartup), messages.On(c.onServiceError), messages.On(c.onProgress),
	)
	return c
}

// Init binds the event bus and the control socket: everybody else connects to them.
// The marker of an earlier run in the same directory goes: its files are about to be
// replaced.
func (c *Controller) Init(context.Context) (err error) {
	if err := exporters.RemoveResultsMarker(c.doc.ArtifactDir); err != nil {
		return err
	}
	mesh := c.doc.Mesh
	if c.proxy, err = c.node.StartProxy(bus.ProxySpec{Front: []string{mesh.EventBusFrontend}, Back: []string{mesh.EventBusBackend}}); err != nil {
		return err
	}
	c.router, err = c.node.Open(bus.Spec{
		Name: "control", Kind: bus.Router, Bind: true, Address: mesh.Control, Sender: c.id,
		HighWater: 100000, Queue: 4096, Linger: 2 * time.Second,
	})
	if err != nil {
		return err
	}
	c.calls = bootstrap.NewCalls(c.router, c.log, c.handlers.Commands())
	c.wg.Go(func() { bootstrap.Pump(c.run, c.log, c.router, c.onControl) })
	return nil
}

// Start begins the walk through the run's steps.
func (c *Controller) Start(context.Context) error {
	c.wg.Go(c.sequence)
	c.wg.Go(c.summariseWorkers)
	c.wg.Go(c.watchHeartbeats)
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
	case "command_response":
		var m messages.CommandResponse
		if err := e.Decode(&m); err != nil {
			return err
		}
		c.calls.Resolve(&m)
		return nil
	}
	// Everything else changes the run: only those may who have shown its token.
	if !c.registry.known(d.From) {
		return c.router.Send(ctx, d.From, &messages.ReregisterRequest{})
	}
	if e.Type == "command" {
		var m messages.Command
		if err := e.Decode(&m); err != nil {
			return err
		}
		c.calls.Execute(ctx, d.From, &m)
		return nil
	}
	c.beat()
	return c.joined.take(e)
}

// noteState follows a service's lifecycle. One that is past its start and yet unknown
// is asked to register again; one on its way out has nothing to register for.
func (c *Controller) noteState(from string, seq uint64, state string) error {
	if !c.registry.update(from, seq, state) && bootstrap.State(state) == bootstrap.Running {
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
	case reg.Token != c.doc.Mesh.Token:
		ack.Refused = "the run token is wrong"
	case reg.ProtocolVersion != messages.ProtocolVersion:
		ack.Refused = fmt.Sprintf("protocol version %d, this run speaks %d", reg.ProtocolVersion, messages.ProtocolVersion)
	}
	if err := c.router.SendRequest(c.run, d.From, d.Envelope.RequestID, ack); err != nil {
		return err
	}
	if ack.Refused != "" {
		c.log.Warn("registration refused", "from", d.From, "reason", ack.Refused)
		return nil
	}
	if c.registry.register(d.From, d.Envelope.Seq, &reg, bootstrap.ResultDomains(reg.Capabilities)) {
		there, expected := c.registry.count()
		c.log.Info(fmt.Sprintf("registered %d/%d: %s %s", there, expected, reg.ServiceType, d.From))
		c.wg.Go(func() { c.configure(d.From, reg.ServiceType) })
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
		c.reason, c.cancelNS = p.Reason, clock.Now()
		close(c.cancelled)
	})
	return nil, nil
}

// relay passes a command on to the services of the given types and answers when all
// have answered. One that is gone is left out; a failure is an error.
func (c *Controller) relay(name string, types ...string) bootstrap.CommandFunc {
	return func(ctx context.Context, raw msgpack.RawMessage) (any, error) {
		c.beat()
		defer c.beat()
		var payload any
		if len(raw) > 0 {
			payload = raw
		}
		return nil, c.callAll(ctx, c.registry.ids(types...), name, payload, c.bounds.relay)
	}
}

// onProgress takes the records manager's counts for a sign of life.
func (c *Controller) onProgress(context.Context, messages.Header, *messages.ProcessingStats) error {
	c.beat()
	return nil
}

func (c *Controller) beat() { c.pulse.Store(int64(clock.Now())) }
