package endpoints

import (
	"encoding/json"
	"fmt"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
	"aiperf/plugins"
)

func raw(s string) *messages.RawResponse {
	return &messages.RawResponse{Kind: messages.ResponseSSE, PerfNS: 7, Bytes: []byte(s)}
}

// parse renders what was understood.
func parse(name, s string) string {
	var r Response
	ok := made(name, streaming()).Parse(raw(s), &r)
	Expect(ok).To(Equal(r.Kind != NoData || r.Usage != nil))
	if !ok {
		return ""
	}
	Expect(r.PerfNS).To(BeEquivalentTo(7))
	return fmt.Sprintf("%d c=%s r=%s t=%s u=%s", r.Kind, r.Content, r.Reasoning, r.ToolCall, r.Usage)
}

func chunkOf(delta string) string {
	return `{"object":"chat.completion.chunk","choices":[{"index":0,"delta":` + delta + `}]}`
}

var _ = DescribeTable("understanding a chat response", func(s, want string) {
	Expect(parse("chat", s)).To(Equal(want))
},
	Entry("a text", chunkOf(`{"content":"hi"}`), "1 c=hi r= t= u="),
	Entry("an escaped text", chunkOf(`{"content":"a\n\"é\u00e9"}`), "1 c=a\n\"éé r= t= u="),
	Entry("a whole answer", `{"object":"chat.completion","choices":[{"message":{"role":"assistant","content":"hi"}}],"usage":{"total_tokens":3}}`, `1 c=hi r= t= u={"total_tokens":3}`),
	Entry("reasoning", chunkOf(`{"reasoning_content":"hm"}`), "2 c= r=hm t= u="),
	Entry("reasoning by its other name", chunkOf(`{"reasoning":"hm","reasoning_content":null}`), "2 c= r=hm t= u="),
	Entry("reasoning and content feed both", chunkOf(`{"reasoning_content":"hm","content":"hi"}`), "2 c=hi r=hm t= u="),
	Entry("a tool call", chunkOf(`{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}},{"function":{"name":"g"}}]}`), "3 c= r= t=f{}g u="),
	Entry("a tool call and content", chunkOf(`{"content":"hi","tool_calls":[{"function":{"arguments":"{"}}]}`), "3 c=hi r= t={ u="),
	Entry("reasoning and a tool call", chunkOf(`{"reasoning":"hm","tool_calls":[{"function":{"name":"f"}}]}`), "2 c= r=hm t=f u="),
	Entry("a legacy call", chunkOf(`{"function_call":{"name":"f","arguments":"()"}}`), "3 c= r= t=f() u="),
	Entry("a list of parts", chunkOf(`{"content":[{"type":"text","text":"a"},"b",{"type":"image"},7]}`), "1 c=ab r= t= u="),
	Entry("a server that does not name its objects", `{"choices":[{"delta":{"content":"hi"}}]}`, "1 c=hi r= t= u="),
	Entry("nor its whole answers", `{"choices":[{"message":{"content":"hi"}}]}`, "1 c=hi r= t= u="),
	Entry("only the first choice counts", `{"object":"chat.completion.chunk","choices":[{"delta":{}},{"delta":{"content":"x"}}]}`, ""),
	Entry("a role alone is nothing", chunkOf(`{"role":"assistant","content":""}`), ""),
	Entry("an end alone is nothing", `{"object":"chat.completion.chunk","choices":[{"delta":{},"finish_reason":"stop"}]}`, ""),
	Entry("usage alone", `{"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":1}}`, `0 c= r= t= u={"prompt_tokens":1}`),
	Entry("usage of another object", `{"object":"ping","usage":{"a":1},"choices":[{"delta":{"content":"x"}}]}`, `0 c= r= t= u={"a":1}`),
	Entry("no usage to speak of", `{"object":"chat.completion.chunk","choices":[],"usage":{}}`, ""),
	Entry("null usage", `{"object":"chat.completion.chunk","choices":[],"usage":null}`, ""),
	Entry("the last of two keys counts", `{"object":"chat.completion.chunk","choices":[],"choices":[{"delta":{"content":"x"}}]}`, "1 c=x r= t= u="),
	Entry("space before the object", " \n"+chunkOf(`{"content":"hi"}`), "1 c=hi r= t= u="),
	Entry("the end of a stream", "[DONE]", ""),
	Entry("cut JSON", `{"object":"chat.completion.chunk","choices":[{"delta":{"content":"hi"`, ""),
	Entry("a content that is no text", chunkOf(`{"content":5}`), ""),
	Entry("a delta that is no object", chunkOf(`"hi"`), ""),
	Entry("calls that are none", chunkOf(`{"tool_calls":["x",null,{"function":"f"},{"function":{"name":7}}]}`), ""),
)

var _ = DescribeTable("understanding other responses", func(name, s, want string) {
	Expect(parse(name, s)).To(Equal(want))
},
	Entry("completions", "completions", `{"object":"text_completion","choices":[{"text":"hi"}],"usage":{"a":1}}`, `1 c=hi r= t= u={"a":1}`),
	Entry("completions by the other name", "completions", `{"object":"completion","choices":[{"text":"hi"}]}`, `1 c=hi r= t= u=`),
	Entry("completions without a name", "completions", `{"choices":[{"text":"hi"}]}`, `1 c=hi r= t= u=`),
	Entry("completions of another object", "completions", `{"object":"x","choices":[{"text":"hi"}]}`, ""),
	Entry("completions without text", "completions", `{"choices":[{"text":""}]}`, ""),
	Entry("embeddings", "embeddings", `{"object":"list","data":[{"object":"embedding","embedding":[0.1,2]}],"usage":{"prompt_tokens":3}}`, `4 c= r= t= u={"prompt_tokens":3}`),
	Entry("embeddings without names", "embeddings", `{"data":[{"embedding":[1]},{"embedding":[2]}]}`, `4 c= r= t= u=`),
	Entry("embeddings in base64", "embeddings", `{"data":[{"embedding":"AACAPw=="}]}`, `4 c= r= t= u=`),
	Entry("embeddings that are null", "embeddings", `{"data":[{"embedding":null}]}`, ""),
	Entry("no embeddings", "embeddings", `{"data":[]}`, ""),
	Entry("one item that is none", "embeddings", `{"data":[{"embedding":[1]},{"object":"x","embedding":[1]}]}`, ""),
	Entry("one item that is no object", "embeddings", `{"data":[{"embedding":[1]},7]}`, ""),
	Entry("a vector that is a number", "embeddings", `{"data":[{"embedding":7}]}`, ""),
)

// odd are documents that no server should send.
var odd = []string{
	``, ` `, `null`, `5`, `"x"`, `[1]`, `[]`, `{}`, `true`, `{"choices":["x"]}`, `{"choices":{}}`, `{"choices":[null]}`, `{"choices":[[]]}`, `{"data":5}`, `{"data":["x"]}`, `{"data":[[1]]}`,
	`{"object":5,"choices":[{"delta":[1]}]}`, `{"choices":[{"message":"x"}]}`, `{"choices":[{"delta":{"tool_calls":{}}}]}`, `{"choices":[{"text":{}}]}`, `{"object":"chat.completion","choices":5}`, "{\"a\":\"\xff\"}", `{`, `}`, "\x00",
}

var _ = Describe("parsers", func() {
	It("find nothing in odd documents, and do not fail", func() {
		for _, name := range plugins.Builtin().Names("endpoint") {
			for _, s := range odd {
				Expect(parse(name, s)).To(BeEmpty(), "%s of %q", name, s)
			}
		}
	})

	It("allocate nothing", func() {
		for name, s := range map[string]string{"chat": chunkOf(`{"content":"hi"}`), "completions": `{"choices":[{"text":"hi"}]}`} {
			e, r, in := made(name, streaming()), Response{}, raw(s)
			Expect(testing.AllocsPerRun(100, func() { e.Parse(in, &r) })).To(BeZero(), name)
		}
	})
})

var _ = DescribeTable("the texts of a request", func(body string, want ...string) {
	got, ids := made("chat", Config{}).AppendInput([]string{"before"}, []byte(body))
	Expect(got).To(Equal(append([]string{"before"}, want...)))
	Expect(ids).To(BeZero())
},
	Entry("messages", `{"messages":[{"role":"system","content":"a"},{"role":"user","content":[{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"c"}]}],"prompt":"no"}`, "a", "b", "c"),
	Entry("replayed calls", `{"messages":[{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},{"role":"assistant","function_call":{"name":"g","arguments":"()"}},{"role":"tool","content":"1"}]}`, "f", "{}", "g", "()", "1"),
	Entry("input items", `{"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"function_call","name":"f","arguments":"{}"},{"type":"function_call_output","output":"1"}]}`, "a", "f", "{}", "1"),
	Entry("tools", `{"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"x": 1}}},{"name":"g","parameters":{"y":2}}]}`, "a", "f", "d", `{"x":1}`, "g", `{"y":2}`),
	Entry("a prompt", `{"prompt":"a"}`, "a"),
	Entry("prompts", `{"prompt":["a","","b"]}`, "a", "b"),
	Entry("inputs of embeddings", `{"input":["a","b"]}`, "a", "b"),
	Entry("one input", `{"input":"a"}`, "a"),
	Entry("a ranking", `{"query":{"text":"q"},"passages":[{"text":"a"},"b"]}`, "q", "a", "b"),
	Entry("another ranking", `{"query":"q","documents":["a"]}`, "q", "a"),
	Entry("inputs", `{"inputs":"a"}`, "a"),
	Entry("nothing to find", `{"model":"m"}`),
	Entry("messages that are none", `{"messages":["x"],"prompt":"a"}`, "a"),
	Entry("no object", `[1]`), Entry("no JSON", `{"prompt":`), Entry("nothing", ``),
)

var _ = DescribeTable("the token ids of a request", func(body string, want int, texts ...string) {
	got, ids := made("completions", Config{}).AppendInput(nil, []byte(body))
	Expect(ids).To(Equal(want))
	Expect(got).To(HaveExactElements(texts))
},
	Entry("a prompt", `{"prompt":[1,2]}`, 2),
	Entry("prompts", `{"prompt":[[1,2],[3]],"input":"no"}`, 3),
	Entry("inputs of embeddings", `{"input":[[1,2,"x",null]]}`, 2),
	Entry("beside texts", `{"input":["a",[1]]}`, 1, "a"),
	Entry("not in messages", `{"messages":[{"role":"user","content":[1,2]}]}`, 0),
)

// parse's counterpart for sent bodies must hold for every dialect's own bodies.
var _ = It("finds the texts of what it has built", func() {
	for name, want := range map[string][]string{"chat": {"a", "b"}, "completions": {"a", "b"}, "embeddings": {"a", "b"}} {
		e := made(name, streaming())
		b, err := e.AppendBody(nil, &Request{Turns: turns("a", "b")})
		Expect(err).NotTo(HaveOccurred())
		got, _ := e.AppendInput(nil, b)
		Expect(got).To(Equal(want), name)
	}
})

func FuzzParse(f *testing.F) {
	for _, s := range odd {
		f.Add([]byte(s))
	}
	f.Add([]byte(chunkOf(`{"content":[{"text":"a"}],"tool_calls":[{"function":{"name":"f"}}]}`)))
	endpoints := fuzzed()
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range endpoints {
			var r Response
			in := messages.RawResponse{Bytes: b}
			ok := e.Parse(&in, &r)
			if ok && !json.Valid(b) {
				t.Fatalf("%q was understood", b)
			}
			if ok != (r.Kind != NoData || r.Usage != nil) {
				t.Fatalf("%q: ok is %v, response %+v", b, ok, r)
			}
			e.AppendInput(nil, b)
			if replier, can := e.(Replier); can {
				if turn, ok := replier.AssistantTurn([]messages.RawResponse{in, in}); ok {
					for _, m := range turn.RawMessages {
						if !json.Valid(m) {
							t.Fatalf("%q became %s", b, m)
						}
					}
				}
			}
			if checker, can := e.(StreamChecker); can {
				_ = checker.CheckStream([]messages.RawResponse{in})
			}
		}
	})
}

func BenchmarkChatParse(b *testing.B) {
	e, _ := NewChat(streaming())
	in := raw(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}`)
	var r Response
	b.ReportAllocs()
	for b.Loop() {
		if !e.Parse(in, &r) || r.Content != " word" {
			b.Fatal(r)
		}
	}
}

func BenchmarkCompletionsParse(b *testing.B) {
	e, _ := NewCompletions(streaming())
	in := raw(`{"id":"cmpl-1","object":"text_completion","created":1700000000,"model":"m","choices":[{"index":0,"text":" word","finish_reason":null}]}`)
	var r Response
	b.ReportAllocs()
	for b.Loop() {
		if !e.Parse(in, &r) || r.Content != " word" {
			b.Fatal(r)
		}
	}
}
