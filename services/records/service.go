package records

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
)

func init() {
	plugins.Register("service", "aiperf.services.records:RecordsManager", bootstrap.Factory(New))
}

// Sizes and paces of the service.
const (
	// inboxSize bounds what waits for the ledger beside the records socket. Commands
	// wait for room, observations are dropped.
	inboxSize = 256
	// tickInterval is how late a bound or an interval of the ledger may be noticed.
	tickInterval = 100 * time.Millisecond
	// reportLimit bounds the hand-over of a result to the control socket's queue.
	reportLimit = 5 * time.Second
)

// outlet is the part of a process that the service speaks through.
type outlet interface {
	Publish(m messages.Message)
	SendControl(ctx context.Context, m messages.Message) error
	Command(ctx context.Context, name string, payload any, timeout time.Duration) (*messages.CommandResponse, error)
}

// RecordsManager is the records_manager service: it feeds the ledger.
//
// The ledger's goroutine alone touches the ledger. It reads the records socket, which
// holds its senders back when the ledger is behind, and an inbox of everything else.
type RecordsManager struct {
	doc    *config.Run
	log    *bootstrap.Logger
	node   *bus.Node
	out    outlet
	pull   *bus.Socket
	ledger *ledger
	inbox  chan func(*ledger)

	run  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// New makes the service and registers its handlers.
func New(p *bootstrap.Process) (bootstrap.Service, error) {
	registry, _, err := plugins.Load(p.Run.PluginManifests)
	if err != nil {
		return nil, err
	}
	r := newManager(p.Run, registry, p.Log, p.ZMQ, p)
	h := p.Handlers
	h.Capability("result_producer:profile")
	h.OnCommand(messages.CommandProfileConfigure, r.onConfigure)
	h.OnCommand(messages.CommandProfileStart, r.onStart)
	h.OnCommand(messages.CommandProfileCancel, r.onCancel)
	h.OnCommand(messages.CommandServiceDown, r.onServiceDown)
	h.OnCommand(messages.CommandRealtimeMetrics, r.onRealtime)
	h.OnMessage(messages.On(r.onHealth), messages.On(r.onTelemetryStatus))
	return r, nil
}

func newManager(run *config.Run, registry *plugins.Registry, log *bootstrap.Logger, node *bus.Node, out outlet) *RecordsManager {
	r := &RecordsManager{doc: run, log: log, node: node, out: out, inbox: make(chan func(*ledger), inboxSize)}
	r.run, r.stop = context.WithCancel(context.Background())
	r.ledger = newLedger(run, registry, log, outlets{now: clock.Wall, publish: out.Publish, report: r.report, command: r.command})
	return r
}

// Init binds the records socket and starts the ledger.
func (r *RecordsManager) Init(context.Context) (err error) {
	r.pull, err = r.node.Open(bus.Spec{
		Name: "records", Kind: bus.Pull, Bind: true, Address: r.doc.Mesh.Records,
		HighWater: 10000, Queue: 4096,
	})
	if err != nil {
		return err
	}
	r.wg.Go(r.keep)
	return nil
}

// Start has nothing to add: what arrives is taken from Init on.
func (r *RecordsManager) Start(context.Context) error { return nil }

// Stop ends the ledger's goroutine, then closes its socket.
func (r *RecordsManager) Stop(context.Context) error {
	r.stop()
	if r.pull != nil {
		r.pull.Close()
	}
	r.wg.Wait()
	return nil
}

// keep is the ledger's goroutine. In a recovery it reads the journal before anything
// else; that ends at the latest with the journal.
func (r *RecordsManager) keep() {
	defer r.ledger.close()
	if r.doc.RecoverReason != "" {
		r.ledger.recover()
	}
	tick := time.NewTicker(tickInterval)
	defer tick.Stop()
	for {
		select {
		case d, open := <-r.pull.Receive():
			if !open {
				return
			}
			r.ledger.take(d.Envelope)
		case do := <-r.inbox:
			do(r.ledger)
		case <-tick.C:
			r.ledger.tick()
		case <-r.run.Done():
			return
		}
	}
}

// post hands work to the ledger; it waits for room in the inbox.
func (r *RecordsManager) post(ctx context.Context, do func(*ledger)) error {
	select {
	case r.inbox <- do:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.run.Done():
		return r.run.Err()
	}
}

// ask is post, and waits until the work is done.
func (r *RecordsManager) ask(ctx context.Context, do func(*ledger) error) error {
	done := make(chan error, 1)
	if err := r.post(ctx, func(l *ledger) { done <- do(l) }); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-r.run.Done():
		return r.run.Err()
	}
}

// observe is post for what may be missed: it never waits.
func (r *RecordsManager) observe(do func(*ledger)) {
	select {
	case r.inbox <- do:
	default:
	}
}

// report sends to the controller. The queue has room for every result of a run; a
// control socket that takes nothing for a while means that the run is lost anyway.
func (r *RecordsManager) report(m messages.Message) {
	ctx, done := context.WithTimeout(r.run, reportLimit)
	defer done()
	if err := r.out.SendControl(ctx, m); err != nil {
		r.log.Error("hand in", "type", m.MessageType(), "err", err)
	}
}

// command asks the controller beside the ledger, and posts the answer to it.
func (r *RecordsManager) command(name string, payload any, limit time.Duration, done func(error)) {
	r.wg.Go(func() {
		_, err := r.out.Command(r.run, name, payload, limit)
		_ = r.post(r.run, func(*ledger) { done(err) }) // fails only when the service stops
	})
}

// onConfigure opens the journal and the record files. A recovery has opened the files
// already, and must not touch the journal.
func (r *RecordsManager) onConfigure(ctx context.Context, _ msgpack.RawMessage) (any, error) {
	if r.doc.RecoverReason != "" {
		return nil, nil
	}
	return nil, r.ask(ctx, func(l *ledger) error { return l.open() })
}

// onStart acknowledges: the ledger is ready since it was configured.
func (r *RecordsManager) onStart(context.Context, msgpack.RawMessage) (any, error) { return nil, nil }

// onCancel asks for the result; it comes on its own way.
func (r *RecordsManager) onCancel(ctx context.Context, raw msgpack.RawMessage) (any, error) {
	p, err := bootstrap.Payload[messages.ProfileCancelPayload](raw)
	if err != nil {
		return nil, err
	}
	return nil, r.post(ctx, func(l *ledger) { l.cancel(p.Reason) })
}

func (r *RecordsManager) onServiceDown(ctx context.Context, raw msgpack.RawMessage) (any, error) {
	down, err := bootstrap.Payload[messages.ServiceDown](raw)
	if err != nil {
		return nil, err
	}
	return nil, r.post(ctx, func(l *ledger) { l.onServiceDown(&down) })
}

func (r *RecordsManager) onRealtime(ctx context.Context, _ msgpack.RawMessage) (any, error) {
	return nil, r.post(ctx, func(l *ledger) { l.showRealtime() })
}

func (r *RecordsManager) onHealth(_ context.Context, from messages.Header, m *messages.WorkerHealth) error {
	if from.ServiceID == "" {
		return fmt.Errorf("worker_health without a sender")
	}
	r.observe(func(l *ledger) { l.onHealth(from.ServiceID, m) })
	return nil
}

func (r *RecordsManager) onTelemetryStatus(_ context.Context, _ messages.Header, m *messages.TelemetryStatus) error {
	r.observe(func(l *ledger) { l.onTelemetryStatus(m) })
	return nil
}
