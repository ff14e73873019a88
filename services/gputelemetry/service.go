package gputelemetry

import (
	"context"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/messages"
	"aiperf/messages/bus"
	"aiperf/plugins"
	"aiperf/telemetry"
)

func init() {
	plugins.Register("service", "aiperf.services.gputelemetry:GPUTelemetryManager", bootstrap.Factory(New))
}

// Manager is the gpu_telemetry_manager service.
type Manager struct {
	p      *bootstrap.Process
	engine *engine
	push   *bus.Socket // to the records manager
}

// New finds the collector plugin and registers the handlers.
func New(p *bootstrap.Process) (bootstrap.Service, error) {
	gpu, env := p.Run.Benchmark.GPUTelemetry, p.Run.Environment
	registry, _, err := plugins.Load(p.Run.PluginManifests)
	if err != nil {
		return nil, err
	}
	constructor, err := plugins.Constructor[telemetry.Constructor](registry, "gpu_telemetry_collector", gpu.Collector)
	if err != nil {
		return nil, err
	}
	meta, err := plugins.Metadata[plugins.CollectorMetadata](registry, "gpu_telemetry_collector", gpu.Collector)
	if err != nil {
		return nil, err
	}
	m := &Manager{p: p}
	m.engine = newEngine(settings{
		collector: gpu.Collector, local: meta.IsLocal, userURLs: gpu.UserURLs, defaultURLs: gpu.Defaults,
		interval: bootstrap.Seconds(env.GPU.CollectionIntervalSec), reachTimeout: bootstrap.Seconds(env.GPU.ReachabilityTimeoutSec),
		finalTimeout: 2 * time.Second, sendTimeout: 5 * time.Second,
	}, constructor, m.send, p.Log)
	h := p.Handlers
	h.Capability("result_producer:telemetry")
	h.OnCommand(messages.CommandProfileConfigure, m.onConfigure)
	h.OnCommand(messages.CommandProfileStart, m.onStart)
	h.OnCommand(messages.CommandProfileComplete, m.onComplete)
	h.OnCommand(messages.CommandProfileCancel, m.onCancel)
	h.OnMessage(messages.On(m.onBaseline))
	return m, nil
}

// Init opens the way to the records manager.
func (m *Manager) Init(context.Context) (err error) {
	m.push, err = m.p.ZMQ.Open(bus.Spec{
		Name: "records", Kind: bus.Push, Address: m.p.Run.Mesh.Records, Sender: m.p.ID,
		Linger: bootstrap.Seconds(m.p.Run.Environment.ZMQ.PushDrainTimeoutSec),
	})
	return err
}

// Start has nothing to do: collection begins with the profiling.
func (m *Manager) Start(context.Context) error { return nil }

// Stop ends the loops and closes the socket.
func (m *Manager) Stop(context.Context) error {
	m.engine.abandon()
	if m.push != nil {
		m.push.Close()
	}
	return nil
}

func (m *Manager) send(ctx context.Context, r *messages.TelemetryRecords) error {
	return m.push.Send(ctx, "", r)
}

// onConfigure answers when it is known which sources there are. Without any, the
// process stays and collects nothing: its leaving would look like a loss.
func (m *Manager) onConfigure(ctx context.Context, _ msgpack.RawMessage) (any, error) {
	status := m.engine.configure(ctx)
	if err := m.p.SendControl(ctx, &status); err != nil {
		return nil, err
	}
	m.p.Publish(&status)
	return nil, nil
}

func (m *Manager) onStart(context.Context, msgpack.RawMessage) (any, error) {
	m.engine.start()
	return nil, nil
}

func (m *Manager) onComplete(ctx context.Context, _ msgpack.RawMessage) (any, error) {
	m.engine.complete(ctx)
	return nil, nil
}

func (m *Manager) onCancel(ctx context.Context, _ msgpack.RawMessage) (any, error) {
	m.engine.cancel(ctx)
	return nil, nil
}

// onBaseline answers when every source was read at the border of a phase.
func (m *Manager) onBaseline(ctx context.Context, _ messages.Header, r *messages.PhaseBaselineRequest) error {
	ack := &messages.PhaseBaselineAck{PhaseID: r.PhaseID, Kind: r.Kind, Success: true}
	if err := m.engine.atEdge(ctx); err != nil {
		ack.Success, ack.Error = false, messages.AsErrorDetails("TelemetryError", err)
	}
	m.p.Publish(ack)
	return nil
}
