package endpoints

import (
	"aiperf/clock"
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
)

// Endpoint is one API dialect: it builds request bodies and understands answers. It
// opens no socket and knows no URL. It is safe for concurrent use, and changes
// neither the request nor the configuration it was made from.
type Endpoint interface {
	// AppendBody appends the body of a request: compact JSON, keys in the dialect's
	// order. The result depends on the request and the configuration alone.
	AppendBody(dst []byte, r *Request) ([]byte, error)

	// Headers are the dialect's own headers, such as Authorization.
	Headers() []config.Header

	// Parse reads one raw response into a Response that it resets first. It is false
	// when there was neither data nor usage; anything malformed is that, never a panic.
	//
	// hot: once per streamed event.
	Parse(raw *messages.RawResponse, into *Response) (ok bool)

	// AppendInput appends the texts of a sent body that count as input tokens, and counts
	// the input tokens that it carries as ids.
	AppendInput(dst []string, body []byte) (texts []string, ids int)
}

// Replier is an endpoint whose answers become part of the conversation's next request.
type Replier interface {
	// AssistantTurn makes the turn that an answer leaves in the history; false when it
	// leaves none.
	AssistantTurn(responses []messages.RawResponse) (dataset.Turn, bool)
}

// Request is what a body is built from.
type Request struct {
	SystemMessage, UserContextMessage string
	// Turns is the history, up to and including the dispatching turn, which is last.
	Turns []dataset.Turn
	// Model is used when the dispatching turn names none.
	Model string
}

// DataKind is what a response carried.
type DataKind uint8

// The kinds. NoData is a response with usage alone.
const (
	NoData DataKind = iota
	Text
	Reasoning // reasoning, perhaps with content beside it
	ToolCall  // tool call, perhaps with content beside it
	Embedding
	Ranking
)

// Response is one understood response. Its strings may borrow the raw bytes.
type Response struct {
	PerfNS    clock.MonoNS
	Kind      DataKind
	Content   string // text that counts as output
	Reasoning string // text that counts as reasoning
	ToolCall  string // tool call text; counts as output, after Content
	Usage     []byte // the usage object as JSON, nil when there was none
}

// Config is what an endpoint is made from.
type Config struct {
	Endpoint          config.Endpoint
	Model             string // the primary one
	ForceContentParts bool
}

// Constructor makes an endpoint; plugins of category "endpoint" register one.
type Constructor = func(Config) (Endpoint, error)
