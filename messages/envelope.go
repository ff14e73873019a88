package messages

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/clock"
)

// ProtocolVersion is sent at registration; the controller refuses another major.
const ProtocolVersion = 1

// MaxDepth bounds the nesting that a decoder accepts.
const MaxDepth = 32

// ErrMalformed is wrapped by every decoding error.
var ErrMalformed = errors.New("malformed envelope")

// Message is a body that names its type. The method has a pointer or value
// receiver and answers for the zero value too.
type Message interface{ MessageType() string }

// Header is the part of the envelope that is the same for all types.
type Header struct {
	Type      string
	ServiceID string // sender
	// Seq counts from 0 per sender and socket; on the event bus per sender and
	// topic, so that a subscriber of one topic can count what it missed.
	Seq       uint64
	SentNS    clock.WallNS // when the message was built
	RequestID string       // request/reply only
}

// bodyAppender is implemented by hot messages: it appends the fields as key and
// value pairs and returns how many there were.
type bodyAppender interface {
	appendFields(w *Writer) int
}

// bodyReader is implemented by hot messages: it reads one field.
type bodyReader interface {
	readField(r *Reader, key []byte) bool
}

// Encode appends the envelope of m to dst. The header's type is taken from m.
func Encode(dst []byte, h Header, m Message) ([]byte, error) {
	w := writers.Get().(*Writer)
	w.buf = dst
	if big, ok := m.(interface{ sizeHint() int }); ok {
		w.buf = slices.Grow(dst, big.sizeHint())
	}
	defer func() {
		w.buf = nil
		writers.Put(w)
	}()
	start := len(dst)
	w.buf = append(w.buf, 0xde, 0, 0) // map16; the length is filled in below
	w.Str("message_type")
	w.Str(m.MessageType())
	w.Str("service_id")
	w.Str(h.ServiceID)
	w.Str("seq")
	w.Uint(h.Seq)
	w.Str("sent_ns")
	w.Int(int64(h.SentNS))
	fields := 4
	if h.RequestID != "" {
		w.Str("request_id")
		w.Str(h.RequestID)
		fields++
	}
	if hot, ok := m.(bodyAppender); ok {
		fields += hot.appendFields(w)
	} else {
		n, err := appendReflected(w, m)
		if err != nil {
			return dst, fmt.Errorf("encode %s: %w", m.MessageType(), err)
		}
		fields += n
	}
	w.buf[start+1], w.buf[start+2] = byte(fields>>8), byte(fields)
	return w.buf, nil
}

// appendReflected splices the library's encoding of a struct (a map of its own)
// into the envelope's map.
func appendReflected(w *Writer, m Message) (fields int, err error) {
	var body bytes.Buffer
	enc := msgpack.NewEncoder(&body)
	enc.UseCompactInts(true)
	if err := enc.Encode(m); err != nil {
		return 0, err
	}
	r := Reader{buf: body.Bytes()}
	fields = r.MapLen()
	if r.err != nil {
		return 0, r.err
	}
	w.buf = append(w.buf, body.Bytes()[r.off:]...)
	return fields, nil
}

// Envelope is a received message whose body is not decoded yet. It borrows the
// frame it was made from.
type Envelope struct {
	Header
	frame []byte
}

// Frame is the whole encoded envelope.
func (e Envelope) Frame() []byte { return e.frame }

// Open reads the header. It fails when the frame is not a map, nests too deep, or
// has no message_type; fields in any order are accepted.
func Open(frame []byte) (Envelope, error) {
	e := Envelope{frame: frame}
	r := Reader{buf: frame}
	n := r.MapLen()
	for i := 0; i < n && r.err == nil; i++ {
		switch string(r.StrBytes()) {
		case "message_type":
			e.Type = Intern(r.StrBytes())
		case "service_id":
			e.ServiceID = Intern(r.StrBytes())
		case "seq":
			e.Seq = r.Uint()
		case "sent_ns":
			e.SentNS = clock.WallNS(r.Int())
		case "request_id":
			e.RequestID = string(r.StrBytes())
		default:
			if i >= 5 && e.Type != "" {
				return e, r.err // the header comes first; the body is checked by Decode
			}
			r.Skip()
		}
	}
	if r.err == nil && e.Type == "" {
		return e, fmt.Errorf("%w: no message_type", ErrMalformed)
	}
	return e, r.err
}

// Decode fills m, a pointer to the type that the header names. Unknown fields are
// ignored. Strings and byte slices are copies unless a hot type says otherwise.
func (e Envelope) Decode(m Message) error {
	hot, ok := m.(bodyReader)
	if !ok {
		// The library recurses without a bound; the scan before it has one.
		r := Reader{buf: e.frame}
		if r.Skip(); r.err != nil {
			return fmt.Errorf("decode %s: %w", e.Type, r.err)
		}
		if err := msgpack.Unmarshal(e.frame, m); err != nil {
			return fmt.Errorf("decode %s: %w: %w", e.Type, ErrMalformed, err)
		}
		return nil
	}
	r := Reader{buf: e.frame}
	n := r.MapLen()
	for i := 0; i < n && r.err == nil; i++ {
		key := r.StrBytes()
		if !hot.readField(&r, key) {
			r.Skip()
		}
	}
	if r.err != nil {
		return fmt.Errorf("decode %s: %w", e.Type, r.err)
	}
	return nil
}
