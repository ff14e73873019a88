package gputelemetry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/telemetry"
)

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
		name := config.RedactURL(c.url)
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
	s := &source{id: fmt.Sprintf("%s_%d", e.set.collector, i), collector: collector, edge: make(chan chan<- error, 1)}
	c.source = s
	ctx, cancel := context.WithTimeout(ctx, e.set.reachTimeout)
	defer cancel()
	if err := collector.Reachable(ctx); err != nil {
		return errors.Join(err, collector.Close())
	}
	e.sample(ctx, s, true) // one that fails is a warning, not an end
	return nil
}
