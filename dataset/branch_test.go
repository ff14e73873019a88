package dataset

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func branch(mode string, turn, join int, children ...string) Branch {
	return Branch{ID: "b", Mode: mode, Turn: turn, JoinAt: join, Children: children}
}

func node(id string, turns int, branches ...Branch) Node {
	return Node{ID: id, Turns: turns, Branches: branches}
}

var _ = DescribeTable("the check of branching conversations says", func(want string, nodes ...Node) {
	var got []string
	for _, p := range CheckBranches(nodes) {
		got = append(got, p.Error())
	}
	if want == "" {
		Expect(got).To(BeEmpty())
		return
	}
	Expect(got).To(ContainElement(HavePrefix(want)))
},
	Entry("nothing of a sound graph", "",
		node("root", 3, branch(BranchSpawn, 0, 1, "w1"), branch(BranchSpawn, 0, 2, "w2"), branch(BranchFork, 2, NoJoin, "f1")),
		node("w1", 1), node("w2", 2), node("f1", 1), node("root2", 1, branch(BranchSpawn, PreSession, NoJoin, "bg")), node("bg", 1)),
	Entry("an unknown target", "session 'a' turn 0: branch target 'zz' not declared. Known sessions: ['a']", node("a", 1, branch(BranchSpawn, 0, NoJoin, "zz"))),
	Entry("a cycle", "cycle detected: a -> b -> a", node("a", 1, branch(BranchSpawn, 0, NoJoin, "b")), node("b", 1, branch(BranchSpawn, 0, NoJoin, "a"))),
	Entry("two parents of a fork", "session 'c' forked by both 'a' turn 0 and 'b' turn 0",
		node("a", 1, branch(BranchFork, 0, NoJoin, "c")), node("b", 1, branch(BranchFork, 0, NoJoin, "c")), node("c", 1)),
	Entry("a fork before the last turn", "session 'a' turn 0 has foreground FORK branches but is not the last turn", node("a", 2, branch(BranchFork, 0, NoJoin, "c")), node("c", 1)),
	Entry("a join too early", "session 'a' turn 0: spawn join_at=0 must be strictly greater than the spawning turn index", node("a", 2, branch(BranchSpawn, 0, 0, "b")), node("b", 1)),
	Entry("a join too late", "session 'a' turn 0: spawn join_at=2 is out of range (conversation has 2 turns)", node("a", 2, branch(BranchSpawn, 0, 2, "b")), node("b", 1)),
	Entry("a child named twice", "session 'a' turn 0: duplicate child_conversation_id 'b' in spawn group", node("a", 2, branch(BranchSpawn, 0, 1, "b", "b")), node("b", 1)),
	Entry("a fork without history", "session 'c' is a FORK target with context_mode 'message_array_with_responses'", node("a", 1, branch(BranchFork, 0, NoJoin, "c")), Node{ID: "c", Turns: 1, Isolated: true}),
	Entry("a pre-session fork", "session 'c' is referenced by 'b' pre_session_spawns but is also a FORK target",
		node("a", 1, branch(BranchFork, 0, NoJoin, "c")), node("b", 1, branch(BranchSpawn, PreSession, NoJoin, "c")), node("c", 1)),
)

var _ = Describe("a dataset with branches", func() {
	write := func(conversations ...Conversation) *Store {
		dir := GinkgoT().TempDir()
		w, err := NewWriter(dir)
		Expect(err).NotTo(HaveOccurred())
		for i := range conversations {
			Expect(w.Add(&conversations[i], nil)).To(Succeed())
		}
		_, err = w.Finish()
		Expect(err).NotTo(HaveOccurred())
		s, err := Open(dir)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(s.Close)
		return s
	}
	turns := func(n int) []Turn { return make([]Turn, n) }

	It("gives the scheduler its graph by numbers, and its roots", func() {
		s := write(Conversation{SessionID: "w", Turns: turns(1)}, Conversation{SessionID: "r", Turns: turns(2), Branches: []Branch{branch(BranchSpawn, 0, 1, "w")}},
			Conversation{SessionID: "f", Turns: turns(1)}, Conversation{SessionID: "q", Turns: turns(1), Branches: []Branch{branch(BranchFork, 0, NoJoin, "f")}})
		g, err := s.Graph()
		Expect(err).NotTo(HaveOccurred())
		Expect(g.Roots).To(Equal([]int{1, 3}))
		Expect(g.Branches[1]).To(Equal([]Link{{Turn: 0, JoinAt: 1, Children: []int{0}}}))
		Expect([]bool{g.HasForks(3, 0), g.HasForks(1, 0)}).To(Equal([]bool{true, false}))
	})

	It("is refused as a whole, with every reason, when the graph is wrong", func() {
		s := write(Conversation{SessionID: "a", Turns: turns(2), Branches: []Branch{branch(BranchSpawn, 0, 9, "zz")}})
		_, err := s.Graph()
		Expect(err).To(MatchError(And(ContainSubstring("join_at=9 is out of range"), ContainSubstring("'zz' not declared"))))
	})

	It("has no graph when nothing branches", func() {
		g, err := write(Conversation{SessionID: "a", Turns: turns(1)}).Graph()
		Expect(err).NotTo(HaveOccurred())
		Expect(g).To(BeNil())
	})
})
