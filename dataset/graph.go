package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// graphFile lies beside the index when conversations branch.
const graphFile = "graph.json"

// Graph is what a scheduler needs of branching conversations, which it names by their
// number in the dataset.
type Graph struct {
	Branches [][]Link // by conversation, in the order of their turns
	Roots    []int    // conversations that no other one starts: only these are sampled
	// Coordinators are the conversations that send nothing themselves.
	Coordinators map[int]*Coordinator
}

// Link is a branch with its children resolved.
type Link struct {
	Turn       int   // whose return starts the children; PreSession
	JoinAt     int   // the turn that waits for them; NoJoin
	Fork       bool  // they begin with the parent's history
	Background bool  // a fork beside which the parent goes on
	Children   []int // conversations
}

// HasForks tells whether a turn has children that will need its history.
func (g *Graph) HasForks(conversation, turn int) bool {
	for i := range g.Branches[conversation] {
		if l := &g.Branches[conversation][i]; l.Fork && l.Turn == turn {
			return true
		}
	}
	return false
}

// checkGraph holds the graph against the conversations that there are; all problems are
// in the error. The scheduler asks before its first credit.
func (s *Store) checkGraph(branches map[string][]Branch) error {
	nodes := make([]Node, s.Len())
	for i := range nodes {
		id := s.ID(i)
		nodes[i] = Node{ID: id, Turns: s.NumTurns(i), Branches: branches[id], Isolated: s.Isolated(i)}
	}
	var errs []error
	for _, p := range CheckBranches(nodes) {
		errs = append(errs, p)
	}
	if len(errs) > 0 {
		return fmt.Errorf("conversations that start others: %w", errors.Join(errs...))
	}
	return nil
}

// graphDocument is the file: the branches of the conversations that have any.
type graphDocument struct {
	Branches     map[string][]Branch     `json:"branches"`
	Coordinators map[string]*Coordinator `json:"coordinators,omitempty"`
}

// writeGraph writes the file, if any conversation branches.
func writeGraph(dir string, doc graphDocument) error {
	if len(doc.Branches) == 0 {
		return nil
	}
	b, err := json.Marshal(doc)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, graphFile), b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the graph of conversations: %w", err)
	}
	return nil
}

// Graph reads how conversations branch; nil when none does.
func (s *Store) Graph() (*Graph, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, graphFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the graph of conversations: %w", err)
	}
	var doc graphDocument
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("read the graph of conversations: %s: %w", graphFile, err)
	}
	if err := s.checkGraph(doc.Branches); err != nil {
		return nil, err
	}
	g := &Graph{Branches: make([][]Link, s.Len()), Coordinators: map[int]*Coordinator{}}
	for id, c := range doc.Coordinators {
		if at, known := s.Find(id); known {
			g.Coordinators[at] = c
		}
	}
	child := make([]bool, s.Len())
	for id, branches := range doc.Branches {
		at, known := s.Find(id)
		if !known {
			return nil, fmt.Errorf("read the graph of conversations: there is no conversation %q", id)
		}
		for _, b := range branches {
			l := Link{Turn: b.Turn, JoinAt: b.JoinAt, Fork: b.Mode == BranchFork, Background: b.Background}
			for _, name := range b.Children {
				k, known := s.Find(name)
				if !known {
					return nil, fmt.Errorf("read the graph of conversations: %q starts %q, which does not exist", id, name)
				}
				l.Children, child[k] = append(l.Children, k), true
			}
			g.Branches[at] = append(g.Branches[at], l)
		}
	}
	for i, is := range child {
		if !is {
			g.Roots = append(g.Roots, i)
		}
	}
	if len(g.Roots) == 0 {
		return nil, errors.New("read the graph of conversations: none of them is a root")
	}
	return g, nil
}
