package gputelemetry

import (
	"context"
	"errors"
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
	edge      chan chan<- error // a sample is wanted now, and how it went
	lastError string            // logged already; of the goroutine that reads
}

func newEngine(set settings, make telemetry.Constructor, send func(context.Context, *messages.TelemetryRecords) error, log *bootstrap.Logger) *engine {
	e := &engine{set: set, make: make, send: send, log: log, done: channel()}
	e.run, e.stop = context.WithCancel(context.Background())
	return e
}

func channel() chan struct{} { return make(chan struct{}) }

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
		var edge chan<- error
		select {
		case <-e.run.Done():
			return
		case edge = <-s.edge:
		case <-t.C:
		}
		ctx, cancel := context.WithTimeout(e.run, e.set.reachTimeout)
		err := e.sample(ctx, s, edge != nil)
		cancel()
		if edge != nil {
			edge <- err // there is room
		}
	}
}

// sample reads a source once and sends what it gave.
func (e *engine) sample(ctx context.Context, s *source, forced bool) error {
	m := &messages.TelemetryRecords{CollectorID: s.id, TelemetrySourceURL: s.collector.Source()}
	samples, err := s.collector.Collect(ctx, forced)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return nil // the end of the collection, not a failure of the source
	case err != nil:
		m.Error = messages.AsErrorDetails("TelemetryError", err)
		if text := err.Error(); text != s.lastError {
			s.lastError = text
			e.log.Warn("GPU telemetry sample failed", "err", err)
		}
	case len(samples) == 0:
		return nil // not refreshed since the sample before
	default:
		s.lastError = ""
		m.Records = samples
	}
	e.deliver(m)
	return err
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

// edgeWait bounds the samples at a border: nobody waits for them longer.
const edgeWait = 2 * time.Second

// atEdge takes a sample of every source now: each phase has one at its borders. It returns
// when all have been sent, with what went wrong.
func (e *engine) atEdge(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, edgeWait, errors.New("not all sources answered in time"))
	defer cancel()
	e.mu.Lock()
	sources := e.sources
	e.mu.Unlock()
	answers := make(chan error, len(sources))
	for _, s := range sources {
		select {
		case s.edge <- answers:
		case <-e.run.Done():
			return nil // the collection has ended
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	var failed []error
	for range sources {
		select {
		case err := <-answers:
			failed = append(failed, err)
		case <-e.run.Done():
			return nil
		case <-ctx.Done():
			return errors.Join(append(failed, context.Cause(ctx))...)
		}
	}
	return errors.Join(failed...)
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
				wg.Go(func() { _ = e.sample(ctx, s, true) }) // what failed is in its batch
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
