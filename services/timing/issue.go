package timing

import (
	"fmt"
	"time"

	"aiperf/clock"
	"aiperf/messages"
)

// passLimit bounds what one pass issues before the inbox gets its turn.
const passLimit = 512

// warnEvery bounds how often a backlog is told of.
const warnEvery = 10 * time.Second

// issue sends every turn that may go now and returns when to look again. Returns,
// freed slots and joined workers are looked at anyway.
func (p *phase) issue(now clock.MonoNS) (wake clock.MonoNS) {
	if p.e.router.pool == 0 {
		return p.starve(now)
	}
	p.starvedSince = 0
	if wake = p.sendChildren(now); p.allSent {
		return wake
	}
	p.climb(now)
	wake = min(wake, p.nextStep)
	switch {
	case p.users != nil:
		wake = min(wake, p.serveUsers(now))
	case p.replay != nil:
		wake = min(wake, p.serveReplay(now))
	case p.schedule != nil:
		wake = min(wake, p.keepPace(now))
	default:
		wake = min(wake, p.refill(now))
	}
	if p.branching != nil { // a coordinator may have begun
		wake = min(wake, p.branching.resting.nextReady())
	}
	return wake
}

// climb sets the limit of sessions to where its ramp is.
func (p *phase) climb(now clock.MonoNS) {
	if now < p.nextStep {
		return
	}
	limit, next := p.plan.limitRamp.at(now.Sub(p.started))
	p.slots.limit, p.nextStep = limit, never
	if next < longest {
		p.nextStep = p.started.Add(next)
	}
}

// starve waits for a worker: those there were have ended and a replacement is on
// its way.
func (p *phase) starve(now clock.MonoNS) (wake clock.MonoNS) {
	if p.starvedSince == 0 {
		p.starvedSince = now
		p.e.log.Warn(p.plan.title() + " has no worker to send to; waiting for a replacement")
	}
	limit := p.starvedSince.Add(p.e.settings.startTimeout)
	if now >= limit {
		p.e.fail(now, fmt.Errorf("%s: no worker came back within %s (AIPERF_SERVICE_START_TIMEOUT)", p.plan.title(), p.e.settings.startTimeout))
		return now
	}
	return limit
}

// refill is the closed loop: every free slot is used at once, and sessions that go
// on come before new ones.
func (p *phase) refill(now clock.MonoNS) (wake clock.MonoNS) {
	for range passLimit {
		if p.allSent || !p.rule.allowsTurn(p.sent(), now) {
			return never
		}
		if s := p.pending.first(now); s != nil {
			p.pending.pop()
			p.sendTurn(now, s, now, 0)
			continue
		}
		if !p.slots.free() || !p.rule.allowsSession(p.sent(), now) {
			return p.pending.nextReady()
		}
		p.startSession(now, now, 0)
	}
	return now
}

// keepPace is the open loop: one turn per tick of the schedule, issued a little
// ahead of its instant. A tick that finds nothing to send is kept until it is due,
// and is lost then.
func (p *phase) keepPace(now clock.MonoNS) (wake clock.MonoNS) {
	budget := passLimit
	for ; len(p.parked) > 0 && !p.allSent && budget > 0; budget-- {
		target := p.parked[0]
		if !p.sendTick(now, target) {
			if target > now {
				break
			}
			p.loseTick(target)
		}
		p.parked = p.parked[1:]
	}
	for ; !p.allSent && budget > 0; budget-- {
		next := p.schedule.peek()
		if next > now.Add(p.e.settings.horizon()) || next >= p.rule.end {
			break
		}
		target, moved := p.schedule.take(now)
		if moved {
			p.warnMoved(now)
		}
		if len(p.parked) == 0 && p.sendTick(now, target) {
			continue
		}
		if target > now {
			p.parked = append(p.parked, target)
		} else {
			p.loseTick(target)
		}
	}
	if budget == 0 {
		return now
	}
	wake = never
	if next := p.schedule.peek(); next < p.rule.end {
		wake = next.Add(-p.e.settings.lead)
	}
	if len(p.parked) > 0 {
		wake = min(wake, p.parked[0])
	}
	return wake
}

// sendTick uses one tick: a session that goes on, else a new one. False means that
// there is nothing to send, or no slot.
func (p *phase) sendTick(now, target clock.MonoNS) bool {
	due := max(target, now)
	if !p.rule.allowsTurn(p.sent(), due) {
		return false
	}
	if s := p.pending.first(due); s != nil {
		p.pending.pop()
		p.sendTurn(now, s, due, target)
		return true
	}
	if p.slots.free() && p.rule.allowsSession(p.sent(), due) {
		p.startSession(now, due, target)
		return true
	}
	return false
}

// loseTick counts a tick for which there was nothing to send. Ticks come in order.
func (p *phase) loseTick(target clock.MonoNS) {
	p.stats.LostTicks++
	second := int64(target.Sub(p.started) / time.Second)
	if n := len(p.lostAt); n > 0 && p.lostAt[n-1][0] == second {
		p.lostAt[n-1][1]++
		return
	}
	p.lostAt = append(p.lostAt, [2]int64{second, 1})
}

func (p *phase) warnMoved(now clock.MonoNS) {
	if now >= p.nextWarning {
		p.nextWarning = now.Add(warnEvery)
		p.e.log.Warn(p.plan.title()+" fell behind its schedule, which is moved instead of caught up",
			"reanchors", p.schedule.reanchors, "moved_by", p.schedule.shift.String(), "catch_up", p.e.settings.catchUp.String())
	}
}

// startSession takes a slot and sends the first turn of a new session.
func (p *phase) startSession(now, due, scheduled clock.MonoNS) {
	conversation := p.sample()
	s := p.open(p.e.newID(), conversation, p.e.conversations.NumTurns(conversation))
	p.sendTurn(now, s, due, scheduled)
}

// open makes a session that sends so many turns of a conversation, and takes its slot.
func (p *phase) open(id string, conversation, turns int) *session {
	s := p.newSession()
	*s = session{phase: p, id: id, seq: p.stats.SentSessions, conversation: conversation, turns: turns, url: p.e.nextURL(), slot: true}
	p.relate(s)
	p.slots.take()
	p.stats.SentSessions++
	p.stats.TotalSessionTurns += int64(turns)
	return s
}

// sendTurn numbers and counts a credit for the session's next turn and routes it.
// due is when the request may go; scheduled is the tick it uses, 0 in closed loop.
// The pool has a worker.
//
// hot: once per request, 10,000/s. Budget: the session's id and nothing else.
// BenchmarkIssue.
func (p *phase) sendTurn(now clock.MonoNS, s *session, due, scheduled clock.MonoNS) {
	if c := p.coordinator(s); c != nil {
		p.rest(due, s, c)
		return
	}
	w := p.e.router.choose(s)
	f := p.newFlight()
	*f = flight{due: due, session: s, worker: w}
	f.credit = messages.Credit{
		CreditKey: messages.CreditKey{PhaseIndex: p.stats.PhaseIndex, ID: p.stats.RequestsSent},
		Phase:     p.stats.PhaseKind, ProfilingIndex: p.plan.profilingIndex(), PhaseName: p.stats.PhaseName,
		ConversationID: p.e.conversationID(s.conversation), ConversationIndex: s.conversation,
		XCorrelationID: s.id, TurnIndex: s.next, NumTurns: s.turns,
		IssuedAtNS: p.e.wallOf(due), URLIndex: s.url, SessionSeq: s.seq,
	}
	f.credit.CancelAfterNS = p.plan.disconnects.next()
	if scheduled != 0 {
		f.credit.ScheduledNS = p.e.wallOf(scheduled)
	}
	p.flights[f.credit.ID] = f
	p.stats.RequestsSent++
	if s.kin == nil || s.kin.depth == 0 {
		p.rootSent++
	}
	if s.kin != nil {
		p.name(&f.credit, s)
	}
	s.next++
	s.inFlight, s.lastWorker = true, w.id
	if s.next < s.turns {
		p.e.router.stick(s, w)
	} else {
		p.e.router.unstick(s)
	}
	p.e.router.charge(w, now)
	p.e.dispatch(w, &f.credit)
	if p.rule.reached(p.sent()) {
		p.allSent = true
	}
}

func (p *phase) newFlight() *flight {
	if n := len(p.spareFlights); n > 0 {
		f := p.spareFlights[n-1]
		p.spareFlights = p.spareFlights[:n-1]
		return f
	}
	return &flight{}
}

func (p *phase) newSession() *session {
	if n := len(p.spareSessions); n > 0 {
		s := p.spareSessions[n-1]
		p.spareSessions = p.spareSessions[:n-1]
		return s
	}
	return &session{}
}
