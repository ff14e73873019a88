package recordprocessor

import (
	"aiperf/exporters"
	"aiperf/messages"
	"aiperf/plugins/transports"
)

// written is what is kept of requests besides their numbers: bodies, answers, texts.
// All of its methods do nothing on nil.
type written struct {
	files   *exporters.Fragments
	headers *transports.Headers
	said    []byte // generated text of the request in work
	any     bool   // there was some
	err     error  // first failure
}

func newWritten(files *exporters.Fragments, headers *transports.Headers) *written {
	if files == nil {
		return nil
	}
	return &written{files: files, headers: headers}
}

func (w *written) reset() {
	if w != nil {
		w.said, w.any = w.said[:0], false
	}
}

// text appends a piece of the answer.
func (w *written) text(s string) {
	if w != nil && s != "" {
		w.said, w.any = append(w.said, s...), true
	}
}

func (w *written) flush() error {
	if w == nil {
		return nil
	}
	if err := w.files.Flush(); w.err == nil {
		w.err = err
	}
	return w.err
}

func (w *written) close() error {
	if w == nil {
		return nil
	}
	return w.files.Close()
}

// writeDown keeps a processed request. A disk that is full costs these files, never
// the figures: the failure is told when the records are asked for.
func (e *engine) writeDown(raw *messages.RequestRecord, rec *messages.MetricRecord) {
	w := e.written
	if w == nil || w.err != nil {
		return
	}
	x := exporters.Exchange{Raw: raw, Record: rec, Payload: raw.PayloadBytes}
	if raw.SendPerfNS != 0 {
		x.Headers = w.headers.List(raw.XRequestID, raw.Credit.XCorrelationID)
		if _, ok := e.bodies.TurnNumber(raw.Credit.ConversationIndex, raw.Credit.TurnIndex); ok && len(x.Payload) == 0 {
			x.Payload = e.bodies.Payload(raw.Credit.ConversationIndex, raw.Credit.TurnIndex)
		}
	} else {
		x.Payload = nil // it never reached the transport
	}
	if w.any {
		x.Text = w.said
	}
	w.err = w.files.Add(&x)
}
