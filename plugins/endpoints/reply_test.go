package endpoints

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/dataset"
	"aiperf/messages"
)

func turns(contents ...string) []dataset.Turn { return []dataset.Turn{turn(contents...)} }

// fuzzed makes one endpoint of each dialect.
func fuzzed() (all []Endpoint) {
	for _, constructor := range []Constructor{NewChat, NewCompletions, NewEmbeddings} {
		e, err := constructor(streaming())
		if err != nil {
			panic(err)
		}
		all = append(all, e)
	}
	return all
}

func responses(events ...string) (out []messages.RawResponse) {
	for _, e := range events {
		out = append(out, *raw(e))
	}
	return out
}

var _ = DescribeTable("the turn that an answer leaves", func(text, rawMessage string, events ...string) {
	reply, ok := made("chat", streaming()).(Replier).AssistantTurn(responses(events...))
	if text == "" && rawMessage == "" {
		Expect(ok).To(BeFalse())
		return
	}
	Expect(ok).To(BeTrue())
	Expect(reply.Role).To(Equal("assistant"))
	if text != "" {
		Expect(reply.Texts).To(Equal(turn(text).Texts))
		return
	}
	Expect(string(reply.RawMessages[0])).To(Equal(rawMessage))
},
	Entry("texts are joined", "Hello", "", chunkOf(`{"role":"assistant"}`), chunkOf(`{"content":"Hel"}`), chunkOf(`{"content":"lo"}`), "[DONE]"),
	Entry("content goes before reasoning", "hi", "", chunkOf(`{"reasoning":"hm"}`), chunkOf(`{"content":"hi"}`)),
	Entry("reasoning when there is nothing else", "hm!", "", chunkOf(`{"reasoning":"hm"}`), chunkOf(`{"reasoning":"!"}`)),
	Entry("nothing leaves none", "", "", chunkOf(`{}`), "[DONE]", "x"),
	Entry("pieces of calls are merged by index", "", `{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"b","type":"function","function":{"name":"g","arguments":""}}]}`,
		chunkOf(`{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]}`),
		chunkOf(`{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\""}}]}`),
		chunkOf(`{"tool_calls":[{"index":0,"id":null,"function":{"arguments":":1}"}}]}`)),
	Entry("calls without an index take the next place", "", `{"role":"assistant","content":"ok","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"1"}},{"id":"b","type":"function","function":{"name":"g","arguments":"2"}}]}`,
		`{"object":"chat.completion","choices":[{"message":{"content":"ok","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"1"}},{"id":"b","type":"function","function":{"name":"g","arguments":"2"}}]}}]}`),
	Entry("a legacy call becomes one", "", `{"role":"assistant","content":null,"tool_calls":[{"id":"call_0","type":"function","function":{"name":"f","arguments":"()"}}]}`,
		chunkOf(`{"function_call":{"name":"f","arguments":"("}}`), chunkOf(`{"function_call":{"arguments":")"}}`)),
)

var _ = It("leaves a turn that outlives the answer's bytes", func() {
	answer := responses(chunkOf(`{"content":"hi"}`))
	reply, ok := made("chat", streaming()).(Replier).AssistantTurn(answer)
	Expect(ok).To(BeTrue())
	clear(answer[0].Bytes)
	Expect(reply.Texts[0].Contents).To(Equal([]string{"hi"}))
})

var _ = DescribeTable("a stream's end", func(problem string, events ...string) {
	err := made("chat", streaming()).(StreamChecker).CheckStream(responses(events...))
	if problem == "" {
		Expect(err).NotTo(HaveOccurred())
	} else {
		Expect(err).To(MatchError(ContainSubstring(problem)))
	}
},
	Entry("with [DONE]", "", chunkOf(`{"content":"a"}`), "[DONE]"),
	Entry("with a reason for every choice", "", `{"choices":[{"index":0},{"index":1,"finish_reason":"length"}]}`, `{"choices":[{"index":0,"finish_reason":"stop"}]}`, `{"choices":[],"usage":{}}`),
	Entry("with a reason for one of two", "without [DONE]", `{"choices":[{"index":0},{"index":1}]}`, `{"choices":[{"index":0,"finish_reason":"stop"}]}`),
	Entry("with nothing", "without [DONE]", chunkOf(`{"content":"a"}`)),
	Entry("before it began", "without [DONE]"),
	Entry("that was none", "after [DONE]", "[DONE]", chunkOf(`{}`)),
	Entry("no JSON", "not JSON", chunkOf(`{}`), "oops", "[DONE]"),
	Entry("contents that differ", "", chunkOf(`{"content":"a"}`), chunkOf(`{"content":""}`), chunkOf(`{"content":"\n \\ \" \u00e9 é"}`), "[DONE]"),
	Entry("a content that is no text", "not JSON", chunkOf(`{"content":"a"}`), chunkOf(`{"content":"a\q"}`), "[DONE]"),
	Entry("a content with a raw line end", "not JSON", chunkOf(`{"content":"a"}`), chunkOf("{\"content\":\"a\nb\"}"), "[DONE]"),
	Entry("a content that swallows its quote", "not JSON", chunkOf(`{"content":"a"}`), chunkOf(`{"content":"a\"}`), "[DONE]"),
	Entry("a content that holds a reason", "finish_reason", chunkOf(`{"content":"a"}`),
		strings.Replace(chunkOf(`{"content":"X"}`), `"X"}`, `"X"},"finish_reason":7,"z":{"content":"a"}`, 1), "[DONE]"),
	Entry("no choices", "no choices array", `{"a":1}`, "[DONE]"),
	Entry("a choice that is none", "not an object", `{"choices":[1]}`, "[DONE]"),
	Entry("a reason that is none", "finish_reason", `{"choices":[{"finish_reason":7}]}`, "[DONE]"),
	Entry("an empty reason", "finish_reason", `{"choices":[{"finish_reason":""}]}`, "[DONE]"),
	Entry("an index below zero", "index", `{"choices":[{"index":-1}]}`, "[DONE]"),
	Entry("an index that is none", "index", `{"choices":[{"index":"0"}]}`, "[DONE]"),
	Entry("half an index", "index", `{"choices":[{"index":0.5}]}`, "[DONE]"),
)

func BenchmarkCheckStream(b *testing.B) {
	e, _ := NewChat(streaming())
	event := `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}`
	var events []string
	for range 100 {
		events = append(events, event)
	}
	in := responses(append(events, "[DONE]")...)
	b.ReportAllocs()
	for b.Loop() {
		if err := e.(StreamChecker).CheckStream(in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/101, "ns/event")
}
