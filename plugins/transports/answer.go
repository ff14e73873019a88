package transports

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
)

// maxAnswerBytes bounds what one answer may bring: it travels in one message.
const maxAnswerBytes = 128 << 20

var errAnswerTooLarge = errors.New("the answer is larger than 128 MiB")

// isStream reads a content type without its parameters.
func isStream(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), "text/event-stream")
}

// read hands the body on piece by piece and stamps its end.
func (a *attempt) read(body io.Reader, most int64, take func(piece []byte, at clock.MonoNS) error) error {
	tr := &a.x.Trace
	for {
		n, err := body.Read(a.buf)
		if n > 0 {
			at := a.arrival()
			if tr.ReceiveStartNS == 0 {
				tr.ReceiveStartNS = at
			}
			tr.ReceiveEndNS = at
			tr.ChunksReceived++
			tr.BytesReceived += int64(n)
			a.x.RecvBytes += int64(n)
			if err := take(a.buf[:n], at); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			a.x.EndNS = a.arrival()
			return nil
		case err != nil:
			return err
		case a.x.RecvBytes > most:
			return errAnswerTooLarge
		}
	}
}

func (a *attempt) readText(body io.Reader) error {
	err := a.read(body, maxAnswerBytes, func(piece []byte, _ clock.MonoNS) error {
		a.text = append(a.text, piece...)
		return nil
	})
	if err == nil {
		a.x.store(messages.ResponseText, a.x.EndNS, a.text)
	}
	return err
}

func (a *attempt) readStream(body io.Reader) error {
	err := a.read(body, maxAnswerBytes, func(piece []byte, _ clock.MonoNS) error {
		return a.split.feed(piece, a.each)
	})
	if err != nil {
		return err
	}
	return a.split.finish(a.each)
}

// event keeps an event that carries data, under the stamp of the read that completed
// it; an error of the server ends the stream.
//
// hot: once per streamed event.
func (a *attempt) event(e *event) error {
	if failure := errorInEvent(e); failure != nil {
		return failure
	}
	if e.Lines > 0 {
		a.x.store(messages.ResponseSSE, a.x.Trace.ReceiveEndNS, e.Data)
	}
	return nil
}

// What is kept of an answer that is no success.
const (
	maxRefusalBytes = 16 << 10
	maxDrainBytes   = 256 << 10 // read on this far to keep the connection
)

// refused reads the body of an answer outside 2xx as the reason.
func (a *attempt) refused(resp *http.Response) error {
	enough := errors.New("enough")
	// A body that breaks off still says something: what came of it is the reason.
	_ = a.read(resp.Body, maxDrainBytes, func(piece []byte, _ clock.MonoNS) error {
		if room := maxRefusalBytes - len(a.text); room > 0 {
			a.text = append(a.text, piece[:min(room, len(piece))]...)
		}
		if a.x.RecvBytes > maxDrainBytes {
			return enough
		}
		return nil
	})
	reason := strings.TrimSpace(strings.TrimPrefix(resp.Status, fmt.Sprint(resp.StatusCode)))
	if reason == "" {
		reason = http.StatusText(resp.StatusCode)
	}
	if reason == "" {
		reason = "HTTP status " + fmt.Sprint(resp.StatusCode)
	}
	text := strings.TrimSpace(string(a.text))
	switch location := resp.Header.Get("Location"); {
	case resp.StatusCode >= 300 && resp.StatusCode < 400 && location != "":
		text = "redirects are not followed; the server points to " + config.RedactURL(location)
	case text == "":
		text = reason
	}
	return messages.NewError(reason, text).WithCode(int64(resp.StatusCode))
}
