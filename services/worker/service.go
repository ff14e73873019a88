package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
	"aiperf/plugins/transports"
)

func init() {
	plugins.Register("service", "aiperf.services.worker:Worker", bootstrap.Factory(New))
}

// Worker is the worker service: the sockets and resources around an engine.
type Worker struct {
	p       *bootstrap.Process
	publish func(messages.Message)
	router  *bus.Socket            // credit_router
	returns *bus.Socket            // credit_return
	pushes  map[string]*bus.Socket // raw_inference, by record processor
	queue   *returnQueue
	out     *outbox

	configure sync.Mutex // one configuration at a time
	engine    atomic.Pointer[engine]
	store     *dataset.Store
	transport transports.Transport
	alarm     closingAlarm

	run  context.Context // of the goroutines below; ended by Stop
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// New makes the worker and registers its handlers.
func New(p *bootstrap.Process) (bootstrap.Service, error) {
	w := &Worker{p: p, publish: p.Publish, pushes: map[string]*bus.Socket{}}
	w.out = newOutbox(w.recycle)
	w.run, w.stop = context.WithCancel(context.Background())
	p.Handlers.OnCommand(messages.CommandProfileConfigure, w.onConfigure)
	p.Handlers.OnCommand(messages.CommandProfileStart, func(context.Context, msgpack.RawMessage) (any, error) { return nil, nil })
	p.Handlers.OnCommand(messages.CommandServiceDown, w.onServiceDown)
	p.Handlers.OnCommand(messages.CommandServiceUp, w.onServiceUp)
	return w, nil
}

// lingerBound is how long what is queued may take to leave when the worker stops.
const lingerBound = 2 * time.Second

// Init opens the data sockets.
func (w *Worker) Init(context.Context) (err error) {
	mesh, id := w.p.Run.Mesh, w.p.ID
	w.announce(messages.WorkerStarting)
	if w.router, err = w.p.ZMQ.Open(bus.Spec{
		Name: "credit_router", Kind: bus.Dealer, Address: mesh.CreditRouter, Identity: id, Sender: id,
		HighWater: 100000, Queue: 1024, Linger: lingerBound,
	}); err != nil {
		return err
	}
	if w.returns, err = w.p.ZMQ.Open(bus.Spec{
		Name: "credit_return", Kind: bus.Push, Address: mesh.CreditReturn, Sender: id,
		HighWater: 100000, Queue: 1024, Immediate: true, Linger: lingerBound,
	}); err != nil {
		return err
	}
	w.queue = newReturnQueue(w.returns)
	for processor, address := range mesh.RawInference {
		s, err := w.p.ZMQ.Open(bus.Spec{
			Name: "raw_inference " + processor, Kind: bus.Push, Address: address, Sender: id,
			// Few messages in our own queue: what is in it cannot go to another processor.
			HighWater: 256, Queue: 2, Immediate: true, Linger: lingerBound,
		})
		if err != nil {
			return err
		}
		w.pushes[processor] = s
		w.out.add(processor, s)
	}
	return nil
}

// Start begins to report health. Requests are sent once the worker is configured.
func (w *Worker) Start(context.Context) error {
	w.announce(messages.WorkerWaitingForDataset)
	interval := bootstrap.Seconds(w.p.Run.Environment.Worker.HealthCheckIntervalSec)
	if interval > 0 {
		w.wg.Go(func() {
			reportHealth(w.run, interval, newMeter(w.p.Run.Benchmark.Runtime.GOMAXPROCSPerWorker), w.state, w.publish)
		})
	}
	return nil
}

func (w *Worker) state(h *messages.WorkerHealth) {
	h.BacklogWaits = w.out.waits.Load() + w.queue.waits.Load() + int64(w.returns.Stats().Waits)
	e := w.engine.Load()
	if e == nil {
		return
	}
	h.TaskStats = e.stats()
	if watcher, ok := w.transport.(transports.ClockWatcher); ok { // set before the engine
		h.ClockSteps = watcher.ClockSteps()
	}
}

// onConfigure makes the worker ready: the return path is proved, the dataset is mapped,
// the engine stands; then the router is told that credits may come.
func (w *Worker) onConfigure(ctx context.Context, _ msgpack.RawMessage) (any, error) {
	w.configure.Lock()
	defer w.configure.Unlock()
	switch {
	case w.run.Err() != nil:
		return nil, errStopping
	case w.engine.Load() != nil:
		return nil, nil // ready already
	}
	w.announce(messages.WorkerRouterProbing)
	if err := w.probeReturns(ctx); err != nil {
		return nil, err
	}
	e, err := w.build()
	if err != nil {
		return nil, err
	}
	w.engine.Store(e)
	w.wg.Go(func() { bootstrap.Pump(w.run, w.p.Log, w.router, w.onCredits) }) // ends when Stop closes the socket
	if err := w.router.Send(ctx, "", &messages.WorkerDispatchable{}); err != nil {
		return nil, fmt.Errorf("announce the worker to the router: %w", err)
	}
	w.announce(messages.WorkerReady)
	return nil, nil
}

var errStopping = errors.New("the worker is stopping")

// probeReturns waits until the return channel has taken a message: the socket takes none
// without a peer. After the budget the worker goes on, because returns are kept.
func (w *Worker) probeReturns(ctx context.Context) error {
	env := w.p.Run.Environment.Worker
	before := w.returns.Stats().Sent
	if err := w.returns.Send(ctx, "", &messages.WorkerConnected{}); err != nil {
		return fmt.Errorf("probe the credit return channel: %w", err)
	}
	budget := time.After(bootstrap.Seconds(env.ReturnProbeBudgetSec))
	if env.ReturnProbeBudgetSec <= 0 {
		return nil
	}
	for wait := time.Millisecond; w.returns.Stats().Sent == before; wait = min(2*wait, max(bootstrap.Seconds(env.ReturnProbeDelaySec), time.Millisecond)) {
		select {
		case <-time.After(wait):
		case <-budget:
			w.p.Log.Warn("the credit return channel does not answer; returns are kept until it does", "budget", bootstrap.Seconds(env.ReturnProbeBudgetSec))
			return nil
		case <-w.run.Done():
			return fmt.Errorf("probe the credit return channel: %w", errStopping)
		}
	}
	return nil
}

// onCredits takes what the router sends. The stamp comes before the decoding.
func (w *Worker) onCredits(_ context.Context, d bus.Delivery) error {
	received := clock.Now()
	e := w.engine.Load()
	switch d.Envelope.Type {
	case (*messages.Credits)(nil).MessageType():
		var m messages.Credits
		if err := d.Envelope.Decode(&m); err != nil {
			return err
		}
		e.accept(m.Credits, received)
	case (*messages.CancelCredits)(nil).MessageType():
		var m messages.CancelCredits
		if err := d.Envelope.Decode(&m); err != nil {
			return err
		}
		e.cancel(m.Keys)
	}
	return nil
}

// onServiceDown passes over a record processor that has died.
func (w *Worker) onServiceDown(_ context.Context, raw msgpack.RawMessage) (any, error) {
	m, err := bootstrap.Payload[messages.ServiceDown](raw)
	if err != nil {
		return nil, err
	}
	if m.ServiceType == "record_processor" {
		w.out.down(m.DownServiceID, m.Restarting)
	}
	return nil, nil
}

// onServiceUp takes a record processor back that was restarted at its old address, to
// which its socket has reconnected by itself.
func (w *Worker) onServiceUp(_ context.Context, raw msgpack.RawMessage) (any, error) {
	m, err := bootstrap.Payload[messages.ServiceDown](raw)
	if err != nil {
		return nil, err
	}
	w.out.up(m.DownServiceID)
	return nil, nil
}

func (w *Worker) recycle(it *item) {
	it.reset()
	if e := w.engine.Load(); e != nil {
		e.items.Put(it)
	}
}

func (w *Worker) announce(state string) {
	w.publish(&messages.WorkerStartupState{StartupState: state, RequestNS: clock.Wall()})
}

// Stop takes no more credits, aborts what is under way, sends every record and return
// that is owed, says goodbye, and closes everything. Each step is bounded.
func (w *Worker) Stop(ctx context.Context) error {
	w.announce(messages.WorkerShuttingDown)
	w.stop()
	w.configure.Lock() // a configuration under way ends soon, and none begins
	defer w.configure.Unlock()
	if w.router != nil {
		w.router.Close() // ends the pump: no credit comes any more
	}
	w.wg.Wait()
	drain, done := context.WithTimeout(ctx, bootstrap.Seconds(w.p.Run.Environment.ZMQ.PushDrainTimeoutSec)+lingerBound)
	defer done()
	left := 0
	e := w.engine.Load()
	if e != nil {
		left = e.stop(drain)
	}
	var errs []error
	if n := w.out.close(drain); n > 0 {
		errs = append(errs, fmt.Errorf("stop worker: %d records could not be sent", n))
	}
	if left > 0 {
		errs = append(errs, fmt.Errorf("stop worker: %d requests did not end in time", left))
		w.release()
		return errors.Join(errs...) // they still use what is closed below; the process ends now
	}
	if w.queue != nil {
		errs = append(errs, w.queue.close(drain))
	}
	if e != nil { // else nobody counts on this worker, and there may be nobody to tell
		_ = w.returns.Send(drain, "", &messages.WorkerShutdown{})
	}
	w.release()
	if e != nil {
		w.transport.Close()
		w.alarm.Close()
		w.store.Close()
	}
	return errors.Join(errs...)
}

// release closes the sending sockets, which let what is queued go out within their
// linger, all at the same time.
func (w *Worker) release() {
	var closing sync.WaitGroup
	for _, s := range w.pushes {
		closing.Go(s.Close)
	}
	if w.returns != nil {
		closing.Go(w.returns.Close)
	}
	closing.Wait()
}
