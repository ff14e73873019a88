package dataset

import "encoding/json"

// Conversation is a template of one session: an ordered list of turns. A run may
// execute it many times.
type Conversation struct {
	SessionID          string `json:"session_id"`
	Turns              []Turn `json:"turns"`
	SystemMessage      string `json:"system_message,omitempty"`
	UserContextMessage string `json:"user_context_message,omitempty"`
	// ContextMode says what its turns hold; "" is DeltasWithoutResponses.
	ContextMode string `json:"context_mode,omitempty"`
	// Branches start other conversations of the dataset.
	Branches []Branch `json:"branches,omitempty"`
	// Coordinator: it does nothing else. Its turns are empty and send no request.
	Coordinator *Coordinator `json:"coordinator,omitempty"`
}

// Context modes: what a turn holds, and what becomes of the answer to it.
const (
	DeltasWithoutResponses    = "deltas_without_responses"     // what is new; real answers stand between the turns
	DeltasWithResponses       = "deltas_with_responses"        // what is new, recorded answers among it; real ones are dropped
	MessageArrayWithResponses = "message_array_with_responses" // all messages; there is no history
)

// Isolated says that every turn is complete by itself: no request depends on another.
func (c *Conversation) Isolated() bool { return c.ContextMode == MessageArrayWithResponses }

// KeepsReplies says that real answers become part of later requests.
func (c *Conversation) KeepsReplies() bool {
	return c.ContextMode == "" || c.ContextMode == DeltasWithoutResponses
}

// Turn is one request and, once answered, one response.
type Turn struct {
	Model string `json:"model,omitempty"`
	Role  string `json:"role,omitempty"` // default user
	// TimestampMS is when the request goes, on the schedule's own clock; nil: it has no time.
	TimestampMS *float64 `json:"timestamp,omitempty"`
	DelayMS     float64  `json:"delay,omitempty"`      // after the return of the turn before
	MaxTokens   int      `json:"max_tokens,omitempty"` // 0 = unset
	Texts       []Media  `json:"texts,omitempty"`
	Images      []Media  `json:"images,omitempty"` // contents are URLs or data URLs
	Audios      []Media  `json:"audios,omitempty"` // contents are `<format>,<base64>` or URLs
	Videos      []Media  `json:"videos,omitempty"` // contents are URLs or data URLs
	// AudioDurationSec is the length of the first sound, 0 when there is none.
	AudioDurationSec float64 `json:"audio_duration_seconds,omitempty"`
	// RawMessages bypass message building; assistant replies with tool calls are kept so.
	RawMessages []json.RawMessage `json:"raw_messages,omitempty"`
	// RawTools is a list of tool definitions; the last turn that has one decides.
	RawTools json.RawMessage `json:"raw_tools,omitempty"`
	// ExtraBody is an object whose fields win over those of the run, in this request alone.
	ExtraBody json.RawMessage `json:"extra_body,omitempty"`
	// RawPayload is the whole body of the request, sent byte by byte. It is kept as a prepared
	// body, never in a document.
	RawPayload []byte `json:"-"`
}

// Media is one named item of a turn; several contents are a client-side batch.
type Media struct {
	Name     string   `json:"name,omitempty"`
	Contents []string `json:"contents"`
	// UUIDs name pictures that a server may have cached, one for each content; a content
	// may then be empty.
	UUIDs []string `json:"uuids,omitempty"`
}
