package endpoints

import (
	"github.com/tidwall/gjson"

	"aiperf/messages"
	"aiperf/plugins"
)

func init() { plugins.Register("endpoint", "aiperf.endpoints:Embeddings", Constructor(NewEmbeddings)) }

// Embeddings is the embeddings dialect: texts in, vectors out. A turn's output cap has
// no meaning here and is not sent.
type Embeddings struct{ base }

var _ Endpoint = (*Embeddings)(nil)

// NewEmbeddings makes it.
func NewEmbeddings(c Config) (Endpoint, error) { return &Embeddings{newBase(c)}, nil }

// AppendBody sends all texts of the one turn, always as a list.
//
//	model, input, extras
func (e *Embeddings) AppendBody(dst []byte, r *Request) ([]byte, error) {
	t, err := only(r, "embeddings")
	if err != nil {
		return dst, err
	}
	b := &body{}
	b.setString("model", e.model(r, t))
	b.set("input", stringArray(texts(t)))
	b.merge(e.config.Endpoint.Extra)
	b.mergeObject(t.ExtraBody)
	return b.append(dst), nil
}

// Parse looks for at least one vector, as numbers or as base64. One item that is no
// embedding makes the whole answer useless.
func (e *Embeddings) Parse(raw *messages.RawResponse, into *Response) bool {
	*into = Response{PerfNS: raw.PerfNS}
	root, ok := parseObject(raw.Bytes)
	if !ok {
		return false
	}
	into.Usage = usageOf(root.Get("usage"))
	if data := root.Get("data"); data.IsArray() && vectors(data) > 0 {
		into.Kind = Embedding
	}
	return into.Kind != NoData || into.Usage != nil
}

// vectors counts the vectors of a list; 0 when an item is something else.
func vectors(data gjson.Result) (n int) {
	data.ForEach(func(_, item gjson.Result) bool {
		object, vector := item.Get("object"), item.Get("embedding")
		sound := item.IsObject() && (!object.Exists() || object.Str == "embedding")
		switch {
		case !sound, vector.Exists() && vector.Type != gjson.Null && !vector.IsArray() && vector.Type != gjson.String:
			n = 0
			return false
		case vector.IsArray(), vector.Str != "":
			n++
		}
		return true
	})
	return n
}
