package transports

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bounds of a response head.
const (
	maxHeadBytes   = 256 << 10
	maxHeadLines   = 1000
	maxInterims    = 5 // 1xx heads before the answer
	mostHeadMemory = 16 << 10
)

// head is what of a response head decides about reading on.
//
//	length      of the body; −1 when the head does not say
//	chunked     the body comes in chunks, whatever length says
//	close       the connection cannot be used again
//	keep        how long the server keeps an idle connection; 0 when it does not say
//	stream      the body is a stream of server-sent events
type head struct {
	status  int
	length  int64
	chunked bool
	close   bool
	keep    time.Duration
	stream  bool

	reason, location string // of answers that are no success

	minor       int  // HTTP/1.minor
	keepAlive   bool // asked for
	hasTransfer bool
	lines       int
}

// headReader takes response heads out of a stream of bytes, wherever the reads cut it.
//
//	status line   HTTP/1.x SP three digits [SP reason]
//	header line   name ":" value; white space around the value is no part of it
//	folding       a line that begins with white space goes on with the value before it
//	end           an empty line; lines end at LF, a CR before it is no part of them
//	1xx           is passed over, except 101, which ends HTTP
//
// The zero value is ready.
type headReader struct {
	part     []byte // a head whose end has not arrived
	scanned  int    // so far no end was found in part
	interims int
	head     head
}

func (r *headReader) reset() {
	if r.part = r.part[:0]; cap(r.part) > mostHeadMemory {
		r.part = nil
	}
	r.scanned, r.interims, r.head = 0, 0, head{}
}

// begun tells whether any byte of a head was seen.
func (r *headReader) begun() bool { return len(r.part) > 0 || r.interims > 0 }

// feed takes what a read brought. done is true when a head is complete in r.head; rest are
// the bytes after it.
//
// hot: once per request. Budget: no allocation for a success.
func (r *headReader) feed(p []byte) (rest []byte, done bool, err error) {
	for {
		text := p
		if len(r.part) > 0 {
			r.part = append(r.part, p...)
			text = r.part
		}
		end := headEnd(text, r.scanned)
		if end < 0 && len(text) > maxHeadBytes || end > maxHeadBytes {
			return nil, false, malformed("response head is longer than 256 KiB")
		}
		if end < 0 {
			if len(r.part) == 0 {
				r.part = append(r.part, p...)
			}
			if !couldBeHTTP(r.part) && (len(r.part) >= quotedBytes || bytes.IndexByte(r.part, '\n') >= 0) {
				return nil, false, malformed(fmt.Sprintf("malformed HTTP response %q", firstLine(r.part)))
			}
			r.scanned = max(0, len(r.part)-3)
			return nil, false, nil
		}
		rest = text[end:]
		if err := r.parse(text[:end]); err != nil {
			return nil, false, err
		}
		if r.head.status >= 200 || r.head.status == 101 {
			r.scanned, r.part = 0, r.part[:0] // rest stays where it is until the next feed
			return rest, true, nil
		}
		if r.interims++; r.interims > maxInterims {
			return nil, false, malformed("too many 1xx responses")
		}
		p = append([]byte(nil), rest...) // rest may lie in part
		r.scanned, r.part = 0, r.part[:0]
		if len(p) == 0 {
			return nil, false, nil
		}
	}
}

// malformed is the failure to understand an answer as HTTP.
type malformed string

func (m malformed) Error() string { return string(m) }

// headEnd is where the head ends: behind the first empty line; −1 when there is none.
func headEnd(p []byte, from int) int {
	for {
		lf := bytes.IndexByte(p[from:], '\n')
		if lf < 0 {
			return -1
		}
		from += lf + 1
		switch {
		case from < len(p) && p[from] == '\n':
			return from + 1
		case from+1 < len(p) && p[from] == '\r' && p[from+1] == '\n':
			return from + 2
		}
	}
}

// couldBeHTTP lets a peer that speaks something else be known by its first line.
func couldBeHTTP(p []byte) bool {
	const begin = "HTTP/1."
	n := min(len(p), len(begin))
	return string(p[:n]) == begin[:n]
}

// quotedBytes is how much of what a peer says stands in a message.
const quotedBytes = 100

// firstLine is for messages: not too long.
func firstLine(p []byte) []byte {
	line, _, _ := bytes.Cut(p, []byte("\n"))
	return bytes.TrimRight(line[:min(len(line), quotedBytes)], "\r")
}

// parse reads a whole head, its empty line included.
func (r *headReader) parse(text []byte) error {
	r.head = head{length: -1}
	line, rest := cutLine(text)
	if err := r.statusLine(line); err != nil {
		return err
	}
	for {
		line, rest = cutLine(rest)
		if len(line) == 0 {
			r.settle()
			return nil
		}
		if r.head.lines++; r.head.lines > maxHeadLines {
			return malformed("more than 1000 header lines")
		}
		if len(rest) > 0 && isBlank(rest[0]) { // Slow path: the value goes on.
			line = append([]byte(nil), line...)
			for len(rest) > 0 && isBlank(rest[0]) {
				var more []byte
				more, rest = cutLine(rest)
				line = append(append(bytes.TrimRight(line, " \t"), ' '), bytes.Trim(more, " \t")...)
			}
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || isBlank(line[0]) || isBlank(line[colon-1]) {
			return malformed(fmt.Sprintf("malformed MIME header line: %q", firstLine(line)))
		}
		if err := r.field(line[:colon], bytes.Trim(line[colon+1:], " \t")); err != nil {
			return err
		}
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// cutLine returns the first line without its end, and what follows. The text ends with a
// line end.
func cutLine(text []byte) (line, rest []byte) {
	lf := bytes.IndexByte(text, '\n')
	if lf < 0 {
		return text, nil
	}
	line = text[:lf]
	if lf > 0 && line[lf-1] == '\r' {
		line = line[:lf-1]
	}
	return line, text[lf+1:]
}

func (r *headReader) statusLine(line []byte) error {
	const shortest = len("HTTP/1.1 200")
	bad := func() error { return malformed(fmt.Sprintf("malformed HTTP response %q", firstLine(line))) }
	if len(line) < shortest || !couldBeHTTP(line) || line[8] != ' ' || line[7] < '0' || line[7] > '9' {
		return bad()
	}
	status := 0
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return malformed(fmt.Sprintf("malformed HTTP status code %q", line[9:12]))
		}
		status = 10*status + int(c-'0')
	}
	if len(line) > shortest && line[shortest] != ' ' || status < 100 {
		return bad()
	}
	r.head.status, r.head.minor = status, int(line[7]-'0')
	if status > 299 {
		r.head.reason = strings.TrimSpace(strings.ToValidUTF8(string(line[shortest:]), "\uFFFD"))
	}
	return nil
}

// field takes a header that matters; the length of a name decides quickly that most do not.
func (r *headReader) field(name, value []byte) error {
	switch len(name) {
	case len("Location"):
		if r.head.status > 299 && equalFold(name, "location") {
			r.head.location = strings.ToValidUTF8(string(value), "\uFFFD")
		}
	case len("Connection"): // and Keep-Alive
		if equalFold(name, "connection") {
			r.connection(value)
		} else if equalFold(name, "keep-alive") {
			r.keepAliveOptions(value)
		}
	case len("Content-Type"):
		if equalFold(name, "content-type") {
			r.head.stream = isStream(value)
		}
	case len("Content-Length"):
		if equalFold(name, "content-length") {
			return r.contentLength(value)
		}
	case len("Transfer-Encoding"):
		if equalFold(name, "transfer-encoding") {
			if r.head.hasTransfer || !equalFold(value, "chunked") {
				return malformed(fmt.Sprintf("unsupported transfer encoding %q", firstLine(value)))
			}
			r.head.hasTransfer = true
		}
	}
	return nil
}

// equalFold compares ASCII letters without case; low is in lower case.
func equalFold(b []byte, low string) bool {
	if len(b) != len(low) {
		return false
	}
	for i := range len(low) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != low[i] {
			return false
		}
	}
	return true
}

// isStream reads a content type without its parameters.
func isStream(contentType []byte) bool {
	media, _, _ := bytes.Cut(contentType, []byte(";"))
	return equalFold(bytes.Trim(media, " \t"), "text/event-stream")
}

func (r *headReader) connection(value []byte) {
	for len(value) > 0 {
		var option []byte
		option, value, _ = bytes.Cut(value, []byte(","))
		switch option = bytes.Trim(option, " \t"); {
		case equalFold(option, "close"):
			r.head.close = true
		case equalFold(option, "keep-alive"):
			r.head.keepAlive = true
		}
	}
}

// keepAliveOptions reads "timeout=5, max=100".
func (r *headReader) keepAliveOptions(value []byte) {
	for len(value) > 0 {
		var option []byte
		option, value, _ = bytes.Cut(value, []byte(","))
		name, number, _ := bytes.Cut(bytes.Trim(option, " \t"), []byte("="))
		n, err := strconv.ParseUint(string(number), 10, 31)
		switch {
		case err != nil:
		case equalFold(name, "timeout") && n > 0:
			r.head.keep = time.Duration(n) * time.Second
		case n == 0 && (equalFold(name, "timeout") || equalFold(name, "max")):
			r.head.close = true
		}
	}
}

// contentLength reads a length, also one that is repeated.
func (r *headReader) contentLength(value []byte) error {
	for {
		one, more, again := bytes.Cut(value, []byte(","))
		n, ok := digits(bytes.Trim(one, " \t"))
		if !ok || r.head.length >= 0 && r.head.length != n {
			return malformed(fmt.Sprintf("bad Content-Length %q", firstLine(value)))
		}
		r.head.length = n
		if !again {
			return nil
		}
		value = more
	}
}

// digits reads a number that has nothing but digits.
func digits(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

// settle decides how the body is framed, and whether the connection outlives it.
func (r *headReader) settle() {
	h := &r.head
	if h.minor == 0 {
		h.close = h.close || !h.keepAlive
	}
	switch {
	case h.status < 200, h.status == 204, h.status == 304: // these have no body
		h.length, h.chunked = 0, false
		h.close = h.close || h.status == 101
	case h.hasTransfer:
		// Chunks win over a length; a peer that sends both is not to be trusted further.
		h.close = h.close || h.length >= 0
		h.length, h.chunked = -1, true
	case h.length < 0:
		h.close = true // the end of the connection is the end of the body
	}
}
