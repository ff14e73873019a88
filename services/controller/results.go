package controller

import (
	"fmt"
	"strings"
	"time"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/messages"
)

// awaitResults returns when every owed result has come, or when it is sure that the
// rest will not. As long as records keep coming, so does the wait: it ends when
// nothing has been heard of the results for longer than their maker bounds itself.
//
//	cancelled before   the shares of the cancelled run's time hold
//	cancelled now      what there is, is asked for at once
func (c *Controller) awaitResults() {
	cancelled := c.cancelled
	if isClosed(cancelled) {
		cancelled = nil
	}
	c.beat()
	for {
		changed, arrived := c.registry.wait(), c.joined.wait()
		pending := c.joined.pending(c.registry.domains())
		if len(pending) == 0 {
			return
		}
		wait, bounded := c.resultWait(pending)
		if bounded && wait <= 0 {
			c.giveUp(pending)
			return
		}
		var limit <-chan time.Time
		if bounded {
			limit = time.After(wait)
		}
		select {
		case <-changed:
		case <-arrived:
		case <-limit:
		case <-cancelled: // nothing is in flight any more that would have to drain
			c.giveUp(pending)
			return
		case <-c.run.Done():
			return
		}
	}
}

// resultWait is how much longer to wait for what is pending.
func (c *Controller) resultWait(pending []string) (wait time.Duration, bounded bool) {
	if isClosed(c.cancelled) {
		return c.left(c.bounds.results), true
	}
	silent := clock.Now().Sub(clock.MonoNS(c.pulse.Load()))
	if !contains(pending, domainProfile) {
		return c.bounds.others - silent, true
	}
	env := c.doc.Environment.Record
	if env.CompletionStallTimeoutSec == 0 {
		return 0, false // the user wants to wait for missing records without an end
	}
	return bootstrap.Seconds(env.CompletionStallTimeoutSec) + bootstrap.Seconds(env.ProcessRecordsTimeoutSec) + c.bounds.relay - silent, true
}

// giveUp deals with results that did not come by themselves: of the profile, what
// there is, is asked for; the others are left out, and the report says so.
func (c *Controller) giveUp(pending []string) {
	c.log.Info("asking for results", "pending", strings.Join(pending, ", "))
	if contains(pending, domainProfile) {
		reason := c.reason
		if !isClosed(c.cancelled) {
			reason = "the results did not come in time"
		}
		c.summariseNow(reason, c.summaryLimit())
		pending = c.joined.pending(c.registry.domains())
	}
	for _, domain := range pending {
		c.fail("result_join", c.id, messages.NewError("TimeoutError", fmt.Sprintf("the %s result did not come in time", domain)))
	}
}

// summaryLimit bounds a summary that is asked for.
func (c *Controller) summaryLimit() time.Duration {
	limit := bootstrap.Seconds(c.doc.Environment.Service.ProfileCancelTimeoutSec)
	if isClosed(c.cancelled) {
		limit = min(limit, c.left(c.bounds.urged))
	}
	return limit
}

// summariseNow asks the records manager for what it has and waits for it.
func (c *Controller) summariseNow(reason string, limit time.Duration) {
	bound := time.After(limit)
	cancel := messages.ProfileCancelPayload{OriginServiceID: c.id, Reason: reason}
	if err := c.callAll(c.run, c.registry.ids("records_manager"), messages.CommandProfileCancel, cancel, limit); err != nil {
		c.fail("process_records", "records_manager", messages.AsErrorDetails("CommandError", err))
		return
	}
	cancelled := c.cancelled
	if isClosed(cancelled) {
		cancelled = nil
	}
	for {
		changed, arrived := c.registry.wait(), c.joined.wait()
		if len(c.joined.pending(c.registry.domains())) == 0 {
			return
		}
		select {
		case <-changed:
		case <-arrived:
		case <-bound:
			return
		case <-cancelled:
			cancelled, bound = nil, time.After(min(limit, c.left(c.bounds.urged)))
		case <-c.run.Done():
			return
		}
	}
}

// recover is the walk of a mesh that only summarises an aborted run's journal. Reading
// it may take as long as making results. A cancel does not end it: what there is, is
// wanted all the same, and the launcher bounds it.
func (c *Controller) recover() {
	limit := bootstrap.Seconds(c.doc.Environment.Service.RegistrationTimeoutSec)
	if err := c.awaitRegistered("records_manager", limit); err != nil {
		c.abort(err)
		return
	}
	c.summariseNow(c.doc.RecoverReason, bootstrap.Seconds(c.doc.Environment.Record.ProcessRecordsTimeoutSec))
	c.advance(messages.SystemStopping)
	c.finish(c.export())
}

// awaitRegistered returns when a service is there.
func (c *Controller) awaitRegistered(id string, bound time.Duration) error {
	limit := time.After(bound)
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

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
