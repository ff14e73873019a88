package mockserver

import (
	"context"
	"fmt"
	"net"
	"sync"

	"aiperf/bootstrap"
	"aiperf/mockserver"
	"aiperf/plugins"
)

func init() {
	plugins.Register("service", "aiperf.services.mockserver:MockServer", bootstrap.Factory(New))
}

// MockServer is the mock_server service. It has no handlers: nothing of a run but its
// requests concerns it.
type MockServer struct {
	p       *bootstrap.Process
	cfg     mockserver.Config
	counter *Counter
	server  *mockserver.Server
	listen  func() (net.Listener, error) // the inherited socket
	wg      sync.WaitGroup
}

// New reads the settings of the run.
func New(p *bootstrap.Process) (bootstrap.Service, error) {
	cfg, err := mockserver.Decode(p.Run.Benchmark.MockServer)
	if err != nil {
		return nil, err
	}
	if cfg.RandomSeed == nil {
		cfg.RandomSeed = p.Run.RandomSeed
	}
	m := &MockServer{p: p, cfg: cfg, listen: bootstrap.InheritedListener}
	if t := p.Run.Benchmark.Tokenizer; t.Needed && !cfg.NoTokenizer {
		// The client's own vocabulary, so that both sides count alike.
		registry, _, err := plugins.Load(p.Run.PluginManifests)
		if err != nil {
			return nil, err
		}
		m.counter = NewCounter(registry, t.Name, t.Encoding)
	}
	return m, nil
}

// Init starts to serve: the first request may come before the run is configured.
func (m *MockServer) Init(context.Context) error {
	deps := mockserver.Deps{Log: m.p.Log.Logger}
	if m.counter != nil {
		deps.CountTokens = m.counter.Count
		m.wg.Go(func() {
			if err := m.counter.Load(); err != nil {
				m.p.Log.Warn("prompts are counted in words", "err", err)
			}
		})
	}
	l, err := m.listen()
	if err != nil {
		return err
	}
	if m.server, err = mockserver.New(m.cfg, deps); err != nil {
		l.Close()
		return fmt.Errorf("make the embedded server: %w", err)
	}
	m.wg.Go(func() {
		if err := m.server.Serve(l); err != nil {
			m.p.Fail("Serve", err)
		}
	})
	m.p.Log.Debug("embedded server", "address", l.Addr().String())
	return nil
}

// Start has nothing to do: Init serves already.
func (m *MockServer) Start(context.Context) error { return nil }

// Stop ends the server and waits for the tokenizer's load.
func (m *MockServer) Stop(ctx context.Context) (err error) {
	if m.server != nil {
		err = m.server.Stop(ctx)
	}
	m.wg.Wait()
	return err
}
