package messages

import (
	"context"
	"fmt"
	"strings"
)

// Handler is a typed function with the message type it understands.
type Handler struct {
	Type   string
	Handle func(ctx context.Context, e Envelope) error
}

// On makes a handler of a function. The function's argument type is the
// subscription: nothing else names the message.
func On[T any, M interface {
	*T
	Message
}](fn func(ctx context.Context, from Header, m M) error) Handler {
	typ := M(new(T)).MessageType()
	return Handler{Type: typ, Handle: func(ctx context.Context, e Envelope) error {
		m := M(new(T))
		if err := e.Decode(m); err != nil {
			return err
		}
		return fn(ctx, e.Header, m)
	}}
}

// RequestHandler answers a request with a message.
type RequestHandler struct {
	Type   string
	Handle func(ctx context.Context, e Envelope) (Message, error)
}

// OnRequest makes a request handler of a function.
func OnRequest[T any, M interface {
	*T
	Message
}](fn func(ctx context.Context, from Header, m M) (Message, error)) RequestHandler {
	typ := M(new(T)).MessageType()
	return RequestHandler{Type: typ, Handle: func(ctx context.Context, e Envelope) (Message, error) {
		m := M(new(T))
		if err := e.Decode(m); err != nil {
			return nil, err
		}
		return fn(ctx, e.Header, m)
	}}
}

// Topic is the bus topic of a message type; target is empty for a broadcast, else a
// service id or type. The terminator matters: subscriptions match prefixes, and
// a name must not match a longer one.
func Topic(messageType, target string) string {
	if target == "" {
		return messageType + "$"
	}
	return messageType + "." + target + "$"
}

// SplitTopic takes a topic apart.
func SplitTopic(topic string) (messageType, target string, err error) {
	body, ok := strings.CutSuffix(topic, "$")
	if !ok {
		return "", "", fmt.Errorf("%w: topic %.40q has no terminator", ErrMalformed, topic)
	}
	messageType, target, _ = strings.Cut(body, ".")
	return messageType, target, nil
}
