package gputelemetry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"aiperf/bootstrap"
	"aiperf/messages"
	"aiperf/telemetry"
)

// settings are what the engine needs of the run document.
type settings struct {
	collector    string // plugin entry
	local        bool   // reads this host; has no URLs
	userURLs     []string
	defaultURLs  []string
	interval     time.Duration
	reachTimeout time.Duration
	finalTimeout time.Duration // of the last sample: what comes later lies outside the window
	sendTimeout  time.Duration
}

// engine runs collectors. configure, start, and complete or cancel are called in that
// order, each from any goroutine.
//
//	new ── configure ──> ready ── start ──> collecting ── complete, cancel ──> done
//
// complete and cancel are good in every state; the first one counts.
type engine struct {
	set  settings
	make telemetry.Constructor
	send func(context.Context, *messages.TelemetryRecords) error
	log  *bootstrap.Logger

	mu      sync.Mutex
	sources []*source
	status  messages.TelemetryStatus

	seqMu sync.Mutex // orders sequence numbers with sends
	seq   int64

	run      context.Context // of the loops
	stop     context.CancelFunc
	loops    sync.WaitGroup
	doneOnce sync.Once
	done     chan struct{} // closed when the last batch has been sent
}

// source is one reachable endpoint.
type source struct {
	id        string
	collector telemetry.Collector
	edge      chan struct{} // a sample is wanted now; room for one, more would be the same
	lastError string        // logged already; of the goroutine that reads
}

func newEngine(set settings, make telemetry.Constructor, send func(context.Context, *messages.TelemetryRecords) error, log *bootstrap.Logger) *engine {
	e := &engine{set: set, make: make, send: send, log: log, done: channel()}
	e.run, e.stop = context.WithCancel(context.Background())
	return e
}

func channel() chan struct{} { return make(chan struct{}) }

// candidate is a source before it is known whether it answers.
type candidate struct {
	url    string // "" for a local one
	byUser bool
	source *source
	err    error
}

// configure finds out which sources answer and takes a first sample of each, the
// baseline of counters. It never fails: what does not answer is left out.
func (e *engine) configure(ctx context.Context) messages.TelemetryStatus {
	candidates := e.candidates()
	var wg sync.WaitGroup
	for i, c := range candidates {
		wg.Go(func() { c.err = e.try(ctx, i, c) })
	}
	wg.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = messages.TelemetryStatus{EndpointsConfigured: []string{}, EndpointsReachable: []string{}}
	for _, c := range candidates {
		name := c.url
		if c.source != nil {
			name = c.source.collector.Source()
		}
		switch {
		case c.err == nil:
			e.sources = append(e.sources, c.source)
			e.status.EndpointsConfigured = append(e.status.EndpointsConfigured, name)
			e.status.EndpointsReachable = append(e.status.EndpointsReachable, name)
		case c.byUser:
			e.log.Warn("GPU telemetry source does not answer", "err", c.err)
			e.status.EndpointsConfigured = append(e.status.EndpointsConfigured, name)
		default:
			e.log.Debug("no GPU telemetry at a default place", "err", c.err)
		}
	}
	e.status.Enabled = len(e.sources) > 0
	switch {
	case e.status.Enabled:
	case e.set.local:
		e.status.Reason = e.set.collector + " not available or no GPUs found"
	default:
		e.status.Reason = "no telemetry sources reachable"
	}
	return e.status
}

// candidates lists every source once, defaults first.
func (e *engine) candidates() []*candidate {
	if e.set.local {
		return []*candidate{{byUser: true}}
	}
	var out []*candidate
	for _, url := range e.set.defaultURLs {
		// A default that the user named too is the user's.
		if !slices.Contains(e.set.userURLs, url) {
			out = append(out, &candidate{url: url})
		}
	}
	for _, url := range e.set.userURLs {
		if !slices.ContainsFunc(out, func(c *candidate) bool { return c.url == url }) {
			out = append(out, &candidate{url: url, byUser: true})
		}
	}
	return out
}

// try makes a candidate's collector and takes its first sample.
func (e *engine) try(ctx context.Context, i int, c *candidate) error {
	collector, err := e.make(telemetry.Config{URL: c.url})
	if err != nil {
		return err
	}
	s := &source{id: fmt.Sprintf("%s_%d", e.set.collector, i), collector: collector, edge: make(chan struct{}, 1)}
	c.source = s
	ctx, cancel := context.WithTimeout(ctx, e.set.reachTimeout)
	defer cancel()
	if err := collector.Reachable(ctx); err != nil {
		return errors.Join(err, collector.Close())
	}
	e.sample(ctx, s, true) // one that fails is a warning, not an end
	return nil
}

// start begins the periodic collection.
func (e *engine) start() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.run.Err() != nil {
		return
	}
	for _, s := range e.sources {
		e.loops.Go(func() { e.collect(s) })
	}
}

// collect is the loop of one source; it ends with the run.
func (e *engine) collect(s *source) {
	t := time.NewTicker(e.set.interval)
	defer t.Stop()
	for {
		forced := false
		select {
		case <-e.run.Done():
			return
		case <-s.edge:
			forced = true
		case <-t.C:
		}
		ctx, cancel := context.WithTimeout(e.run, e.set.reachTimeout)
		e.sample(ctx, s, forced)
		cancel()
	}
}

// sample reads a source once and sends what it gave.
func (e *engine) sample(ctx context.Context, s *source, forced bool) {
	m := &messages.TelemetryRecords{CollectorID: s.id, TelemetrySourceURL: s.collector.Source()}
	samples, err := s.collector.Collect(ctx, forced)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return // the end of the collection, not a failure of the source
	case err != nil:
		m.Error = messages.AsErrorDetails("TelemetryError", err)
		if text := err.Error(); text != s.lastError {
			s.lastError = text
			e.log.Warn("GPU telemetry sample failed", "err", err)
		}
	case len(samples) == 0:
		return // not refreshed since the sample before
	default:
		s.lastError = ""
		m.Records = samples
	}
	e.deliver(m)
}

// deliver numbers and sends a batch. One that cannot be sent in time is dropped; its
// number is not used up, so that the sequence has no gap.
func (e *engine) deliver(m *messages.TelemetryRecords) {
	e.seqMu.Lock()
	defer e.seqMu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), e.set.sendTimeout)
	defer cancel()
	m.Sequence = e.seq + 1
	if err := e.send(ctx, m); err != nil {
		e.log.Warn("GPU samples dropped", "err", err)
		return
	}
	e.seq++
}

// atEdge asks every source for a sample now: each window has one at its border. It
// does not wait.
func (e *engine) atEdge() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.sources {
		select {
		case s.edge <- struct{}{}:
		default: // one is wanted already
		}
	}
}

// complete takes a last sample of each source and ends the collection. It returns
// when the closing batch has been sent.
func (e *engine) complete(ctx context.Context) { e.end(ctx, true) }

// cancel ends the collection at once.
func (e *engine) cancel(ctx context.Context) { e.end(ctx, false) }

func (e *engine) end(ctx context.Context, last bool) {
	e.doneOnce.Do(func() {
		defer close(e.done)
		e.mu.Lock()
		e.stop() // under the lock: no loop starts after this
		sources := e.sources
		e.mu.Unlock()
		e.loops.Wait()
		if last {
			ctx, cancel := context.WithTimeout(ctx, e.set.finalTimeout)
			defer cancel()
			var wg sync.WaitGroup
			for _, s := range sources {
				wg.Go(func() { e.sample(ctx, s, true) })
			}
			wg.Wait()
		}
		for _, s := range sources {
			if err := s.collector.Close(); err != nil {
				e.log.Debug("close GPU telemetry source", "source", s.id, "err", err)
			}
		}
		e.deliver(&messages.TelemetryRecords{CollectorID: e.set.collector, CollectionComplete: true})
	})
	select {
	case <-e.done:
	case <-ctx.Done():
	}
}

// abandon ends the loops without a word; for a process that leaves.
func (e *engine) abandon() {
	e.mu.Lock()
	e.stop()
	e.mu.Unlock()
	e.loops.Wait()
}
