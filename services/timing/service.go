package timing

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
	"aiperf/plugins/samplers"
	"aiperf/plugins/urlselection"
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
	for _, s := range t.run.Mesh.Services {
		if s.Type == "worker" {
			workers = append(workers, s.ID)
		}
	}
	e := newEngine(settingsOf(&t.run.Environment), t, t.log.Logger, clock.WallOf, uuid.NewString, workers)
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
		return plainTimers{}, nil
	}
	alarm, err := clock.NewAlarm()
	if err != nil {
		return nil, fmt.Errorf("open the precise timer: %w", err)
	}
	t.alarm = alarm
	t.log.Debug("pacer: absolute deadlines of the monotonic clock on a thread of its own")
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

// onConfigure opens the dataset and makes the plans. The announcement comes with the
// command; the files lie where the run document says.
func (t *TimingManager) onConfigure(ctx context.Context, _ msgpack.RawMessage) (any, error) {
	registry, _, err := plugins.Load(t.run.PluginManifests)
	if err != nil {
		return nil, err
	}
	store, err := dataset.Open(t.run.DatasetDir)
	if err != nil {
		return nil, err
	}
	l, err := newLoad(t.run, registry, store, store.Format() == dataset.FormatPayloadBytes)
	if err != nil {
		store.Close()
		return nil, err
	}
	return nil, t.loop.ask(ctx, func(e *engine, _ clock.MonoNS) error {
		if t.store != nil {
			store.Close()
			return fmt.Errorf("configure timing: already configured")
		}
		t.store = store
		return e.configure(l)
	})
}

// newLoad makes what a run consists of: its phases, and the choice of conversations
// and URLs.
func newLoad(run *config.Run, registry *plugins.Registry, c conversations, migratable bool) (load, error) {
	seed := run.ProcessSeed
	if run.RandomSeed != nil {
		seed = *run.RandomSeed
	}
	l := load{conversations: c, migratable: migratable}
	var err error
	if l.plans, err = newPlans(run, registry, dataset.NewSeeds(seed)); err != nil {
		return l, err
	}
	if l.sampler, err = newSampler(&run.Benchmark.Dataset, registry, seed, c.Len()); err != nil {
		return l, err
	}
	if len(run.Benchmark.Endpoint.URLs) < 2 {
		return l, nil
	}
	newSelector, err := plugins.Constructor[urlselection.Constructor](registry, "url_selection_strategy", run.Benchmark.Endpoint.URLStrategy)
	if err != nil {
		return l, err
	}
	l.urls, err = newSelector(len(run.Benchmark.Endpoint.URLs))
	return l, err
}

// newSampler makes the choice of conversations; a seed of the dataset's own wins.
func newSampler(d *config.Dataset, registry *plugins.Registry, seed uint64, n int) (samplers.Sampler, error) {
	newSampler, err := plugins.Constructor[samplers.Constructor](registry, "dataset_sampler", d.Sampling)
	if err != nil {
		return nil, err
	}
	if d.RandomSeed != nil {
		seed = *d.RandomSeed
	}
	return newSampler(samplers.Config{Conversations: n, Rand: dataset.NewSeeds(seed).Stream("dataset.sampler." + d.Sampling)})
}

func (t *TimingManager) onStart(ctx context.Context, _ msgpack.RawMessage) (any, error) {
	return nil, t.loop.ask(ctx, func(e *engine, _ clock.MonoNS) error { return e.start() })
}

// onCancel answers when everything in flight has come back, or its bound is over, so
// that nothing is summarised before.
func (t *TimingManager) onCancel(ctx context.Context, _ msgpack.RawMessage) (any, error) {
	running := false
	err := t.loop.ask(ctx, func(e *engine, now clock.MonoNS) error {
		running = e.running
		e.cancel(now)
		return nil
	})
	if err != nil || !running {
		return nil, err
	}
	limit := time.NewTimer(seconds(t.run.Environment.Timing.CancelDrainTimeoutSec) + time.Second)
	defer limit.Stop()
	select {
	case <-t.loop.finished:
		return nil, nil
	case <-limit.C:
		return nil, messages.NewError("TimeoutError", "the credits in flight did not drain in time")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// onServiceDown accounts for a worker whose process has ended.
func (t *TimingManager) onServiceDown(ctx context.Context, raw msgpack.RawMessage) (any, error) {
	down, err := bootstrap.Payload[messages.ServiceDown](raw)
	if err != nil {
		return nil, err
	}
	if down.ServiceType != "worker" {
		return nil, nil
	}
	return nil, t.loop.ask(ctx, func(e *engine, now clock.MonoNS) error {
		e.workerDied(now, down.DownServiceID, howItEnded(&down), down.ReplacementID)
		return nil
	})
}

// howItEnded completes a sentence about a process.
func howItEnded(d *messages.ServiceDown) string {
	switch {
	case d.Signal != "":
		return "was ended by " + d.Signal
	case d.ExitCode != nil:
		return fmt.Sprintf("ended with exit code %d", *d.ExitCode)
	default:
		return "ended"
	}
}

// onRouter serves what workers say on the dispatch channel.
func (t *TimingManager) onRouter(ctx context.Context, d bus.Delivery) error {
	if d.Envelope.Type != "worker_dispatchable" {
		return fmt.Errorf("unknown message on the credit router")
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
		return t.loop.post(ctx, func(e *engine, _ clock.MonoNS) { e.workerPaused(id, m.Reason) })
	case "worker_shutdown":
		return t.loop.post(ctx, func(e *engine, now clock.MonoNS) { e.workerLeft(now, id) })
	}
	return fmt.Errorf("unknown message on the return channel")
}
