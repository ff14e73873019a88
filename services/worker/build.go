package worker

import (
	"errors"
	"fmt"
	"net/url"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/plugins"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/transports"
)

// build opens the dataset and makes endpoint, transport, clock and engine as the run
// document wants them.
func (w *Worker) build() (e *engine, err error) {
	run := w.p.Run
	ep := run.Benchmark.Endpoint
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return nil, err
	}
	newEndpoint, err := plugins.Constructor[endpoints.Constructor](registry, "endpoint", ep.Type)
	if err != nil {
		return nil, err
	}
	newTransport, err := plugins.Constructor[transports.Constructor](registry, "transport", ep.Transport)
	if err != nil {
		return nil, err
	}
	cfg, err := engineConfig(w.p.ID, run)
	if err != nil {
		return nil, err
	}
	dialect, err := newEndpoint(endpoints.Config{Endpoint: ep, Model: cfg.Model, ForceContentParts: run.Environment.HTTP.ForceContentParts})
	if err != nil {
		return nil, fmt.Errorf("make endpoint %s: %w", ep.Type, err)
	}
	if w.store, err = dataset.Open(run.DatasetDir); err != nil {
		return nil, err
	}
	w.transport, err = newTransport(transports.Config{
		Endpoint: ep, Environment: &run.Environment, Concurrency: largestConcurrency(run),
		Note: func(text string) { w.p.Log.Warn(text) },
	})
	if err == nil {
		w.alarm, err = newAlarm(run.Environment.Timing.HighResTimer)
	}
	if err != nil {
		w.store.Close()
		return nil, fmt.Errorf("make transport %s: %w", ep.Transport, err)
	}
	if l, ok := w.transport.(transports.Limited); ok {
		cfg.MaxActive = l.Limit() + spareActive
	}
	return newEngine(cfg, Deps{
		Store: w.store, Endpoint: dialect, Transport: w.transport, Alarm: w.alarm, Records: w.out, Returns: w.queue.put,
		Headers: transports.RunHeaders(run, dialect.Headers(), endpoints.Streams(ep)),
		Redact:  run.Redactor().Text,
		Warn:    w.p.Log.Warn,
	}), nil
}

// spareActive is how many credits more than there are connections are worked on: those
// that wait for their instant, and those that are first in line for a connection.
const spareActive = 1024

// closingAlarm is an alarm that holds something to give back.
type closingAlarm interface {
	alarm
	Close()
}

func newAlarm(precise bool) (closingAlarm, error) {
	if !precise {
		return clock.Timers{}, nil
	}
	return clock.NewAlarm()
}

func engineConfig(id string, run *config.Run) (Config, error) {
	ep, models := run.Benchmark.Endpoint, run.Benchmark.Models.Names
	if len(models) == 0 {
		return Config{}, errors.New("models: want at least one name")
	}
	if len(ep.URLs) == 0 {
		return Config{}, errors.New("urls: want at least one")
	}
	stream := endpoints.Streams(ep)
	path := ep.Path
	if path == "" {
		path = ep.Capabilities.EndpointPath
		if stream && ep.Capabilities.StreamingPath != "" {
			path = ep.Capabilities.StreamingPath
		}
	}
	var targets []*url.URL
	for _, base := range ep.URLs {
		u, err := transports.JoinURL(base, path)
		if err != nil {
			return Config{}, err
		}
		targets = append(targets, u)
	}
	return Config{
		WorkerID: id, Targets: targets, Model: models[0], BodyModel: len(models) > 1,
		ExtraMaxTokens: endpoints.ExtraMaxTokens(ep),
		CheckStreams:   stream && run.Environment.HTTP.VerifyStreamCompletion,
		MaxSessions:    run.Environment.Worker.SessionCacheMaxEntries,
	}, nil
}

// largestConcurrency is the most requests that a phase of the run wants in flight, 0
// when a phase has no limit.
func largestConcurrency(run *config.Run) int {
	most := 0
	for _, p := range run.Benchmark.Phases {
		if p.Concurrency == nil {
			return 0
		}
		most = max(most, *p.Concurrency)
	}
	return most
}
