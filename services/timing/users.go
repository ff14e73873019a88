package timing

import (
	"container/heap"
	"fmt"
	"math"
	"strconv"
	"time"

	"aiperf/clock"
)

// userPlan is a number of users who send turns at an even pace each, and together at a
// rate.
type userPlan struct {
	n            int
	ratePerSec   float64
	sessionTurns int // turns per conversation, the mean of the dataset
}

// gap is the time between two turns of one user.
func (u *userPlan) gap() time.Duration { return u.after(u.n) }

// after is the time in which so many turns are sent at the rate.
func (u *userPlan) after(turns int) time.Duration {
	return time.Duration(min(math.Round(float64(turns)/u.ratePerSec*float64(time.Second)), float64(longest)))
}

// measure learns how long conversations are.
func (u *userPlan) measure(turns, conversations int) error {
	mean := float64(turns) / float64(conversations)
	if mean < 2 {
		return fmt.Errorf("user-centric load needs conversations of at least 2 requests on average, and the dataset has %.2f", mean)
	}
	u.sessionTurns = int(math.RoundToEven(mean))
	return nil
}

// userStart is a user who begins.
type userStart struct {
	at    clock.MonoNS
	id    int // of the user; 0 = the next free one
	turns int // that are left of its conversation; 0 = all
}

// first are the users of the start, as if the load had gone on for long: each is
// somewhere in its conversation, what lies behind it is not sent, and one more comes
// fresh. They begin one 1/rate after the other.
//
// User i is (n−i)·L requests of the whole load into its conversation, L being its turns
// but one. Where n and L have a common divisor, these ages would fall together, so the
// places in the line are dealt out in steps that visit each.
func (u *userPlan) first(start clock.MonoNS) []userStart {
	n, left := u.n, max(1, u.sessionTurns-1)
	out := []userStart{{at: start, id: n + 1}}
	for i := range n {
		age := (n - i) * left
		turns := left - age/n
		if turns <= 0 {
			continue // done before the start
		}
		slot := age % n
		if gcd(n, left) != 1 {
			slot = i * coprime(n) % n
		}
		out = append(out, userStart{at: start.Add(u.after(n - slot)), id: i + 1, turns: turns})
	}
	return out
}

// coprime is the smallest step from 2 on that visits all of n places; 1 if there is none.
func coprime(n int) int {
	for step := 2; step < n; step++ {
		if gcd(n, step) == 1 {
			return step
		}
	}
	return 1
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// users are those of a phase who are yet to begin, the earliest first. Whoever begins
// is followed by another, when its turns would be over at its pace.
type users struct {
	plan   *userPlan
	starts userHeap
	lastID int
	late   bool // one was kept waiting by the limit of sessions, which was told
}

func newUsers(plan *userPlan, start clock.MonoNS) *users {
	u := &users{plan: plan, starts: plan.first(start), lastID: plan.n + 1}
	heap.Init(&u.starts)
	return u
}

type userHeap []userStart

func (h userHeap) Len() int { return len(h) }
func (h userHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].id < h[j].id
}
func (h userHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *userHeap) Push(x any)   { *h = append(*h, x.(userStart)) }
func (h *userHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// serveUsers sends the turns of users that are due, a little ahead of their instants:
// those of users who are there, and those of users who begin, whichever is earlier. A
// user who finds no free session waits for one.
func (p *phase) serveUsers(now clock.MonoNS) (wake clock.MonoNS) {
	horizon := now.Add(p.e.settings.horizon())
	for range passLimit {
		if p.allSent {
			return never
		}
		goesOn, begins := p.pending.nextReady(), p.users.starts[0].at
		if waits := !p.slots.free(); waits || !p.rule.allowsSession(p.sent(), max(now, begins)) {
			if waits && begins < now {
				p.warnUserWaits()
			}
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
			s.due = due
			p.sendTurn(now, s, due, planned)
		default:
			p.beginUser(now, due)
		}
	}
	return now
}

// beginUser sends the first turn of the user whose time has come.
func (p *phase) beginUser(now, due clock.MonoNS) {
	u := heap.Pop(&p.users.starts).(userStart)
	if u.id == 0 {
		p.users.lastID++
		u.id = p.users.lastID
	}
	conversation := p.sample()
	turns := p.e.conversations.NumTurns(conversation)
	if u.turns > 0 {
		turns = min(turns, u.turns)
	}
	s := p.open(strconv.Itoa(p.stats.PhaseIndex)+"-"+strconv.Itoa(u.id), conversation, turns)
	s.due = due
	heap.Push(&p.users.starts, userStart{at: u.at.Add(p.users.plan.after(turns * p.users.plan.n))})
	p.sendTurn(now, s, due, u.at)
}

// readyAt is when a session's next turn may go, the one before having returned.
func (p *phase) readyAt(now clock.MonoNS, s *session) clock.MonoNS {
	ready := now.Add(p.delay(s))
	if p.replay != nil {
		if at, ok := p.turnTime(s); ok {
			return max(at, now)
		}
		return now.Add(p.replay.plan.scaled(p.delay(s)))
	}
	if p.users != nil {
		ready = max(ready, s.due.Add(p.users.plan.gap()))
	}
	return ready
}

func (p *phase) warnUserWaits() {
	if !p.users.late {
		p.users.late = true
		p.e.log.Warn(p.plan.title()+" keeps users waiting: no session is free when they would begin", "concurrency", p.slots.limit)
	}
}
