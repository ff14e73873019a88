package endpoints

import (
	"encoding/json"
	"errors"
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins"
)

// streaming is the configuration of a streaming run of one model.
func streaming(extra ...config.KeyValue) Config {
	return Config{Model: "m1", Endpoint: config.Endpoint{
		Streaming: true, Extra: extra, Capabilities: config.EndpointTraits{SupportsStreaming: true},
	}}
}

func field(key, value string) config.KeyValue {
	return config.KeyValue{Key: key, Value: json.RawMessage(value)}
}

func turn(contents ...string) dataset.Turn {
	t := dataset.Turn{}
	for _, c := range contents {
		t.Texts = append(t.Texts, dataset.Media{Contents: []string{c}})
	}
	return t
}

func made(name string, c Config) Endpoint {
	newEndpoint, err := plugins.Constructor[Constructor](plugins.Builtin(), "endpoint", name)
	Expect(err).NotTo(HaveOccurred())
	e, err := newEndpoint(c)
	Expect(err).NotTo(HaveOccurred())
	return e
}

func bodyOf(name string, c Config, r Request) string {
	b, err := made(name, c).AppendBody([]byte("x"), &r)
	Expect(err).NotTo(HaveOccurred())
	Expect(b[0]).To(Equal(byte('x')), "the body is appended")
	Expect(json.Valid(b[1:])).To(BeTrue(), string(b))
	return string(b[1:])
}

var _ = DescribeTable("the body of a chat request", func(c Config, r Request, want string) {
	Expect(bodyOf("chat", c, r)).To(Equal(want))
},
	Entry("one text is a bare string; a stream asks for its usage", streaming(),
		Request{Turns: []dataset.Turn{{Texts: []dataset.Media{{Contents: []string{"Say hi"}}}, MaxTokens: 16}}},
		`{"messages":[{"role":"user","content":"Say hi"}],"model":"m1","stream":true,"max_completion_tokens":16,"stream_options":{"include_usage":true}}`),
	Entry("without a stream", Config{Model: "m1"}, Request{Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"user","content":"a"}],"model":"m1","stream":false}`),
	Entry("two texts are parts", Config{Model: "m1"}, Request{Turns: []dataset.Turn{turn("a", "", "b")}},
		`{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}],"model":"m1","stream":false}`),
	Entry("nothing is an empty string", Config{Model: "m1"}, Request{Turns: []dataset.Turn{turn("", "")}},
		`{"messages":[{"role":"user","content":""}],"model":"m1","stream":false}`),
	Entry("parts on demand", Config{Model: "m1", ForceContentParts: true}, Request{Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"model":"m1","stream":false}`),
	Entry("no escaping for HTML, but for JSON", Config{Model: "m1"}, Request{Turns: []dataset.Turn{turn("<&>\"\\\n\x01é\u2028")}},
		`{"messages":[{"role":"user","content":"<&>\"\\\n\u0001é`+"\u2028"+`"}],"model":"m1","stream":false}`),
	Entry("the old name of the cap", Config{Model: "m1", Endpoint: config.Endpoint{UseLegacyMaxTokens: true}},
		Request{Turns: []dataset.Turn{{Texts: []dataset.Media{{Contents: []string{"a"}}}, MaxTokens: 3}}},
		`{"messages":[{"role":"user","content":"a"}],"model":"m1","stream":false,"max_tokens":3}`),
	Entry("only the last turn decides about model and cap", Config{Model: "m1"},
		Request{Turns: []dataset.Turn{{Model: "m2", MaxTokens: 9, Texts: turn("a").Texts}, {Role: "assistant", Texts: turn("b").Texts}, turn("c")}},
		`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"model":"m1","stream":false}`),
	Entry("the turn's model goes first, then the request's", Config{Model: "m1"}, Request{Model: "m3", Turns: []dataset.Turn{{Model: "m2"}}},
		`{"messages":[{"role":"user","content":""}],"model":"m2","stream":false}`),
	Entry("the conversation's messages lead", Config{Model: "m1"}, Request{SystemMessage: "s", UserContextMessage: "u", Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},{"role":"user","content":"a"}],"model":"m1","stream":false}`),
	Entry("a system turn is merged", Config{Model: "m1"}, Request{SystemMessage: "s", Turns: []dataset.Turn{{Role: "system", Texts: turn("t").Texts}, turn("a")}},
		`{"messages":[{"role":"system","content":"s\n\nt"},{"role":"user","content":"a"}],"model":"m1","stream":false}`),
	Entry("with parts", Config{Model: "m1"}, Request{SystemMessage: "s", Turns: []dataset.Turn{{Role: "system", Texts: turn("t", "v").Texts}}},
		`{"messages":[{"role":"system","content":[{"type":"text","text":"s"},{"type":"text","text":"t"},{"type":"text","text":"v"}]}],"model":"m1","stream":false}`),
	Entry("with nothing", Config{Model: "m1"}, Request{SystemMessage: "s", Turns: []dataset.Turn{{Role: "system"}}},
		`{"messages":[{"role":"system","content":"s"}],"model":"m1","stream":false}`),
	Entry("raw messages stay as they are", Config{Model: "m1"},
		Request{Turns: []dataset.Turn{{RawMessages: []json.RawMessage{[]byte(`{"role":"tool","content": "1"}`), []byte(`{"x":1}`)}}, {RawMessages: []json.RawMessage{}}, turn("a")}},
		`{"messages":[{"role":"tool","content": "1"},{"x":1},{"role":"user","content":"a"}],"model":"m1","stream":false}`),
	Entry("extras come last, and override in place", streaming(field("temperature", "0.5"), field("model", `"m9"`), field("ignore_eos", "true")),
		Request{Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"user","content":"a"}],"model":"m9","stream":true,"temperature":0.5,"ignore_eos":true,"stream_options":{"include_usage":true}}`),
	Entry("a turn's own extras win, those of earlier turns are forgotten", Config{Model: "m1", Endpoint: config.Endpoint{Extra: []config.KeyValue{field("temperature", "0.5")}}},
		Request{Turns: []dataset.Turn{{Texts: turn("a").Texts, ExtraBody: json.RawMessage(`{"seed":1}`)}, {Texts: turn("b").Texts, ExtraBody: json.RawMessage(`{"temperature": 0.1,"top_k":3}`)}}},
		`{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}],"model":"m1","stream":false,"temperature":0.1,"top_k":3}`),
	Entry("the latest tools stay", Config{Model: "m1"},
		Request{Turns: []dataset.Turn{{Texts: turn("a").Texts, RawTools: json.RawMessage(`[1]`)}, {Texts: turn("b").Texts, RawTools: json.RawMessage(`[2]`)}, turn("c")}},
		`{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},{"role":"user","content":"c"}],"model":"m1","stream":false,"tools":[2]}`),
	Entry("a later extra wins", Config{Model: "m1"}, Request{Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"user","content":"a"}],"model":"m1","stream":false}`),
	Entry("no usage is asked for when the extras end the stream", streaming(field("stream", "false")), Request{Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"user","content":"a"}],"model":"m1","stream":false}`),
	Entry("but when they begin one", Config{Model: "m1", Endpoint: config.Endpoint{Extra: []config.KeyValue{field("stream", "true")}}}, Request{Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"user","content":"a"}],"model":"m1","stream":true,"stream_options":{"include_usage":true}}`),
	Entry("stream options are completed", streaming(field("stream_options", `{"x":1} `)), Request{Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"user","content":"a"}],"model":"m1","stream":true,"stream_options":{"x":1,"include_usage":true}}`),
	Entry("empty ones too", streaming(field("stream_options", `{ }`)), Request{Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"user","content":"a"}],"model":"m1","stream":true,"stream_options":{ "include_usage":true}}`),
	Entry("null is none", streaming(field("stream_options", `null`)), Request{Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"user","content":"a"}],"model":"m1","stream":true,"stream_options":{"include_usage":true}}`),
	Entry("what the user said stays", streaming(field("stream_options", `{"include_usage":false}`)), Request{Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"user","content":"a"}],"model":"m1","stream":true,"stream_options":{"include_usage":false}}`),
	Entry("also when it is no object", streaming(field("stream_options", `7`)), Request{Turns: []dataset.Turn{turn("a")}},
		`{"messages":[{"role":"user","content":"a"}],"model":"m1","stream":true,"stream_options":7}`),
)

var _ = DescribeTable("other bodies", func(name string, c Config, r Request, want string) {
	Expect(bodyOf(name, c, r)).To(Equal(want))
},
	Entry("completions, one prompt", "completions", streaming(), Request{Turns: []dataset.Turn{{Texts: turn("a").Texts, MaxTokens: 5}}},
		`{"prompt":"a","model":"m1","stream":true,"max_tokens":5,"stream_options":{"include_usage":true}}`),
	Entry("completions, two prompts", "completions", Config{Model: "m1"}, Request{Turns: []dataset.Turn{turn("a", "", "b")}},
		`{"prompt":["a","b"],"model":"m1","stream":false}`),
	Entry("completions, none", "completions", Config{Model: "m1"}, Request{Turns: []dataset.Turn{turn()}},
		`{"prompt":[],"model":"m1","stream":false}`),
	Entry("embeddings, always a list", "embeddings", streaming(field("dimensions", "8")), Request{Turns: []dataset.Turn{{Texts: turn("a").Texts, MaxTokens: 5}}},
		`{"model":"m1","input":["a"],"dimensions":8}`),
	Entry("embeddings, a batch", "embeddings", Config{Model: "m1"}, Request{Turns: []dataset.Turn{{Model: "m2", Texts: []dataset.Media{{Contents: []string{"a", "b"}}, {Contents: []string{"c"}}}}}},
		`{"model":"m2","input":["a","b","c"]}`),
)

var _ = Describe("an endpoint", func() {
	DescribeTable("refuses what it cannot express", func(name string, turns ...dataset.Turn) {
		_, err := made(name, Config{}).AppendBody(nil, &Request{Turns: turns})
		var details *messages.ErrorDetails
		Expect(errors.As(err, &details)).To(BeTrue())
		Expect(details.Type).To(Equal("ValueError"))
	},
		Entry("chat without a turn", "chat"),
		Entry("completions without a turn", "completions"),
		Entry("completions with a history", "completions", turn("a"), turn("b")),
		Entry("embeddings with a history", "embeddings", turn("a"), turn("b")),
	)

	It("sends the user's headers and its key", func() {
		c := Config{Endpoint: config.Endpoint{APIKey: "k", Headers: []config.Header{{Name: "X-A", Value: "1"}, {Name: "X-A", Value: "2"}}}}
		for range 2 {
			Expect(made("chat", c).Headers()).To(Equal([]config.Header{{Name: "X-A", Value: "1"}, {Name: "X-A", Value: "2"}, {Name: "Authorization", Value: "Bearer k"}}))
		}
	})

	It("does not pick up a key by itself", func() {
		GinkgoT().Setenv("OPENAI_API_KEY", "ambient")
		Expect(made("chat", Config{}).Headers()).To(BeEmpty())
		Expect(os.Getenv("OPENAI_API_KEY")).To(Equal("ambient"))
	})

	It("changes neither dataset nor configuration", func() {
		c := streaming(field("stream_options", `{"x":1}`), field("a", "[1]"))
		r := Request{SystemMessage: "s", Turns: []dataset.Turn{{Role: "system", RawMessages: []json.RawMessage{json.RawMessage(`{"role":"system","content":[{"type":"text","text":"t"}]}`)}}, turn("b")}}
		before, err := json.Marshal([]any{c, r})
		Expect(err).NotTo(HaveOccurred())
		e := made("chat", c)
		for range 1000 {
			_, err := e.AppendBody(nil, &r)
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(json.Marshal([]any{c, r})).To(Equal(before))
	})

	DescribeTable("streams as the body says", func(supports, streaming bool, extra string, want bool) {
		e := config.Endpoint{Streaming: streaming, Capabilities: config.EndpointTraits{SupportsStreaming: supports}}
		if extra != "" {
			e.Extra = []config.KeyValue{field("stream", extra)}
		}
		Expect(Streams(e)).To(Equal(want))
	},
		Entry("on", true, true, "", true), Entry("off", true, false, "", false), Entry("cannot", false, true, "true", false),
		Entry("switched off", true, true, "false", false), Entry("switched on", true, false, "true", true),
	)

	DescribeTable("knows a cap among the extras", func(key, value string, want int) {
		Expect(ExtraMaxTokens(config.Endpoint{Extra: []config.KeyValue{field(key, value)}})).To(Equal(want))
	},
		Entry("the old name", "max_tokens", "5", 5), Entry("the new name", "max_completion_tokens", "6", 6), Entry("another", "max_output_tokens", "7", 7),
		Entry("no number", "max_tokens", `"5"`, 0), Entry("zero", "max_tokens", "0", 0), Entry("something else", "n", "5", 0),
	)
})
