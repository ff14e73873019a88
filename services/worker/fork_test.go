package worker

import (
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/dataset"
	"aiperf/messages"
)

var _ = Describe("a forked session", func() {
	said := func(text string) dataset.Turn {
		return dataset.Turn{Texts: []dataset.Media{{Contents: []string{text}}}}
	}
	family := func() *memory {
		return &memory{documents: []dataset.Conversation{
			{SessionID: "p", SystemMessage: "be brief", Turns: []dataset.Turn{said("one"), said("two")}, Branches: []dataset.Branch{
				{ID: "p:0", Mode: dataset.BranchFork, Background: true, Turn: 0, JoinAt: dataset.NoJoin, Children: []string{"a"}},
				{ID: "p:1", Mode: dataset.BranchFork, Turn: 1, JoinAt: dataset.NoJoin, Children: []string{"b"}},
			}},
			{SessionID: "a", Turns: []dataset.Turn{said("aside"), said("more")}},
			{SessionID: "b", Turns: []dataset.Turn{said("after all")}},
		}}
	}
	of := func(id int64, conversation int, session string, turn, turns int) messages.Credit {
		c := turnOf(id, session, turn, turns)
		c.ConversationIndex = conversation
		return c
	}
	child := func(c messages.Credit, parentTurn int) messages.Credit {
		c.AgentDepth, c.ParentCorrelationID, c.RootCorrelationID, c.BranchMode, c.ParentTurn = 1, "P", "P", messages.BranchFork, parentTurn
		return c
	}
	parent := func(id int64, turn int) messages.Credit {
		c := of(id, 0, "P", turn, 2)
		c.HasForks = true
		return c
	}
	contents := func(body string) (out []string) {
		var b struct {
			Messages []struct {
				Role    string
				Content any
			}
		}
		Expect(json.Unmarshal([]byte(body), &b)).To(Succeed())
		for _, m := range b.Messages {
			text, ok := m.Content.(string)
			if !ok {
				text = m.Content.([]any)[0].(map[string]any)["text"].(string)
			}
			out = append(out, m.Role+": "+text)
		}
		return out
	}

	It("begins with the history up to the turn it came from, replies included, and goes on by itself", func() {
		b := newBench(family(), nil)
		b.ask(parent(1, 0))
		b.ask(parent(2, 1)) // the parent goes on before its child of turn 0 begins
		b.ask(child(of(3, 1, "A", 0, 2), 0))
		b.ask(child(of(4, 2, "B", 0, 1), 1))
		b.ask(child(of(5, 1, "A", 1, 2), 0))
		var bodies [][]string
		for _, s := range b.server.requests() {
			bodies = append(bodies, contents(s.body))
		}
		Expect(bodies[2]).To(Equal([]string{"system: be brief", "user: one", "assistant: hi", "user: aside"}))
		Expect(bodies[3]).To(Equal([]string{"system: be brief", "user: one", "assistant: hi", "user: two", "assistant: hi", "user: after all"}))
		Expect(bodies[4]).To(Equal([]string{"system: be brief", "user: one", "assistant: hi", "user: aside", "assistant: hi", "user: more"}))
		Expect(b.sessions.len()).To(BeZero(), "nobody is remembered who is not needed")
	})

	It("cannot begin without its parent's history", func() {
		b := newBench(family(), nil)
		records, returns := b.ask(child(of(1, 2, "B", 0, 1), 1))
		Expect(records[0].Error.Type).To(Equal("LookupError"))
		Expect(returns[0].Error).NotTo(BeEmpty())
	})
})
