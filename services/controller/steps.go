package controller

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/messages"
)

var errCancelled = errors.New("the run was cancelled")

// sequence walks the run's steps. Every wait ends with the cancel, with a failure,
// or after its bound.
//
//	initializing → configuring → ready → profiling → processing → stopping → shutdown
func (c *Controller) sequence() {
	defer c.shutdown()
	c.advance(messages.SystemInitializing)
	if c.doc.RecoverReason != "" {
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
	c.noteCredits()
	c.awaitResults()
	c.advance(messages.SystemStopping)
	c.finish(c.export())
}

// advance publishes a state; states only go forward.
func (c *Controller) advance(state string) {
	c.state = state
	c.beat()
	c.log.Debug("system state", "state", state)
	c.out.Publish(&messages.SystemStateChanged{State: state})
}

// configure brings one service from registered to ready. The dataset manager goes
// first; who needs the dataset waits for it here, not on the bus.
func (c *Controller) configure(id, serviceType string) {
	limit := bootstrap.Seconds(c.doc.Environment.Service.ProfileConfigureTimeoutSec)
	var payload any
	switch serviceType {
	case "dataset_manager", "gpu_telemetry_manager", "records_manager", "mock_server":
	default:
		select {
		case <-c.dataset.ready:
		case <-c.registry.whenGone(id):
			return
		case <-c.run.Done():
			return
		}
		if c.dataset.notification == nil {
			return // the dataset manager's failure ends the run
		}
		payload = c.dataset.notification
	}
	answer, err := c.call(c.run, id, messages.CommandProfileConfigure, payload, limit)
	if err == nil && serviceType == "dataset_manager" {
		var n messages.DatasetConfiguredNotification
		if err = msgpack.Unmarshal(answer.Payload, &n); err == nil {
			c.dataset.open(&n)
		}
	}
	if err != nil {
		c.unconfigured(id, serviceType, err)
		return
	}
	back := c.registry.configured(id)
	if c.registry.claimLateStart(id) { // a replacement that comes while profiling goes on
		limit := bootstrap.Seconds(c.doc.Environment.Service.ProfileStartTimeoutSec)
		if _, err := c.call(c.run, id, messages.CommandProfileStart, nil, limit); err != nil {
			c.log.Warn("start replacement", "service", id, "err", err)
		}
	}
	if back && serviceType == "record_processor" { // workers pass over one that has died
		up := messages.ServiceDown{DownServiceID: id, ServiceType: serviceType}
		if err := c.callAll(c.run, c.registry.ids("worker"), messages.CommandServiceUp, up, c.bounds.tell); err != nil {
			c.log.Warn("tell workers of a restarted record processor", "service", id, "err", err)
		}
	}
}

// unconfigured deals with a service that cannot do its part: the run ends, unless it
// can do without, or a new process is on its way.
func (c *Controller) unconfigured(id, serviceType string, err error) {
	if serviceType == "dataset_manager" {
		c.dataset.open(nil)
	}
	if c.run.Err() != nil || errors.Is(err, errGone) {
		return
	}
	if c.optional(serviceType) {
		c.log.Warn("service could not be configured; the run goes on without it", "service", id, "err", err)
		c.registry.excuse(id)
		return
	}
	c.fail("Configure Profiling", id, messages.AsErrorDetails("CommandError", err))
	c.registry.poke()
}

// awaitConfigured is the barrier: every process that was started has registered
// and is configured.
func (c *Controller) awaitConfigured() error {
	env := c.doc.Environment.Service
	registered := time.After(bootstrap.Seconds(env.RegistrationTimeoutSec))
	configured := time.After(bootstrap.Seconds(env.ProfileConfigureTimeoutSec))
	progress := time.NewTicker(c.bounds.progress)
	defer progress.Stop()
	for {
		changed := c.registry.wait()
		if e := c.errors.firstFatal(); e != nil {
			return fmt.Errorf("configure services: %w", e)
		}
		unregistered, unconfigured := c.registry.missing()
		sort.Strings(unregistered)
		sort.Strings(unconfigured)
		late := registered
		if len(unregistered) == 0 {
			late = nil // a later replacement is watched by the launcher
			if len(unconfigured) == 0 {
				return nil
			}
		}
		select {
		case <-changed:
		case <-progress.C:
			c.log.Info("waiting for services", "unregistered", strings.Join(unregistered, ", "), "unconfigured", strings.Join(unconfigured, ", "))
		case <-late:
			return messages.NewError("TimeoutError", "services did not register in time: "+strings.Join(unregistered, ", "))
		case <-configured:
			return messages.NewError("TimeoutError", "services were not configured in time: "+strings.Join(append(unregistered, unconfigured...), ", "))
		case <-c.cancelled:
			return errCancelled
		case <-c.run.Done():
			return c.run.Err()
		}
	}
}

// startProfiling starts the consumers before the producers: the first credit must
// find everybody ready. A cancel ends it before a credit is sent, or is left to the
// next step.
func (c *Controller) startProfiling() error {
	c.registry.claimStart()
	ctx, stop := c.untilCancelled()
	defer stop()
	if err := c.startAll(ctx, "records_manager", "record_processor", "gpu_telemetry_manager", "worker"); err != nil {
		return err
	}
	if isClosed(c.cancelled) {
		return errCancelled
	}
	err := c.startAll(ctx, "timing_manager")
	if isClosed(c.cancelled) {
		return nil // credits may be on their way
	}
	return err
}

// untilCancelled is a context that ends with the run's cancel.
func (c *Controller) untilCancelled() (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancelCause(c.run)
	c.wg.Go(func() {
		select {
		case <-c.cancelled:
			stop(errCancelled)
		case <-ctx.Done():
		}
	})
	return ctx, func() { stop(nil) }
}

// startAll sends profile_start to every service of some types. The first failure of
// one that the run needs is the error.
func (c *Controller) startAll(ctx context.Context, types ...string) error {
	limit := bootstrap.Seconds(c.doc.Environment.Service.ProfileStartTimeoutSec)
	needed := func(id string) bool { return !c.optional(c.registry.typeOf(id)) }
	var fatal error
	for _, f := range c.callEach(ctx, c.registry.startable(types...), messages.CommandProfileStart, nil, limit, needed) {
		switch {
		case !needed(f.id):
			c.log.Warn("service could not start; the run goes on without it", "service", f.id, "err", f.err)
			c.registry.excuse(f.id)
		case isClosed(c.cancelled):
			fatal = errCancelled
		case fatal == nil:
			fatal = fmt.Errorf("start profiling: %w", f.err)
			c.fail("Start Profiling", f.id, messages.AsErrorDetails("CommandError", f.err))
		}
	}
	return fatal
}

// awaitCredits returns when every phase has ended, which each phase bounds for
// itself. A cancel is passed on to the timing manager first, so that what is in
// flight drains before anything is summarised.
func (c *Controller) awaitCredits() {
	select {
	case <-c.joined.creditsComplete:
		return
	case <-c.run.Done():
		return
	case <-c.cancelled:
	}
	c.log.Notice("Cancelling: no new requests; those in flight are aborted")
	left := c.left(c.bounds.drain)
	cancel := messages.ProfileCancelPayload{OriginServiceID: c.id, Reason: c.reason}
	others := c.registry.ids("worker", "gpu_telemetry_manager", "record_processor")
	c.wg.Go(func() {
		if err := c.callAll(c.run, others, messages.CommandProfileCancel, cancel, left); err != nil {
			c.log.Warn("cancel services", "err", err)
		}
	})
	if err := c.callAll(c.run, c.registry.ids("timing_manager"), messages.CommandProfileCancel, cancel, left); err != nil {
		c.log.Error("cancel credits", "err", err)
	}
	select {
	case <-c.joined.creditsComplete:
	case <-time.After(c.left(c.bounds.drain)):
		c.log.Error("the timing manager did not finish its phases after the cancel")
	case <-c.run.Done():
	}
}

// noteCredits reports a load that could not be sent as planned. The records manager
// learns of it from the timing manager itself.
func (c *Controller) noteCredits() {
	if credits, _ := c.joined.status(); credits != nil && credits.Error != nil {
		c.fail("profiling", "timing_manager", credits.Error)
	}
}

// abort ends a run that never began to send: no journal is kept of it.
func (c *Controller) abort(err error) {
	if c.doc.RecoverReason == "" {
		c.removeJournal()
	}
	report := &messages.RunReport{ExitCode: 1, WasCancelled: errors.Is(err, errCancelled)}
	if !report.WasCancelled && len(c.errors.all()) == 0 {
		c.fail("Configure Profiling", c.id, messages.AsErrorDetails("LifecycleOperationError", err))
	}
	report.ExitErrors = c.errors.all()
	c.finish(report)
}

// finish says the run's last word to watchers, and to the launcher how it went. A run
// that ends at once may have to wait until the launcher can be reached.
func (c *Controller) finish(report *messages.RunReport) {
	c.out.Publish(&messages.BenchmarkComplete{WasCancelled: report.WasCancelled})
	if err := c.awaitRegistered(launcherID, c.bounds.tell); err != nil {
		c.log.Warn("wait for the launcher", "err", err)
	}
	if err := c.router.Send(c.run, launcherID, report); err != nil {
		c.log.Error("report to the launcher", "err", err)
	}
}

// shutdown asks everybody to leave, those too that register only now, then leaves. Who
// does not answer is the launcher's business.
func (c *Controller) shutdown() {
	c.advance(messages.SystemShutdown)
	ctx, stop := context.WithTimeout(context.WithoutCancel(c.run), c.bounds.shutdown)
	defer stop()
	told := map[string]bool{}
	var answers sync.WaitGroup
	tell := func(types ...string) (ids []string) {
		for _, id := range c.registry.ids(types...) {
			if told[id] {
				continue
			}
			told[id] = true
			ids = append(ids, id)
			answers.Go(func() {
				if _, err := c.call(ctx, id, messages.CommandShutdown, nil, c.bounds.shutdown); err != nil {
					c.log.Debug("shut service down", "service", id, "err", err)
				}
			})
		}
		return ids
	}
	// Producers first: what they still have to say finds its reader.
	for _, types := range [][]string{{"worker", "gpu_telemetry_manager"}, {"timing_manager"}, {"record_processor"}} {
		soon, done := context.WithTimeout(ctx, c.bounds.leave)
		c.awaitLeave(soon, tell(types...))
		done()
	}
	for {
		changed := c.registry.wait()
		tell()
		if unregistered, _ := c.registry.missing(); len(unregistered) == 0 {
			break
		}
		select {
		case <-changed:
			continue
		case <-ctx.Done():
		case <-c.run.Done():
		}
		break
	}
	answers.Wait()
	c.awaitLeave(ctx, c.registry.ids()) // the controller leaves last: everybody talks to it
	c.out.Shutdown()
}

// awaitLeave returns when these services have stopped, or with the context.
func (c *Controller) awaitLeave(ctx context.Context, ids []string) {
	for {
		changed := c.registry.wait()
		if c.registry.left(ids) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-c.run.Done():
			return
		}
	}
}
