package dataset

import (
	"fmt"
	"slices"
	"strings"
)

// How a child conversation begins.
const (
	BranchFork  = "fork"  // with its parent's messages and the real answer to them
	BranchSpawn = "spawn" // with nothing
)

// NoJoin is the JoinAt of a branch that nobody waits for.
const NoJoin = -1

// PreSession is the Turn of a branch whose children are sent before any turn.
const PreSession = -1

// Branch starts other conversations when a turn of this one has returned.
type Branch struct {
	ID       string   `json:"branch_id"`
	Mode     string   `json:"mode"` // fork, spawn
	Children []string `json:"child_conversation_ids"`
	Turn     int      `json:"turn"` // whose return starts the children; PreSession
	// JoinAt is the turn that waits until all children have ended; NoJoin.
	JoinAt     int  `json:"join_at"`
	Background bool `json:"is_background,omitempty"` // a fork beside which the parent goes on
}

// BranchProblem is something wrong with a graph of conversations: `<loc>: <reason>`.
type BranchProblem struct {
	Session string
	Turn    int // −1: the session as a whole
	Reason  string
}

func (p BranchProblem) Error() string {
	switch {
	case p.Session == "":
		return p.Reason
	case p.Turn < 0:
		return fmt.Sprintf("session '%s'%s", p.Session, joint(p.Reason))
	}
	return fmt.Sprintf("session '%s' turn %d%s", p.Session, p.Turn, joint(p.Reason))
}

// joint puts a colon before a reason that is a clause of its own.
func joint(reason string) string {
	for _, verb := range []string{"is ", "has ", "forked "} {
		if strings.HasPrefix(reason, verb) {
			return " " + reason
		}
	}
	return ": " + reason
}

// Node is what the check of a graph looks at of one conversation.
type Node struct {
	ID       string
	Turns    int
	Branches []Branch
	// Isolated: every turn is a complete message array, so there is no history to go on from.
	Isolated bool
}

// CheckBranches names everything that is wrong with a graph of conversations. Whoever
// reads a dataset calls it before any request is sent.
func CheckBranches(nodes []Node) (problems []BranchProblem) {
	c := branchCheck{nodes: nodes, index: make(map[string]int, len(nodes)), forkedBy: map[string]place{}}
	for i, n := range nodes {
		c.index[n.ID] = i
	}
	for _, n := range nodes {
		for _, b := range n.Branches {
			c.branch(n, b)
		}
	}
	c.targets()
	if len(c.problems) == 0 {
		c.cycle()
	}
	return c.problems
}

type place struct {
	session string
	turn    int
}

type branchCheck struct {
	nodes    []Node
	index    map[string]int
	forkedBy map[string]place
	problems []BranchProblem
}

func (c *branchCheck) add(session string, turn int, format string, args ...any) {
	c.problems = append(c.problems, BranchProblem{session, turn, fmt.Sprintf(format, args...)})
}

// branch checks one branch by itself, and notes who forks whom.
func (c *branchCheck) branch(n Node, b Branch) {
	if len(b.Children) == 0 {
		c.add(n.ID, b.Turn, "branch '%s' has no children", b.ID)
	}
	if b.Mode == BranchFork && !b.Background && b.Turn != n.Turns-1 {
		c.add(n.ID, b.Turn, "has foreground FORK branches but is not the last turn; mark them as background, or move them to turn %d", n.Turns-1)
	}
	switch {
	case b.JoinAt == NoJoin:
	case b.JoinAt <= b.Turn:
		c.add(n.ID, b.Turn, "spawn join_at=%d must be strictly greater than the spawning turn index; allowed: %s", b.JoinAt, joinRange(b.Turn, n.Turns))
	case b.JoinAt >= n.Turns:
		c.add(n.ID, b.Turn, "spawn join_at=%d is out of range (conversation has %d turns); allowed: %s", b.JoinAt, n.Turns, joinRange(b.Turn, n.Turns))
	}
	seen := map[string]bool{}
	for _, child := range b.Children {
		if seen[child] {
			c.add(n.ID, b.Turn, "duplicate child_conversation_id '%s' in %s group", child, b.Mode)
			continue
		}
		seen[child] = true
		if _, known := c.index[child]; !known {
			c.add(n.ID, b.Turn, "branch target '%s' not declared. Known sessions: [%s]", child, c.known())
			continue
		}
		if b.Mode != BranchFork {
			continue
		}
		if first, taken := c.forkedBy[child]; taken {
			c.add(child, -1, "forked by both '%s' turn %d and '%s' turn %d", first.session, first.turn, n.ID, b.Turn)
			continue
		}
		c.forkedBy[child] = place{n.ID, b.Turn}
	}
}

func joinRange(turn, turns int) string {
	if turn+1 >= turns {
		return "none, there is no later turn"
	}
	return fmt.Sprintf("%d to %d", turn+1, turns-1)
}

// known lists up to ten ids.
func (c *branchCheck) known() string {
	ids := make([]string, 0, 10)
	for _, n := range c.nodes[:min(10, len(c.nodes))] {
		ids = append(ids, "'"+n.ID+"'")
	}
	if len(c.nodes) > 10 {
		ids = append(ids, "…")
	}
	return strings.Join(ids, ", ")
}

// targets checks what a conversation may not be at the same time.
func (c *branchCheck) targets() {
	children := map[string]bool{}
	for _, n := range c.nodes {
		for _, b := range n.Branches {
			for _, child := range b.Children {
				children[child] = true
			}
		}
	}
	for _, n := range c.nodes {
		if by, forked := c.forkedBy[n.ID]; forked && n.Isolated {
			c.add(n.ID, -1, "is a FORK target with context_mode 'message_array_with_responses', of '%s' turn %d: it would not use the history it begins with", by.session, by.turn)
		}
		for _, b := range n.Branches {
			if b.Turn != PreSession {
				continue
			}
			if children[n.ID] {
				c.add(n.ID, -1, "has pre_session_spawns but is started by another session; only roots may have them")
			}
			for _, child := range b.Children {
				if _, forked := c.forkedBy[child]; forked {
					c.add(child, -1, "is referenced by '%s' pre_session_spawns but is also a FORK target", n.ID)
				}
			}
		}
	}
}

// cycle reports the first one that is found.
func (c *branchCheck) cycle() {
	const unseen, open, done = 0, 1, 2
	state := make([]int, len(c.nodes))
	var path []string
	var visit func(i int) bool
	visit = func(i int) bool {
		state[i] = open
		path = append(path, c.nodes[i].ID)
		for _, b := range c.nodes[i].Branches {
			for _, child := range b.Children {
				k := c.index[child]
				switch state[k] {
				case open:
					from := slices.Index(path, child)
					c.add("", -1, "cycle detected: %s", strings.Join(append(path[from:], child), " -> "))
					return true
				case unseen:
					if visit(k) {
						return true
					}
				}
			}
		}
		state[i] = done
		path = path[:len(path)-1]
		return false
	}
	for i := range c.nodes {
		if state[i] == unseen && visit(i) {
			return
		}
	}
}
