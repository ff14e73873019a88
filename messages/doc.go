// Package messages is the protocol of the mesh: every message type with its
// fields, units and topic, the envelope around it, and the typed handler.
//
// One message on any socket is one MessagePack map: message_type first, then
// service_id, seq, sent_ns, request_id if there is one, then the fields of the
// type. On the event bus a topic frame comes before it. A type is added here, in
// one place: a struct with its MessageType method and an entry of the catalogue.
//
//	Encode(dst, header, message) -> frame        Decode(frame) -> Envelope -> message
//	On(func(ctx, header, *CreditPhaseStart) error) is a handler; its argument type is
//	the subscription
//
// Hot messages (credits, credit_returns, first_tokens, raw_results,
// metric_records) are batches and code themselves without reflection; the rest go
// through the msgpack library. The sockets are in messages/bus. This package knows
// no other of ours but clock: not who sends what, nor why.
package messages
