package controller

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/messages"
)

var errCancelled = errors.New("the run was cancelled")

// sequence walks the run's steps. Every wait ends with the cancel, with a failure,
// or after its bound.
//
//	initializing → configuring → ready → profiling → processing → stopping → shutdown
func (c *Controller) sequence() {
	defer c.shutdown()
	if c.p.Run.RecoverReason != "" {
		c.recover()
		return
	}
	c.advance(messages.SystemConfiguring)
	if err := c.awaitConfigured(); err != nil {
		c.abort(err)
		return
	}
	c.advance(messages.SystemReady)
	if err := c.startProfiling(); err != nil {
		c.abort(err)
		return
	}
	c.advance(messages.SystemProfiling)
	c.awaitCredits()
	c.advance(messages.SystemProcessing)
	c.awaitResults()
	c.advance(messages.SystemStopping)
	c.finish(c.export())
}

// advance publishes a state; states only go forward.
func (c *Controller) advance(state string) {
	c.state = state
	c.p.Log.Debug("system state", "state", state)
	c.p.Publish(&messages.SystemStateChanged{State: state})
}

// configure brings one service from registered to ready. The dataset manager goes
// first; who needs the dataset waits for it here, not on the bus.
func (c *Controller) configure(id, serviceType string) {
	limit := seconds(c.p.Run.Environment.Service.ProfileConfigureTimeoutSec)
	var payload any
	switch serviceType {
	case "dataset_manager", "gpu_telemetry_manager", "records_manager":
	default:
		select {
		case <-c.dataset.ready:
		case <-c.run.Done():
			return
		}
		if c.dataset.notification == nil {
			return // the dataset manager's failure ends the run
		}
		payload = c.dataset.notification
	}
	answer, err := c.calls.Call(c.run, id, messages.CommandProfileConfigure, payload, limit)
	if err != nil {
		if serviceType == "dataset_manager" {
			c.dataset.open(nil)
		}
		if c.registry.known(id) && c.run.Err() == nil {
			c.events.failed("Configure Profiling", id, *messages.AsErrorDetails("CommandError", err))
			c.registry.poke()
		}
		return
	}
	if serviceType == "dataset_manager" {
		var n messages.DatasetConfiguredNotification
		if err := msgpack.Unmarshal(answer.Payload, &n); err != nil {
			c.events.failed("Configure Profiling", id, *messages.NewError("CommandError", err.Error()))
		} else {
			c.dataset.open(&n)
		}
	}
	c.registry.configured(id)
	select {
	case <-c.started: // a replacement that comes while profiling goes on
		if _, err := c.calls.Call(c.run, id, messages.CommandProfileStart, nil, limit); err != nil {
			c.p.Log.Warn("start replacement", "service", id, "err", err)
		}
	default:
	}
}

// awaitConfigured is the barrier: every process that was started has registered
// and is configured.
func (c *Controller) awaitConfigured() error {
	env := c.p.Run.Environment.Service
	registered := time.After(seconds(env.RegistrationTimeoutSec))
	configured := time.After(seconds(env.ProfileConfigureTimeoutSec))
	for {
		changed := c.registry.wait()
		if _, failures := c.events.snapshot(); len(failures) > 0 {
			return fmt.Errorf("configure services: %w", &failures[0].ErrorDetails)
		}
		unregistered, unconfigured := c.registry.missing()
		if len(unregistered) == 0 {
			registered = nil
			if len(unconfigured) == 0 {
				return nil
			}
		}
		select {
		case <-changed:
		case <-registered:
			sort.Strings(unregistered)
			return messages.NewError("TimeoutError", "services did not register in time: "+strings.Join(unregistered, ", "))
		case <-configured:
			sort.Strings(unconfigured)
			return messages.NewError("TimeoutError", "services were not configured in time: "+strings.Join(unconfigured, ", "))
		case <-c.cancelled:
			return errCancelled
		case <-c.run.Done():
			return c.run.Err()
		}
	}
}

func (c *Controller) startProfiling() error {
	close(c.started)
	limit := seconds(c.p.Run.Environment.Service.ProfileStartTimeoutSec)
	// Consumers before producers: the first credit must find everybody ready.
	order := [][]string{{"records_manager", "record_processor", "gpu_telemetry_manager", "worker"}, {"timing_manager"}}
	for _, types := range order {
		if err := c.callAll(c.run, c.registry.ids(types...), messages.CommandProfileStart, nil, limit); err != nil {
			return fmt.Errorf("start profiling: %w", err)
		}
	}
	return nil
}

// awaitCredits returns when every phase has ended. A cancel is passed on to the
// timing manager first, so that what is in flight drains before anything is
// summarised.
func (c *Controller) awaitCredits() {
	select {
	case <-c.joined.creditsComplete:
		return
	case <-c.run.Done():
		return
	case <-c.cancelled:
	}
	c.p.Log.Notice("Cancelling: no new requests; those in flight are aborted")
	limit := seconds(c.p.Run.Environment.Timing.CancelDrainTimeoutSec) + 2*time.Second
	cancel := messages.ProfileCancelPayload{OriginServiceID: c.p.ID, Reason: c.reason}
	others := c.registry.ids("worker", "gpu_telemetry_manager", "record_processor")
	c.wg.Go(func() { _ = c.callAll(c.run, others, messages.CommandProfileCancel, cancel, limit) })
	if err := c.callAll(c.run, c.registry.ids("timing_manager"), messages.CommandProfileCancel, cancel, limit); err != nil {
		c.p.Log.Error("cancel credits", "err", err)
	}
	select {
	case <-c.joined.creditsComplete:
	case <-time.After(2 * time.Second):
		c.p.Log.Error("the timing manager did not finish its phases after the cancel")
	case <-c.run.Done():
	}
}

// awaitResults returns when the records manager has delivered, or when it is sure
// that it will not: it bounds its own waits, and this adds the time of a summary.
func (c *Controller) awaitResults() {
	env := c.p.Run.Environment.Record
	limit := time.After(seconds(env.CompletionStallTimeoutSec) + seconds(env.ProcessRecordsTimeoutSec) + time.Minute)
	cancelled := c.cancelled
	if isClosed(cancelled) {
		limit = time.After(seconds(c.p.Run.Environment.Service.ProfileCancelTimeoutSec))
		cancelled = nil
	}
	for {
		select {
		case <-c.joined.profile:
			return
		case <-cancelled:
			cancelled = nil
			limit = time.After(seconds(c.p.Run.Environment.Service.ProfileCancelTimeoutSec))
		case <-limit:
			c.summariseNow("the results did not come in time")
			return
		case <-c.run.Done():
			return
		}
	}
}

// summariseNow asks the records manager for what it has.
func (c *Controller) summariseNow(reason string) {
	cancel := messages.ProfileCancelPayload{OriginServiceID: c.p.ID, Reason: reason}
	limit := seconds(c.p.Run.Environment.Service.ProfileCancelTimeoutSec)
	if err := c.callAll(c.run, c.registry.ids("records_manager"), messages.CommandProfileCancel, cancel, limit); err != nil {
		c.events.failed("process_records", "records_manager", *messages.AsErrorDetails("CommandError", err))
		return
	}
	select {
	case <-c.joined.profile:
	case <-time.After(limit):
		c.events.failed("process_records", "records_manager", *messages.NewError("TimeoutError", reason))
	case <-c.run.Done():
	}
}

// recover is the walk of a mesh that only summarises an aborted run's journal.
func (c *Controller) recover() {
	if err := c.awaitRegistered("records_manager"); err != nil {
		c.abort(err)
		return
	}
	c.summariseNow(c.p.Run.RecoverReason)
	c.finish(c.export())
}

func (c *Controller) awaitRegistered(id string) error {
	limit := time.After(seconds(c.p.Run.Environment.Service.RegistrationTimeoutSec))
	for {
		changed := c.registry.wait()
		if c.registry.known(id) {
			return nil
		}
		select {
		case <-changed:
		case <-limit:
			return messages.NewError("TimeoutError", id+" did not register in time")
		case <-c.run.Done():
			return c.run.Err()
		}
	}
}

// abort ends a run that never began to send.
func (c *Controller) abort(err error) {
	_, failures := c.events.snapshot()
	report := &messages.RunReport{ExitCode: 1, WasCancelled: errors.Is(err, errCancelled), ExitErrors: failures}
	if !report.WasCancelled && len(failures) == 0 {
		report.ExitErrors = []messages.ExitError{{
			ErrorDetails: *messages.AsErrorDetails("LifecycleOperationError", err), Operation: "Configure Profiling", FromService: c.p.ID,
		}}
	}
	c.finish(report)
}

// finish tells the launcher how it went.
func (c *Controller) finish(report *messages.RunReport) {
	if err := c.router.Send(c.run, launcherID, report); err != nil {
		c.p.Log.Error("report to the launcher", "err", err)
	}
}

// shutdown asks everybody to leave, then leaves. Who does not answer is the
// launcher's business.
func (c *Controller) shutdown() {
	c.advance(messages.SystemShutdown)
	ids := c.registry.ids()
	if err := c.callAll(context.WithoutCancel(c.run), ids, messages.CommandShutdown, nil, 2*time.Second); err != nil {
		c.p.Log.Debug("shut services down", "err", err)
	}
	c.p.Shutdown()
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
