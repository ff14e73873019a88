package timing

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"aiperf/clock"
	"aiperf/config"
)

// replayPlan is a phase that sends what a trace recorded, at the trace's own times.
type replayPlan struct {
	auto    bool     // the first time of the trace is the start of the phase
	startMS *float64 // what comes before is left out, and the phase starts there
	endMS   *float64 // what comes after is left out
	speedup float64
	ordinal int // number of this phase among those that replay
	entries []replayEntry
	zeroNS  int64 // time of the trace at the start of the phase
}

// replayEntry is the first turn of a conversation. There may be millions.
type replayEntry struct {
	atNS         int64 // of the trace
	conversation int32
}

// timed is a dataset whose turns have times.
type timed interface {
	TimestampNS(conversation, turn int) (ns int64, ok bool)
}

func newReplayPlan(p config.Phase) *replayPlan {
	r := &replayPlan{auto: p.AutoOffset, startMS: p.StartOffsetMS, endMS: p.EndOffsetMS, speedup: p.Speedup}
	if r.speedup == 0 {
		r.speedup = 1
	}
	return r
}

// read lays the conversations out by their times.
func (r *replayPlan) read(l *load) error {
	t, ok := l.conversations.(timed)
	if !ok {
		return fmt.Errorf("a fixed schedule needs a dataset with timestamps")
	}
	n := l.conversations.Len()
	if l.graph != nil {
		n = len(l.graph.Roots)
	}
	r.entries = make([]replayEntry, 0, n)
	for i := range n {
		at := l.at(i)
		ns, ok := t.TimestampNS(at, 0)
		if !ok {
			return fmt.Errorf("First turn of %s missing timestamp_ms; a fixed schedule needs one for each conversation", l.conversations.ID(at))
		}
		if ms := float64(ns) / 1e6; r.startMS != nil && ms < *r.startMS || r.endMS != nil && ms > *r.endMS {
			continue
		}
		r.entries = append(r.entries, replayEntry{ns, int32(at)})
	}
	if len(r.entries) == 0 {
		return fmt.Errorf("No conversations with valid first-turn timestamps found between the offsets of the fixed schedule")
	}
	slices.SortStableFunc(r.entries, func(a, b replayEntry) int {
		switch {
		case a.atNS < b.atNS:
			return -1
		case a.atNS > b.atNS:
			return 1
		}
		return 0
	})
	switch {
	case r.auto:
		r.zeroNS = r.entries[0].atNS
	case r.startMS != nil:
		r.zeroNS = int64(*r.startMS * 1e6)
	}
	return nil
}

// after is how long after the start of the phase a time of the trace is.
func (r *replayPlan) after(ns int64) time.Duration {
	return r.scaled(time.Duration(ns - r.zeroNS))
}

func (r *replayPlan) scaled(d time.Duration) time.Duration {
	if r.speedup == 1 {
		return d
	}
	return time.Duration(math.Round(float64(d) / r.speedup))
}

// replay is how far a phase has come in its trace.
type replay struct {
	plan *replayPlan
	next int  // of the entries
	late bool // one was kept waiting by the limit of sessions, which was told
}

// serveReplay sends the turns of the trace that are due, a little ahead of their instants:
// those of sessions that go on, and those that begin, whichever is earlier. A request that
// is due and finds no free session waits for one, in its order.
func (p *phase) serveReplay(now clock.MonoNS) (wake clock.MonoNS) {
	horizon := now.Add(p.e.settings.horizon())
	r := p.replay
	for range passLimit {
		if p.allSent {
			return never
		}
		goesOn, begins := p.pending.nextReady(), never
		if r.next < len(r.plan.entries) {
			begins = p.started.Add(r.plan.after(r.plan.entries[r.next].atNS))
		} else if goesOn == never && len(p.flights) == 0 {
			p.allSent = true // the trace is over, though sessions were cut before their ends
			return never
		}
		if begins != never && !p.slots.free() {
			if begins < now {
				p.warnReplayWaits()
			}
			begins = never
		}
		if begins != never && !p.rule.allowsSession(p.sent(), max(now, begins)) {
			begins = never
		}
		planned := min(goesOn, begins)
		if planned == never {
			return never
		}
		due := max(now, planned)
		switch {
		case due > horizon:
			return due.Add(-p.e.settings.lead)
		case !p.rule.allowsTurn(p.sent(), due):
			return never
		case goesOn <= begins:
			s := p.pending.first(due)
			p.pending.pop()
			p.sendTurn(now, s, due, p.turnDue(s, planned))
		default:
			p.beginReplay(now, due, begins)
		}
	}
	return now
}

// beginReplay sends the first turn of the next conversation of the trace.
func (p *phase) beginReplay(now, due, planned clock.MonoNS) {
	e := p.replay.plan.entries[p.replay.next]
	p.replay.next++
	conversation := int(e.conversation)
	id := "fixed-schedule-" + p.e.conversations.ID(conversation)
	if n := p.replay.plan.ordinal; n > 0 {
		id = strconv.Itoa(p.stats.PhaseIndex) + "-" + id
	}
	p.sendTurn(now, p.open(id, conversation, p.e.conversations.NumTurns(conversation)), due, planned)
}

// turnDue is the instant that the schedule gives a later turn, which may have gone by when
// the answer before it came.
func (p *phase) turnDue(s *session, planned clock.MonoNS) clock.MonoNS {
	if at, ok := p.turnTime(s); ok {
		return at
	}
	return planned
}

// turnTime is the instant of a session's next turn, where the trace has one.
func (p *phase) turnTime(s *session) (at clock.MonoNS, ok bool) {
	t, ok := p.e.conversations.(timed)
	if !ok {
		return 0, false
	}
	ns, ok := t.TimestampNS(s.conversation, s.next)
	if !ok {
		return 0, false
	}
	return p.started.Add(p.replay.plan.after(ns)), true
}

func (p *phase) warnReplayWaits() {
	if !p.replay.late {
		p.replay.late = true
		p.e.log.Warn(p.plan.title()+" sends later than the trace says: no session is free when a request is due", "concurrency", p.slots.limit)
	}
}
