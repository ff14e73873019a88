package transports

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
)

// maxAnswerBytes bounds what one answer may bring: it travels in one message.
const maxAnswerBytes = 128 << 20

// What is kept of an answer that is no success.
const (
	maxRefusalBytes = 16 << 10
	maxDrainBytes   = 256 << 10 // read on this far to keep the connection
)

var (
	errAnswerTooLarge = errors.New("the answer is larger than 128 MiB")
	errEnough         = errors.New("enough of an answer that is no success")
)

// answer makes the responses of one exchange from the pieces of its body. It is the same
// for every way that the bytes may take, and is used again by the next exchange.
//
//	not 2xx   the beginning of the body is the reason of a failure
//	a stream  every event is a response, stamped by the read that completed it
//	else      the whole body is one response, stamped by its end
type answer struct {
	x      *Exchange
	split  splitter
	each   func(*event) error
	text   []byte // of an answer that is no stream
	lastAt clock.MonoNS
	run    int // events with the stamp lastAt
}

func (a *answer) reset() {
	a.x, a.lastAt, a.run = nil, 0, 0
	a.split.reset()
	if a.text = a.text[:0]; cap(a.text) > keepBlock {
		a.text = nil
	}
	if cap(a.split.ev.Data) > keepBlock || cap(a.split.part) > keepBlock {
		a.split = splitter{}
	}
}

// begin notes the head. at is the arrival of its end.
func (a *answer) begin(status int, stream bool, at clock.MonoNS) {
	a.x.Status = status
	if a.succeeds() {
		a.x.RecvStartNS, a.x.Streamed = at, stream
	}
}

func (a *answer) succeeds() bool { return a.x.Status >= 200 && a.x.Status <= 299 }

// read notes that a read brought something of the body.
func (a *answer) read(at clock.MonoNS) {
	tr := &a.x.Trace
	if tr.ReceiveStartNS == 0 {
		tr.ReceiveStartNS = at
	}
	tr.ReceiveEndNS = at
	tr.ChunksReceived++
}

// take takes a piece of the body, which came with the last read.
//
// hot: once per chunk and read. Budget: no allocation but for what is kept.
func (a *answer) take(piece []byte) error {
	a.x.RecvBytes += int64(len(piece))
	a.x.Trace.BytesReceived = a.x.RecvBytes
	switch {
	case !a.succeeds():
		if room := maxRefusalBytes - len(a.text); room > 0 {
			a.text = append(a.text, piece[:min(room, len(piece))]...)
		}
		if a.x.RecvBytes > maxDrainBytes {
			return errEnough
		}
		return nil
	case a.x.RecvBytes > maxAnswerBytes:
		return errAnswerTooLarge
	case a.x.Streamed:
		return a.split.feed(piece, a.each)
	}
	a.text = append(a.text, piece...)
	return nil
}

// event keeps an event that carries data, under the stamp of the read that completed
// it; an error of the server ends the stream.
//
// hot: once per streamed event.
func (a *answer) event(e *event) error {
	if failure := errorInEvent(e); failure != nil {
		return failure
	}
	if e.Lines == 0 {
		return nil
	}
	at := a.x.Trace.ReceiveEndNS
	a.x.store(messages.ResponseSSE, at, e.Data)
	if string(e.Data) == "[DONE]" {
		return nil
	}
	if a.run++; at != a.lastAt {
		a.lastAt, a.run = at, 1
	}
	switch {
	case a.run == 2: // the first one turns out to share its stamp
		a.x.CoalescedEvents += 2
	case a.run > 2:
		a.x.CoalescedEvents++
	}
	return nil
}

// finish is told that the body of a success is complete; at is the arrival of its end.
func (a *answer) finish(at clock.MonoNS) error {
	a.x.EndNS = at
	if a.x.Streamed {
		return a.split.finish(a.each)
	}
	a.x.store(messages.ResponseText, at, a.text)
	return nil
}

// refusal is the failure that an answer outside 2xx amounts to.
func (a *answer) refusal(reason, location string) error {
	status := a.x.Status
	if reason == "" {
		reason = http.StatusText(status)
	}
	if reason == "" {
		reason = "HTTP status " + fmt.Sprint(status)
	}
	text := strings.TrimSpace(string(a.text))
	switch {
	case status >= 300 && status < 400 && location != "":
		text = "redirects are not followed; the server points to " + config.RedactURL(location)
	case text == "":
		text = reason
	}
	return messages.NewError(reason, text).WithCode(int64(status))
}
