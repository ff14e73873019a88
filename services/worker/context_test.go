package worker

import (
	"github.com/tidwall/gjson"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/dataset"
)

var _ = DescribeTable("the messages of a session's second turn", func(mode string, want []string) {
	said := func(text string) dataset.Turn {
		return dataset.Turn{Texts: []dataset.Media{{Contents: []string{text}}}}
	}
	b := newBench(&memory{documents: []dataset.Conversation{{SessionID: "c0", ContextMode: mode, Turns: []dataset.Turn{said("one"), said("two")}}}}, nil)
	b.ask(turnOf(1, "s", 0, 2))
	b.ask(turnOf(2, "s", 1, 2))
	var got []string
	gjson.Get(b.server.requests()[1].body, "messages").ForEach(func(_, m gjson.Result) bool {
		got = append(got, m.Get("role").Str+": "+m.Get("content").Str)
		return true
	})
	Expect(got).To(Equal(want))
},
	Entry("are all before it, with the answers, by default", "", []string{"user: one", "assistant: hi", "user: two"}),
	Entry("by name too", dataset.DeltasWithoutResponses, []string{"user: one", "assistant: hi", "user: two"}),
	Entry("have no answer where the dataset brings its own", dataset.DeltasWithResponses, []string{"user: one", "user: two"}),
	Entry("are its own where it is complete", dataset.MessageArrayWithResponses, []string{"user: two"}),
)
