package dataset

import (
	"encoding/json"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	store "aiperf/dataset"
	"aiperf/messages"
)

// Types of errors that a request is answered with.
const (
	errDuplicate = "DUPLICATE_REQUEST_ID"
	errTimeout   = "RESPONSE_TIMEOUT"
	errBusy      = "TOO_MANY_REQUESTS"
	errNotFound  = "NotFoundError"
	errFailed    = "DatasetError"
)

// answer is a decoded request: what is said once the dataset is there.
type answer interface {
	from(g *gate) messages.Message
}

type (
	conversationAnswer struct{ id string }
	turnAnswer         struct {
		id   string
		turn int
	}
	statusAnswer struct{}
	refused      struct{ m messages.Message }
)

// decode reads a request; nil for a message that is none.
func decode(e messages.Envelope) answer {
	var conversation messages.ConversationRequest
	var turn messages.ConversationTurnRequest
	var a answer
	var m messages.Message
	switch e.Type {
	case conversation.MessageType():
		m = &conversation
	case turn.MessageType():
		m = &turn
	case (*messages.DatasetConfigStatusRequest)(nil).MessageType():
		return statusAnswer{}
	default:
		return nil
	}
	if err := e.Decode(m); err != nil {
		return refused{refusal(errFailed, err.Error())}
	}
	if m == messages.Message(&conversation) {
		a = conversationAnswer{conversation.ConversationID}
	} else {
		a = turnAnswer{turn.ConversationID, turn.TurnIndex}
	}
	return a
}

func (r refused) from(*gate) messages.Message { return r.m }

func (statusAnswer) from(g *gate) messages.Message {
	if !g.isOpen() {
		return &messages.DatasetConfigStatusResponse{}
	}
	return &messages.DatasetConfigStatusResponse{Notification: g.notification}
}

func (a conversationAnswer) from(g *gate) messages.Message {
	i, refusal := g.find(a.id)
	if refusal != nil {
		return refusal
	}
	raw, err := encodeConversation(g.store, i)
	if err != nil {
		return failure(err)
	}
	return &messages.ConversationResponse{Conversation: raw}
}

func (a turnAnswer) from(g *gate) messages.Message {
	i, refused := g.find(a.id)
	if refused != nil {
		return refused
	}
	if a.turn < 0 || a.turn >= g.store.NumTurns(i) {
		return refusal(errNotFound, fmt.Sprintf("conversation %s has no turn %d: it has %d", a.id, a.turn, g.store.NumTurns(i)))
	}
	turns, err := documentTurns(g.store, i)
	if err != nil {
		return failure(err)
	}
	raw, err := msgpack.Marshal(turns[a.turn])
	if err != nil {
		return failure(err)
	}
	return &messages.ConversationTurnResponse{Turn: raw}
}

func (g *gate) find(id string) (int, messages.Message) {
	if g.err != nil {
		return 0, failure(g.err)
	}
	i, ok := g.store.Find(id)
	if !ok {
		return 0, refusal(errNotFound, "no conversation "+id)
	}
	return i, nil
}

func refusal(typ, text string) messages.Message {
	return &messages.RequestError{Error: *messages.NewError(typ, text)}
}

func failure(err error) messages.Message {
	return &messages.RequestError{Error: *messages.AsErrorDetails(errFailed, err)}
}

// encodeConversation is the stored document as MessagePack. Where the store holds
// bodies only, each turn is its raw_payload.
func encodeConversation(s *store.Store, i int) (msgpack.RawMessage, error) {
	turns, err := documentTurns(s, i)
	if err != nil {
		return nil, err
	}
	doc := map[string]any{"session_id": s.ID(i), "turns": turns}
	if c, err := s.Conversation(i); err == nil {
		if c.SystemMessage != "" {
			doc["system_message"] = c.SystemMessage
		}
		if c.UserContextMessage != "" {
			doc["user_context_message"] = c.UserContextMessage
		}
	}
	return msgpack.Marshal(doc)
}

// documentTurns are the turns of a conversation with the keys of the data model.
func documentTurns(s *store.Store, i int) ([]map[string]any, error) {
	if s.Payload(i, 0) != nil {
		turns := make([]map[string]any, s.NumTurns(i))
		for k := range turns {
			turns[k] = map[string]any{"raw_payload": s.Payload(i, k)}
			if d := s.DelayMS(i, k); d > 0 {
				turns[k]["delay"] = d
			}
			if n := s.MaxTokens(i, k); n > 0 {
				turns[k]["max_tokens"] = n
			}
		}
		return turns, nil
	}
	c, err := s.Conversation(i)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(c.Turns)
	if err != nil {
		return nil, err
	}
	var turns []map[string]any
	return turns, json.Unmarshal(text, &turns)
}
