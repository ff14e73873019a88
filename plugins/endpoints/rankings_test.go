package endpoints

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
)

var _ = Describe("Rankings", func() {
	turn := dataset.Turn{Texts: []dataset.Media{{Name: "query", Contents: []string{"q?"}}, {Name: "passages", Contents: []string{"a", `b "c"`}}, {Name: "other", Contents: []string{"x"}}}}
	c := Config{Model: "m", Endpoint: config.Endpoint{Extra: []config.KeyValue{{Key: "top_n", Value: []byte("2")}}}}

	DescribeTable("speaks three dialects", func(d rankingDialect, want string) {
		e := newRankings(c, d)
		body, err := e.AppendBody(nil, &Request{Turns: []dataset.Turn{turn}})
		Expect(err).NotTo(HaveOccurred())
		Expect(string(body)).To(Equal(want))
		texts, ids := e.AppendInput(nil, body)
		Expect(texts).To(Equal([]string{"q?", "a", `b "c"`}), "what counts as input")
		Expect(ids).To(BeZero())
	},
		Entry("nim", nimRankings, `{"model":"m","query":{"text":"q?"},"passages":[{"text":"a"},{"text":"b \"c\""}],"top_n":2}`),
		Entry("tei", teiRankings, `{"query":"q?","texts":["a","b \"c\""],"top_n":2}`),
		Entry("cohere", cohereRankings, `{"model":"m","query":"q?","documents":["a","b \"c\""],"top_n":2}`),
	)
	It("refuses turns without a query, and history", func() {
		e := newRankings(c, nimRankings)
		_, err := e.AppendBody(nil, &Request{Turns: []dataset.Turn{{Texts: turn.Texts[1:]}}})
		Expect(err).To(MatchError(ContainSubstring("named query")))
		_, err = e.AppendBody(nil, &Request{Turns: []dataset.Turn{turn, turn}})
		Expect(err).To(MatchError(ContainSubstring("exactly one turn")))
	})
	DescribeTable("reads rankings", func(d rankingDialect, answer string, kind DataKind, usage string) {
		var r Response
		ok := newRankings(c, d).Parse(&messages.RawResponse{PerfNS: 5, Bytes: []byte(answer)}, &r)
		Expect(ok).To(Equal(kind != NoData || usage != ""))
		Expect(r.Kind).To(Equal(kind))
		Expect(string(r.Usage)).To(Equal(usage))
	},
		Entry("nim", nimRankings, `{"rankings":[{"index":1,"logit":3.5}],"usage":{"prompt_tokens":3}}`, Ranking, `{"prompt_tokens":3}`),
		Entry("tei, a list", teiRankings, `[{"index":0,"score":0.1}]`, Ranking, ""),
		Entry("tei, an object", teiRankings, `{"results":[{"index":0}]}`, Ranking, ""),
		Entry("cohere", cohereRankings, `{"results":[{"index":0,"relevance_score":0.2}],"meta":{"billed_units":{"search_units":1}}}`, Ranking, `{"billed_units":{"search_units":1}}`),
		Entry("nothing ranked", nimRankings, `{"rankings":[]}`, NoData, ""),
		Entry("another shape", cohereRankings, `[1]`, NoData, ""),
		Entry("no JSON", teiRankings, `[{"index"`, NoData, ""),
	)
})

var _ = DescribeTable("a chat message with media", func(t dataset.Turn, want string) {
	m, err := renderTurn(&t, false)
	Expect(err).NotTo(HaveOccurred())
	Expect(string(m)).To(Equal(`{"role":"user","content":` + want + `}`))
},
	Entry("a text and a picture", dataset.Turn{Texts: []dataset.Media{{Contents: []string{"see"}}}, Images: []dataset.Media{{Contents: []string{"data:image/png;base64,AA==", ""}}}},
		`[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]`),
	Entry("sounds in both notations", dataset.Turn{Audios: []dataset.Media{{Contents: []string{"WAV,QUE=", "data:audio/mp3;base64,QkI=", "data:;base64,QQ=="}}}},
		`[{"type":"input_audio","input_audio":{"data":"QUE=","format":"wav"}},{"type":"input_audio","input_audio":{"data":"QkI=","format":"mp3"}},{"type":"input_audio","input_audio":{"data":"QQ==","format":"wav"}}]`),
	Entry("a film", dataset.Turn{Videos: []dataset.Media{{Contents: []string{"http://x/v.mp4"}}}}, `[{"type":"video_url","video_url":{"url":"http://x/v.mp4"}}]`),
	Entry("nothing", dataset.Turn{Images: []dataset.Media{{Contents: []string{""}}}}, `""`),
)

var _ = It("refuses a sound without its format", func() {
	_, err := renderTurn(&dataset.Turn{Audios: []dataset.Media{{Contents: []string{"UklGRg"}}}}, false)
	Expect(err).To(MatchError(And(ContainSubstring("no comma"), ContainSubstring("6 characters"))))
})
