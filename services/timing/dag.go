package timing

import (
	"slices"

	"aiperf/clock"
	"aiperf/dataset"
	"aiperf/messages"
)

// branching is the state of a phase whose conversations start others. Nil in all others:
// a warmup sends roots alone.
//
//	root ── turn returned ──> children: sent at once, without a slot and without a tick
//	parent ── its next turn joins children that have not ended ──> suspended
//	last child ended ──> the parent goes on
type branching struct {
	graph    *dataset.Graph
	children continuations // children whose next turn may go at an instant
	resting  continuations // coordinators whose next turn takes place at an instant
	live     int           // sessions that have begun, or are to begin, and have not ended
	stats    messages.BranchStats
}

// kin is what a session of a graph knows of its relatives; nil without one.
type kin struct {
	parent *session // nil for a root, and for a child of no turn
	root   string   // id of the session at the top; empty for a child of no turn
	link   int      // the parent's branch that the session came from
	turn   int      // of the parent
	fork   bool
	depth  int // 0: a root

	open      []int // by branch: children that have not ended, of branches that are joined
	suspended bool  // the next turn waits for some of them
	failed    bool  // a turn ended with an error
	aborted   bool  // of the session at the top: a child has failed, and the whole tree ends
}

// relate makes a root's kin.
func (p *phase) relate(s *session) {
	if p.branching == nil {
		return
	}
	p.branching.live++
	s.kin = &kin{open: make([]int, len(p.branching.graph.Branches[s.conversation]))}
}

// fire starts the children of a turn that has returned, or with PreSession those of none.
func (p *phase) fire(now clock.MonoNS, parent *session, turn int) {
	links := p.branching.graph.Branches[parent.conversation]
	for i := range links {
		if links[i].Turn != turn {
			continue
		}
		for _, conversation := range links[i].Children {
			p.bear(now, parent, i, &links[i], conversation)
		}
	}
}

// before starts the children that come before any turn, once in a phase.
func (p *phase) before(now clock.MonoNS) {
	if p.branching == nil {
		return
	}
	for _, root := range p.branching.graph.Roots {
		for i := range p.branching.graph.Branches[root] {
			if l := &p.branching.graph.Branches[root][i]; l.Turn == dataset.PreSession {
				for _, conversation := range l.Children {
					p.bear(now, nil, i, l, conversation)
				}
			}
		}
	}
}

// bear makes one child. A fork lives where its parent's history is; any other goes there
// as long as the parent is there.
func (p *phase) bear(now clock.MonoNS, parent *session, link int, l *dataset.Link, conversation int) {
	b := p.branching
	if !p.rule.allowsChild(p.sent(), now) {
		b.stats.ChildrenTruncated++
		return
	}
	c := &session{
		phase: p, id: p.e.newID(), conversation: conversation, turns: p.e.conversations.NumTurns(conversation), url: p.e.nextURL(),
		kin: &kin{link: link, turn: max(l.Turn, 0), fork: l.Fork, depth: 1, open: make([]int, len(b.graph.Branches[conversation]))},
	}
	b.stats.ChildrenSpawned++
	if parent != nil {
		c.seq, c.kin.parent, c.kin.depth, c.kin.root = parent.seq, parent, parent.kin.depth+1, rootOf(parent)
		if l.JoinAt != dataset.NoJoin {
			parent.kin.open[link]++
		}
		home := p.e.router.workers[parent.lastWorker]
		switch at := home != nil && home.pooled; {
		case p.coordinator(c) != nil: // it needs no worker
		case at && (l.Fork || parent.worker != nil):
			p.e.router.stick(c, home)
		case l.Fork: // its history is gone
			b.live++
			p.cutShort(now, c)
			return
		}
	}
	b.live++
	b.children.push(c, now.Add(p.delay(c)))
}

func rootOf(s *session) string {
	if s.kin.root != "" {
		return s.kin.root
	}
	return s.id
}

// top is the session at the top of a tree.
func top(s *session) *session {
	for s.kin.parent != nil {
		s = s.kin.parent
	}
	return s
}

// aborted tells whether a failed child has ended the session's tree.
func aborted(s *session) bool { return top(s).kin.aborted }

// abortTree ends the tree of a child that has failed: its parent fails with it, and so on
// up to the root, and what else they have started is of no use any more. What waits ends
// now, what is under way is cancelled and ends when it is back. Other trees go on.
func (p *phase) abortTree(now clock.MonoNS, child *session) {
	root := top(child)
	if root.kin.aborted {
		return
	}
	root.kin.aborted = true
	for parent := child.kin.parent; parent != nil; parent = parent.kin.parent {
		if !parent.ended && (parent.next < parent.turns || parent.inFlight) {
			p.branching.stats.ParentsFailedDueToChildError++
		}
	}
	p.e.log.Warn("a child has failed; its tree ends (AIPERF_DAG_FAIL_FAST)", "conversation", p.e.conversationID(child.conversation), "root", root.id)
	var ids []int64
	for _, id := range p.idsInFlight(nil) {
		if top(p.flights[id].session) == root {
			ids = append(ids, id)
		}
	}
	p.cancelCredits(ids)
	for _, s := range slices.Concat(p.pending.all(), p.branching.children.all(), p.branching.resting.all()) {
		if top(s) == root {
			p.endEarly(now, s)
		}
	}
}

// sendChildren sends the children's turns that are due and returns when the next one is.
func (p *phase) sendChildren(now clock.MonoNS) (wake clock.MonoNS) {
	if p.branching == nil {
		return never
	}
	b := p.branching
	wake = p.coordinate(now)
	for range passLimit {
		s := b.children.first(now)
		if s == nil {
			return min(wake, b.children.nextReady())
		}
		b.children.pop()
		if !p.rule.allowsChild(p.sent(), now) {
			p.truncate(now, s)
			continue
		}
		p.sendTurn(now, s, now, 0)
	}
	return now
}

// truncate ends a child whose next turn a stop condition refuses.
func (p *phase) truncate(now clock.MonoNS, s *session) {
	p.branching.stats.ChildrenTruncated++
	s.ended = true
	p.e.router.unstick(s)
	p.childEnded(now, s)
}

// returned decides what follows a turn of a branching phase.
func (p *phase) returned(now clock.MonoNS, s *session, cancelled, failed bool) {
	k := s.kin
	k.failed = k.failed || failed || cancelled
	if failed && k.parent != nil && p.e.settings.failFast && p.state == sending {
		p.abortTree(now, s)
	}
	if p.state == sending && !cancelled && !aborted(s) {
		p.fire(now, s, s.next-1)
	}
	switch {
	case s.next == s.turns && k.depth == 0:
		p.closeRoot(s, cancelled)
		p.branching.live--
	case s.next == s.turns:
		p.childCounts(s)
		p.childEnded(now, s)
	case p.state != sending && k.depth > 0:
		p.truncate(now, s)
	case p.state != sending: // cut by the stop
		p.giveSlot(s)
	case aborted(s):
		p.endEarly(now, s)
	case cancelled || !p.e.canGoOn(s):
		p.cutShort(now, s)
	case p.joins(s):
		k.suspended = true
		p.branching.stats.ParentsSuspended++
	default:
		p.goOn(now, s)
	}
}

// goOn lets a session's next turn follow: a child's by itself, a root's in its turn.
func (p *phase) goOn(now clock.MonoNS, s *session) {
	switch c := p.coordinator(s); {
	case c != nil:
		p.rest(now, s, c)
	case s.kin.depth > 0:
		p.branching.children.push(s, now.Add(p.delay(s)))
	case p.rule.allowsTurn(p.sent(), now):
		p.pending.push(s, p.readyAt(now, s))
	}
}

// joins tells whether the session's next turn waits for children.
func (p *phase) joins(s *session) bool {
	for i, n := range s.kin.open {
		if n > 0 && p.branching.graph.Branches[s.conversation][i].JoinAt == s.next {
			return true
		}
	}
	return false
}

func (p *phase) childCounts(s *session) {
	if s.kin.failed {
		p.branching.stats.ChildrenErrored++
	} else {
		p.branching.stats.ChildrenCompleted++
	}
}

// childEnded takes a child off its parent's join, whatever ended it, and lets the parent
// go on if it was the last.
func (p *phase) childEnded(now clock.MonoNS, s *session) {
	b := p.branching
	b.live--
	parent := s.kin.parent
	if parent == nil || b.graph.Branches[parent.conversation][s.kin.link].JoinAt == dataset.NoJoin {
		return
	}
	parent.kin.open[s.kin.link]--
	if !parent.kin.suspended || parent.ended || p.joins(parent) {
		return
	}
	parent.kin.suspended = false
	switch {
	case p.state != sending || !p.rule.allowsChild(p.sent(), now):
		b.stats.JoinsSuppressed++
		if parent.kin.depth > 0 {
			p.truncate(now, parent)
		} else {
			p.giveSlot(parent)
		}
	case aborted(parent):
		p.endEarly(now, parent)
	case !p.e.canGoOn(parent):
		p.cutShort(now, parent)
	default:
		b.stats.ParentsResumed++
		p.goOn(now, parent)
	}
}

// branchesDone tells whether nothing can be sent any more by branches.
func (p *phase) branchesDone() bool {
	return p.branching == nil || p.branching.live == 0 || p.rule.requests > 0 && p.stats.RequestsSent >= p.rule.requests
}

// dropChildren ends the children that wait, when sending is over, and lets coordinators go.
func (p *phase) dropChildren(now clock.MonoNS) {
	if p.branching == nil {
		return
	}
	for s := p.branching.children.first(never); s != nil; s = p.branching.children.first(never) {
		p.branching.children.pop()
		p.truncate(now, s)
	}
	for s := p.branching.resting.first(never); s != nil; s = p.branching.resting.first(never) {
		p.branching.resting.pop()
		if s.kin.depth > 0 {
			p.truncate(now, s)
		} else {
			p.giveSlot(s) // cut by the stop
		}
	}
}

// branchStats is nil in a phase without branches.
func (p *phase) branchStats() *messages.BranchStats {
	if p.branching == nil {
		return nil
	}
	stats := p.branching.stats
	return &stats
}

// name says in a credit where its session stands in the graph.
func (p *phase) name(c *messages.Credit, s *session) {
	c.HasForks = p.branching.graph.HasForks(s.conversation, s.next)
	k := s.kin
	if c.AgentDepth = k.depth; k.depth == 0 || k.parent == nil {
		return
	}
	c.ParentCorrelationID, c.RootCorrelationID, c.ParentTurn, c.BranchMode = k.parent.id, k.root, k.turn, messages.BranchSpawn
	if k.fork {
		c.BranchMode = messages.BranchFork
	}
}
