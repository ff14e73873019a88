package messages

import "context"

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

// Topic is the bus topic of a message type; target is empty for a broadcast, else a
// service id or type. The terminator matters: subscriptions match prefixes, and
// a name must not match a longer one.
func Topic(messageType, target string) string {
	if target == "" {
		return messageType + "$"
	}
	return messageType + "." + target + "$"
}
