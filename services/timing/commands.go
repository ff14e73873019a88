package timing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins"
)

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
			return errors.New("configure timing: already configured")
		}
		t.store = store
		return e.configure(l)
	})
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

// onServiceDown accounts for a worker, or a collector, whose process has ended.
func (t *TimingManager) onServiceDown(ctx context.Context, raw msgpack.RawMessage) (any, error) {
	down, err := bootstrap.Payload[messages.ServiceDown](raw)
	if err != nil {
		return nil, err
	}
	return nil, t.loop.ask(ctx, func(e *engine, now clock.MonoNS) error {
		if down.ServiceType != "worker" {
			e.collectorGone(down.DownServiceID)
			return nil
		}
		e.workerDied(now, down.DownServiceID, howItEnded(&down), down.ReplacementID)
		return nil
	})
}

// howItEnded completes a sentence about a process.
func howItEnded(d *messages.ServiceDown) string {
	switch {
	case d.Signal != "":
		return "was ended by a signal (" + d.Signal + ")"
	case d.ExitCode != nil:
		return fmt.Sprintf("ended with exit code %d", *d.ExitCode)
	default:
		return "ended"
	}
}
