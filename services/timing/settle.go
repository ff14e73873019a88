package timing

import (
	"slices"
	"strings"
	"time"

	"aiperf/clock"
	"aiperf/messages"
)

// Error types of the records that the credit side makes.
const (
	workerLost            = "WorkerLost"
	creditProcessingError = "CreditProcessingError"
)

// takeReturn books the end of a credit. It tells whether the credit was in flight: a
// second return, and one that comes after the credit was counted as lost, change
// nothing.
func (p *phase) takeReturn(now clock.MonoNS, r *messages.CreditReturn) bool {
	f := p.flights[r.ID]
	if f == nil {
		return false
	}
	switch {
	case r.Cancelled:
		p.stats.RequestsCancelled++
		if !r.RecordEmitted {
			p.noRecord.add(r.ID)
		}
	default:
		p.stats.RequestsCompleted++
		if r.Error != "" {
			p.stats.RequestErrors++
		}
		if !r.RecordEmitted {
			// The request went out and its record did not: its place is taken by this one.
			p.e.record(p.errorRecord(now, f, messages.NewError(creditProcessingError, recordless(r)).WithCode(500)))
		}
	}
	p.settle(now, f, r.Cancelled, r.Error != "")
	p.giveUp(now)
	if p.state == draining && !p.e.cancelled {
		// Workers are still handing credits back: after an overload there may be more of
		// them than one bound has room for. Only silence is waited for that long; a user
		// who cancels waits no longer than the bound.
		p.drainEnd = now.Add(p.e.settings.drainTimeout)
	}
	return true
}

func recordless(r *messages.CreditReturn) string {
	if r.Error != "" {
		return r.Error
	}
	return "the worker returned the credit without a record"
}

// lose closes a credit whose worker will not return it: an error, with a record in
// the place of the one that will not come.
func (p *phase) lose(now clock.MonoNS, f *flight, reason string) {
	p.stats.RequestsCompleted++
	p.stats.RequestErrors++
	p.stats.LostRequests++
	p.e.record(p.errorRecord(now, f, messages.NewError(workerLost, reason)))
	p.settle(now, f, false, true)
	p.giveUp(now)
}

// settle takes the credit out of the table and lets its session go on.
func (p *phase) settle(now clock.MonoNS, f *flight, cancelled, failed bool) {
	delete(p.flights, f.credit.ID)
	p.e.router.release(f.worker)
	s := f.session
	s.inFlight = false
	switch {
	case p.branching != nil:
		p.returned(now, s, cancelled, failed)
	case s.next == s.turns:
		p.closeRoot(s, cancelled)
		p.spareSessions = append(p.spareSessions, s) // nobody else knows it
	case p.state != sending: // cut by the stop
		p.giveSlot(s)
	case cancelled || !p.e.canGoOn(s):
		p.cutShort(now, s)
	case p.rule.allowsTurn(p.sent(), now):
		p.pending.push(s, p.readyAt(now, s))
	}
	f.session, f.worker = nil, nil
	p.spareFlights = append(p.spareFlights, f)
}

// closeRoot books a session whose last turn has returned.
func (p *phase) closeRoot(s *session, cancelled bool) {
	if cancelled {
		p.stats.CancelledSessions++
	} else {
		p.stats.CompletedSessions++
	}
	p.giveSlot(s)
}

// delay is the pause before the session's next turn.
func (p *phase) delay(s *session) time.Duration {
	return time.Duration(p.e.conversations.DelayMS(s.conversation, s.next) * float64(time.Millisecond))
}

// cutShort ends a session whose history is lost, and names it.
func (p *phase) cutShort(now clock.MonoNS, s *session) {
	if len(p.cut) < messages.MaxCutSessions {
		p.cut = append(p.cut, messages.CutSession{
			XCorrelationID: s.id, ConversationID: p.e.conversationID(s.conversation), TurnsSent: s.next, Turns: s.turns, WorkerID: s.lastWorker,
		})
	}
	p.endEarly(now, s)
}

// endEarly ends a session that does not go on. Its unsent turns are nobody's target any
// more, so the last credit may turn out to be issued already.
func (p *phase) endEarly(now clock.MonoNS, s *session) {
	s.ended = true
	p.e.router.unstick(s)
	if s.kin != nil && s.kin.depth > 0 {
		s.kin.failed = true
		p.childCounts(s)
		p.childEnded(now, s)
		return
	}
	p.stats.TotalSessionTurns -= int64(s.turns - s.next)
	p.stats.CancelledSessions++
	p.giveSlot(s)
	if p.branching != nil {
		p.branching.live--
	}
	if p.rule.reached(p.sent()) {
		p.allSent = true
	}
}

func (p *phase) giveSlot(s *session) {
	if s.slot {
		s.slot = false
		p.slots.give()
	}
}

// idsInFlight lists the credits under way at a worker (at any, when nil), in order.
func (p *phase) idsInFlight(w *worker) []int64 {
	ids := make([]int64, 0, len(p.flights))
	for id, f := range p.flights {
		if w == nil || f.worker == w {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// leave accounts for a worker that takes no new turns: sessions that wait between
// two turns and cannot go on elsewhere end now. Those with a turn under way are
// looked at when it is back.
func (p *phase) leave(now clock.MonoNS, w *worker) {
	if p.state != sending {
		return
	}
	var waiting []*session
	for s := range w.sessions {
		if s.phase == p && !s.inFlight && !p.e.canGoOn(s) {
			waiting = append(waiting, s)
		}
	}
	slices.SortFunc(waiting, func(a, b *session) int { return strings.Compare(a.id, b.id) })
	for _, s := range waiting {
		if !s.ended { // a parent may have ended with its child
			p.cutShort(now, s)
		}
	}
}

// errorRecord stands for a request that has no record of its own. When it was due
// is known, whether it was started is not.
func (p *phase) errorRecord(now clock.MonoNS, f *flight, err *messages.ErrorDetails) messages.MetricRecord {
	c := &f.credit
	return messages.MetricRecord{
		Error: err,
		Metadata: messages.RecordMetadata{
			SessionNum: c.ID, XCorrelationID: c.XCorrelationID, ConversationID: c.ConversationID, TurnIndex: c.TurnIndex,
			CreditIssuedNS: c.IssuedAtNS, RequestStartNS: p.e.wallOf(min(f.due, now)), RequestEndNS: p.e.wallOf(now),
			WorkerID: f.worker.id, BenchmarkPhase: c.Phase, PhaseIndex: c.PhaseIndex, ProfilingIndex: c.ProfilingIndex,
			PhaseName: c.PhaseName, ScheduledNS: c.ScheduledNS,
			AgentDepth: c.AgentDepth, ParentCorrelationID: c.ParentCorrelationID, RootCorrelationID: c.RootCorrelationID,
		},
	}
}
