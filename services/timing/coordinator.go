package timing

import (
	"fmt"
	"math/rand/v2"
	"time"

	"aiperf/clock"
	"aiperf/dataset"
)

// A coordinator is a session that sends nothing itself: each of its turns starts children,
// and the next one waits for them. It takes a slot and counts as a session; its turns are
// neither requests nor credits with an id, since nobody else ever sees them.
//
//	began ── pause ──> round 0 ── children ended, pause ──> round 1 … ──> last turn: over

// coordinator is nil for a session that sends requests.
func (p *phase) coordinator(s *session) *dataset.Coordinator {
	if p.branching == nil {
		return nil
	}
	return p.branching.graph.Coordinators[s.conversation]
}

// think is the pause before the coordinator's next round.
func (p *phase) think(c *dataset.Coordinator, s *session) time.Duration {
	ms := c.Think(s.next, func() *rand.Rand {
		instance := fmt.Sprint(s.seq)
		if s.kin.depth > 0 { // of a root, which may have several
			instance += "." + p.e.conversationID(s.conversation)
		}
		return p.e.seeds.Stream(fmt.Sprintf("dag_think:%s:%d:%s:%d", instance, s.next, p.stats.PhaseKind, p.plan.profilingIndex()))
	})
	return time.Duration(min(ms*float64(time.Millisecond), float64(longest)))
}

// rest lets a coordinator's next turn follow after its pause.
func (p *phase) rest(from clock.MonoNS, s *session, c *dataset.Coordinator) {
	p.branching.resting.push(s, from.Add(p.think(c, s)))
}

// coordinate makes the turns of coordinators that are due and returns when the next one is.
func (p *phase) coordinate(now clock.MonoNS) (wake clock.MonoNS) {
	b := p.branching
	for range passLimit {
		s := b.resting.first(now)
		if s == nil {
			return b.resting.nextReady()
		}
		b.resting.pop()
		if s.kin.depth > 0 && !p.rule.allowsChild(p.sent(), now) {
			p.truncate(now, s)
			continue
		}
		if s.next == 0 {
			b.stats.GraphsAdmitted++
		}
		if s.kin.depth == 0 {
			p.rootSent++
		}
		if s.next++; s.next == s.turns {
			b.stats.GraphsCompletedToEnd++
		}
		p.returned(now, s, false, false)
		if p.rule.reached(p.sent()) {
			p.allSent = true
		}
	}
	return now
}
