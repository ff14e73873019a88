package transports

import (
	"bytes"
	"io"
	"sync"
)

// body makes a reader of a request's body. The client may read longer than the exchange
// lasts, but the owner of the bytes wants them back at its end.
//
//	small  a copy: the client sends types that it knows in one write with the head
//	large  the bytes themselves; the exchange waits until the client has let go
func (a *attempt) body(b []byte) io.ReadCloser {
	if len(b) < ioBufferBytes {
		return io.NopCloser(bytes.NewReader(bytes.Clone(b)))
	}
	a.reading.Add(1)
	o := &outgoing{close: sync.OnceFunc(a.reading.Done)}
	o.Reset(b)
	return o
}

// outgoing tells when the client has let go of a body.
type outgoing struct {
	bytes.Reader
	close func()
}

func (o *outgoing) Close() error {
	o.close()
	return nil
}
