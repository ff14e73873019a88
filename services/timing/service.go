package timing

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
)

func init() {
	plugins.Register("service", "aiperf.services.timing:TimingManager", bootstrap.Factory(New))
}

// Queue sizes of the data sockets, in messages. Full queues on the credit channels
// and towards the records manager make the sender wait.
const (
	creditHighWater  = 100000
	creditQueue      = 4096
	recordsHighWater = 256
	recordsQueue     = 4096
)

// outlet is the part of a process that the service speaks through.
type outlet interface {
	Publish(m messages.Message)
	SendControl(ctx context.Context, m messages.Message) error
}

// TimingManager is the timing_manager service: it wires the engine's loop to the
// credit sockets and to the controller's commands.
type TimingManager struct {
	run   *config.Run
	id    string
	log   *bootstrap.Logger
	node  *bus.Node
	out   outlet
	loop  *loop
	store *dataset.Store // of the loop, once configured
	alarm *clock.Alarm   // nil with plain timers

	router  *bus.Socket // credits down, readiness up
	returns *bus.Socket // returns up, and leaving behind them
	records *bus.Socket // borders and records of lost credits

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// New makes the service and registers its handlers.
func New(p *bootstrap.Process) (bootstrap.Service, error) {
	t := newManager(p.Run, p.ID, p.Log, p.ZMQ, p)
	h := p.Handlers
	h.OnCommand(messages.CommandProfileConfigure, t.onConfigure)
	h.OnCommand(messages.CommandProfileStart, t.onStart)
	h.OnCommand(messages.CommandProfileCancel, t.onCancel)
	h.OnCommand(messages.CommandServiceDown, t.onServiceDown)
	h.OnMessage(messages.On(t.onBaseline))
	return t, nil
}

func newManager(run *config.Run, id string, log *bootstrap.Logger, node *bus.Node, out outlet) *TimingManager {
	t := &TimingManager{run: run, id: id, log: log, node: node, out: out}
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// Init opens the data sockets and starts the loop: workers may speak as soon as
// they are up.
func (t *TimingManager) Init(context.Context) error {
	pacer, err := t.pacer()
	if err != nil {
		return err
	}
	if err := t.open(); err != nil {
		return err
	}
	var workers []string
	collectors := map[string]struct{}{}
	for _, s := range t.run.Mesh.Services {
		switch s.Type {
		case "worker":
			workers = append(workers, s.ID)
		case "gpu_telemetry_manager":
			collectors[s.ID] = struct{}{}
		}
	}
	e := newEngine(settingsOf(&t.run.Environment), t, t.log.Logger, clock.WallOf, uuid.NewString, workers)
	e.collectors = collectors
	t.loop = newLoop(e, clock.Now, pacer)
	t.wg.Go(func() { t.loop.run(t.ctx) })
	t.wg.Go(func() { bootstrap.Pump(t.ctx, t.log, t.router, t.onRouter) })
	t.wg.Go(func() { bootstrap.Pump(t.ctx, t.log, t.returns, t.onReturns) })
	return nil
}

// pacer chooses what waits for instants.
func (t *TimingManager) pacer() (waiter, error) {
	if !t.run.Environment.Timing.HighResTimer {
		t.log.Info("Pacer: plain timers, precise to about a millisecond (AIPERF_TIMING_HIGH_RES_TIMER is off)")
		return clock.Timers{}, nil
	}
	alarm, err := clock.NewAlarm()
	if err != nil {
		return nil, fmt.Errorf("open the precise timer: %w", err)
	}
	t.alarm = alarm
	t.log.Info("Pacer: absolute deadlines of the monotonic clock, on a thread of its own")
	return alarm, nil
}

func (t *TimingManager) open() (err error) {
	mesh := t.run.Mesh
	linger := 2 * time.Second
	if t.router, err = t.node.Open(bus.Spec{
		Name: "credit_router", Kind: bus.Router, Bind: true, Address: mesh.CreditRouter, Sender: t.id,
		HighWater: creditHighWater, Queue: creditQueue, Linger: linger,
	}); err != nil {
		return err
	}
	if t.returns, err = t.node.Open(bus.Spec{
		Name: "credit_return", Kind: bus.Pull, Bind: true, Address: mesh.CreditReturn,
		HighWater: creditHighWater, Queue: creditQueue,
	}); err != nil {
		return err
	}
	t.records, err = t.node.Open(bus.Spec{
		Name: "records", Kind: bus.Push, Address: mesh.Records, Sender: t.id,
		HighWater: recordsHighWater, Queue: recordsQueue, Linger: linger,
	})
	return err
}

func settingsOf(env *config.Environment) settings {
	return settings{
		lead:           seconds(env.Timing.DispatchLeadMS / 1000),
		catchUp:        seconds(env.Timing.MaxCatchupSec),
		drainTimeout:   seconds(env.Timing.CancelDrainTimeoutSec),
		startTimeout:   seconds(env.Service.StartTimeoutSec),
		progressEvery:  seconds(env.Service.CreditProgressIntervalSec),
		warmupLogEvery: seconds(env.Service.WarmupProgressIntervalSec),
		failFast:       env.Timing.DAGFailFast,
		minAlive:       env.Worker.MinAliveFraction,
		staleTime:      seconds(env.Worker.StaleTimeSec),
	}
}

// Start has nothing to do: the load begins with profile_start.
func (t *TimingManager) Start(context.Context) error { return nil }

// Stop ends the loop, lets what is queued go out, and closes everything. It may be
// called before Start and twice.
func (t *TimingManager) Stop(context.Context) error {
	t.stop()
	for _, s := range []*bus.Socket{t.router, t.returns, t.records} {
		if s != nil {
			s.Close()
		}
	}
	t.wg.Wait()
	if t.alarm != nil {
		t.alarm.Close()
	}
	if t.store != nil {
		t.store.Close()
		t.store = nil
	}
	return nil
}

// onBaseline serves the collectors' answers.
func (t *TimingManager) onBaseline(ctx context.Context, from messages.Header, m *messages.PhaseBaselineAck) error {
	return t.loop.post(ctx, func(e *engine, _ clock.MonoNS) { e.baselineTaken(from.ServiceID, m) })
}

var errUnknown = errors.New("no such message on this channel")

// onRouter serves what workers say on the dispatch channel.
func (t *TimingManager) onRouter(ctx context.Context, d bus.Delivery) error {
	if d.Envelope.Type != "worker_dispatchable" {
		return errUnknown
	}
	id := d.From
	return t.loop.post(ctx, func(e *engine, now clock.MonoNS) { e.workerReady(now, id) })
}

// onReturns serves the return channel, in order: what a worker says when it leaves
// comes behind its returns.
func (t *TimingManager) onReturns(ctx context.Context, d bus.Delivery) error {
	id := d.Envelope.ServiceID
	switch d.Envelope.Type {
	case "credit_returns":
		var m messages.CreditReturns
		if err := d.Envelope.Decode(&m); err != nil {
			return err
		}
		return t.loop.post(ctx, func(e *engine, now clock.MonoNS) { e.takeReturns(now, id, m.Returns) })
	case "worker_connected":
		return nil // the way back is proven by its arrival
	case "worker_undispatchable":
		var m messages.WorkerUndispatchable
		if err := d.Envelope.Decode(&m); err != nil {
			return err
		}
		return t.loop.post(ctx, func(e *engine, now clock.MonoNS) { e.workerPaused(now, id, m.Reason) })
	case "worker_shutdown":
		return t.loop.post(ctx, func(e *engine, now clock.MonoNS) { e.workerLeft(now, id) })
	}
	return errUnknown
}
