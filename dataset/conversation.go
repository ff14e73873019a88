package dataset

import "encoding/json"

// Conversation is a template of one session: an ordered list of turns. A run may
// execute it many times.
type Conversation struct {
	SessionID          string `json:"session_id"`
	Turns              []Turn `json:"turns"`
	SystemMessage      string `json:"system_message,omitempty"`
	UserContextMessage string `json:"user_context_message,omitempty"`
	// Branches start other conversations of the dataset.
	Branches []Branch `json:"branches,omitempty"`
}

// Turn is one request and, once answered, one response.
type Turn struct {
	Model     string  `json:"model,omitempty"`
	Role      string  `json:"role,omitempty"` // default user
	DelayMS   float64 `json:"delay,omitempty"`
	MaxTokens int     `json:"max_tokens,omitempty"` // 0 = unset
	Texts     []Media `json:"texts,omitempty"`
	Images    []Media `json:"images,omitempty"` // contents are URLs or data URLs
	Audios    []Media `json:"audios,omitempty"` // contents are `<format>,<base64>` or URLs
	Videos    []Media `json:"videos,omitempty"` // contents are URLs or data URLs
	// AudioDurationSec is the length of the first sound, 0 when there is none.
	AudioDurationSec float64 `json:"audio_duration_seconds,omitempty"`
	// RawMessages bypass message building; assistant replies with tool calls are kept so.
	RawMessages []json.RawMessage `json:"raw_messages,omitempty"`
}

// Media is one named item of a turn; several contents are a client-side batch.
type Media struct {
	Name     string   `json:"name,omitempty"`
	Contents []string `json:"contents"`
}
