package dataset

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	store "aiperf/dataset"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
)

func init() {
	plugins.Register("service", "aiperf.services.dataset:DatasetManager", bootstrap.Factory(New))
}

// progressInterval is how often a long build says how far it is.
const progressInterval = 5 * time.Second

// Manager is the dataset_manager service. Building begins with Init, while the mesh
// still shakes hands; profile_configure waits for its end.
type Manager struct {
	p       *bootstrap.Process
	publish func(messages.Message)
	gate    *gate
	router  *bus.Socket

	stream *stream // nil: the dataset is whole before it is used; read after the gate is open

	run  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// New makes the manager and registers its command.
func New(p *bootstrap.Process) (bootstrap.Service, error) {
	m := &Manager{p: p, publish: p.Publish, gate: newGate()}
	m.run, m.stop = context.WithCancel(context.Background())
	p.Handlers.OnCommand(messages.CommandProfileConfigure, m.onConfigure)
	p.Handlers.OnMessage(messages.On(m.onProgress))
	return m, nil
}

// Init binds the socket for questions and begins to build.
func (m *Manager) Init(context.Context) (err error) {
	m.router, err = m.p.ZMQ.Open(bus.Spec{
		Name: "dataset", Kind: bus.Router, Bind: true, Address: m.p.Run.Mesh.Dataset, Sender: m.p.ID, Linger: time.Second,
	})
	if err != nil {
		return err
	}
	limit := time.Duration(m.p.Run.Environment.Dataset.ConfigurationTimeoutSec * float64(time.Second))
	s := newServer(m.router, m.p.Log, limit, m.gate)
	m.wg.Go(func() { s.serve(m.run) })
	m.wg.Go(func() {
		defer close(m.gate.open)
		m.build()
	})
	return nil
}

// Start does nothing: the controller's command drives the service.
func (*Manager) Start(context.Context) error { return nil }

// build fills the gate; it never panics past it.
func (m *Manager) build() {
	defer func() {
		if p := recover(); p != nil {
			m.gate.err = fmt.Errorf("build dataset: panic: %v", p)
		}
	}()
	b, err := newBuilder(m.p.Run, func(msg string, args ...any) { m.p.Log.Warn(msg, args...) })
	if err != nil {
		m.gate.err = err
		return
	}
	var out outcome
	if m.stream, err = newStream(m.p.Run, b); m.stream != nil {
		m.wg.Go(m.flow)
		<-m.stream.begun
		out = m.stream.outcome()
	} else if err == nil {
		b.progress = m.reporter()
		out, err = b.build(m.run)
	}
	if err != nil {
		m.gate.err = fmt.Errorf("build dataset %s: %w", m.p.Run.Benchmark.Dataset.Name, err)
		return
	}
	if m.gate.store, m.gate.err = store.Open(m.p.Run.DatasetDir); m.gate.err != nil {
		return
	}
	m.gate.repeats = repeats(m.p.Run, out)
	m.gate.notification = announcement(m.p.Run, out)
}

// flow makes a dataset while it is sent. Its failure ends the run: what was not made cannot
// be sent.
func (m *Manager) flow() {
	defer func() {
		if p := recover(); p != nil {
			m.p.Fail("build dataset", fmt.Errorf("panic: %v", p))
		}
	}()
	if err := m.stream.run(m.run); err != nil {
		m.p.Fail("build dataset", err)
	}
}

// onProgress lets the making of the dataset keep its distance to the load.
func (m *Manager) onProgress(_ context.Context, _ messages.Header, p *messages.CreditPhaseProgress) error {
	select {
	case <-m.gate.open:
		if m.stream != nil {
			m.stream.progressed(p)
		}
	default:
	}
	return nil
}

// reporter logs progress of builds that take long.
func (m *Manager) reporter() func(done, total int) {
	last := time.Now()
	return func(done, total int) {
		if now := time.Now(); now.Sub(last) >= progressInterval {
			last = now
			m.p.Log.Info("Generating dataset", "done", done, "total", total)
		}
	}
}

// onConfigure answers when the dataset can be opened, and tells everybody.
func (m *Manager) onConfigure(ctx context.Context, _ msgpack.RawMessage) (any, error) {
	select {
	case <-m.gate.open:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := m.gate.err; err != nil {
		m.publish(&messages.DatasetConfigurationFailed{Error: messages.CutErrorText(err.Error())})
		return nil, err
	}
	n := m.gate.notification
	m.p.Log.Info("Dataset ready", "conversations", n.Metadata.ConversationCount, "turns", n.Metadata.TotalTurnCount,
		"bytes", n.ClientMetadata.TotalSizeBytes, "format", n.ClientMetadata.Format)
	if m.gate.repeats != "" {
		m.p.Log.Notice(m.gate.repeats)
	}
	m.publish(n)
	return n, nil
}

// Stop ends the build, if it still goes on, and the answering. The files stay: others
// may still read them, and the launcher removes them at the end.
func (m *Manager) Stop(ctx context.Context) error {
	m.stop()
	if m.router != nil {
		m.router.Close()
	}
	done := make(chan struct{})
	go func() {
		m.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		return errors.New("stop dataset manager: the build does not end")
	}
	if m.gate.store != nil {
		m.gate.store.Close()
	}
	return nil
}
