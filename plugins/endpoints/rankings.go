package endpoints

import (
	"encoding/json"

	"github.com/tidwall/gjson"

	"aiperf/messages"
	"aiperf/plugins"
)

func init() {
	plugins.Register("endpoint", "aiperf.endpoints:NIMRankings", Constructor(func(c Config) (Endpoint, error) { return newRankings(c, nimRankings), nil }))
	plugins.Register("endpoint", "aiperf.endpoints:TEIRankings", Constructor(func(c Config) (Endpoint, error) { return newRankings(c, teiRankings), nil }))
	plugins.Register("endpoint", "aiperf.endpoints:CohereRankings", Constructor(func(c Config) (Endpoint, error) { return newRankings(c, cohereRankings), nil }))
}

// rankingDialect is where the three dialects of ranking differ.
type rankingDialect struct {
	name    string
	body    func(b *body, model, query string, passages []string)
	results func(root gjson.Result) gjson.Result
}

var (
	nimRankings = rankingDialect{"nim_rankings", func(b *body, model, query string, passages []string) {
		b.setString("model", model)
		b.set("query", textObject(query))
		list := []byte{'['}
		for i, p := range passages {
			if i > 0 {
				list = append(list, ',')
			}
			list = append(list, textObject(p)...)
		}
		b.set("passages", append(list, ']'))
	}, func(root gjson.Result) gjson.Result { return root.Get("rankings") }}

	teiRankings = rankingDialect{"hf_tei_rankings", func(b *body, _, query string, passages []string) {
		b.setString("query", query)
		b.set("texts", stringArray(passages))
	}, func(root gjson.Result) gjson.Result {
		if root.IsArray() {
			return root
		}
		return root.Get("results")
	}}

	cohereRankings = rankingDialect{"cohere_rankings", func(b *body, model, query string, passages []string) {
		b.setString("model", model)
		b.setString("query", query)
		b.set("documents", stringArray(passages))
	}, func(root gjson.Result) gjson.Result { return root.Get("results") }}
)

func textObject(text string) json.RawMessage {
	return append(appendString([]byte(`{"text":`), text), '}')
}

// Rankings sorts passages by how well they fit a query. It has no history.
type Rankings struct {
	base
	dialect rankingDialect
}

var _ Endpoint = (*Rankings)(nil)

func newRankings(c Config, d rankingDialect) *Rankings { return &Rankings{newBase(c), d} }

// AppendBody takes query and passages by the names of the turn's texts.
//
//	nim:    model, query, passages, extras
//	tei:    query, texts, extras
//	cohere: model, query, documents, extras
func (e *Rankings) AppendBody(dst []byte, r *Request) ([]byte, error) {
	t, err := only(r, e.dialect.name)
	if err != nil {
		return dst, err
	}
	var queries, passages []string
	for _, item := range t.Texts {
		switch item.Name {
		case "query", "queries":
			queries = append(queries, item.Contents...)
		case "passages":
			passages = append(passages, item.Contents...)
		}
	}
	if len(queries) == 0 {
		return dst, refuse("a ranking needs a text named query: name the texts of the turn query and passages")
	}
	b := &body{}
	e.dialect.body(b, e.model(r, t), queries[0], passages)
	b.merge(e.config.Endpoint.Extra)
	b.mergeObject(t.ExtraBody)
	return b.append(dst), nil
}

// Parse looks for at least one ranked passage.
func (e *Rankings) Parse(raw *messages.RawResponse, into *Response) bool {
	*into = Response{PerfNS: raw.PerfNS}
	text := borrowString(raw.Bytes)
	if !gjson.Valid(text) {
		return false
	}
	root := gjson.Parse(text)
	if root.IsObject() {
		for _, key := range []string{"usage", "meta"} {
			if u := root.Get(key); u.IsObject() && into.Usage == nil {
				into.Usage = usageOf(u)
			}
		}
	}
	if list := e.dialect.results(root); list.IsArray() && list.Get("0").IsObject() {
		into.Kind = Ranking
	}
	return into.Kind != NoData || into.Usage != nil
}
