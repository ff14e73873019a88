package transports

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// maxEventBytes bounds one server-sent event.
const maxEventBytes = 64 << 20

// errEventTooLarge ends a stream whose event does not end.
var errEventTooLarge = errors.New("a server-sent event is larger than 64 MiB")

// event is one server-sent event. Its slices are valid until the next one.
type event struct {
	Data    []byte // the non-empty data values, joined by newlines; valid UTF-8
	Lines   int    // how many data values there were
	Type    []byte // value of the event field
	Comment []byte // the first one
}

// splitter takes a stream of server-sent events apart, wherever the reads cut it.
//
//	line      ends at LF, CR or CRLF, and at nothing else: U+2028 and its like are text
//	event     ends at an empty line
//	field     name and value around the first colon, both trimmed; without a name a comment
//	repair    a line after a value that opened a brace and did not close it belongs to
//	          that value: some servers break their JSON
//
// The zero value is ready. It allocates only while its buffers grow.
type splitter struct {
	part    []byte // a line whose end has not arrived
	started bool   // the byte-order mark was looked for
	afterCR bool   // a LF now belongs to the CR before it

	ev    event
	other []byte // values of fields that nobody asks for, kept for the repair alone
	last  *[]byte
	from  int // where the last value begins inside *last
	clean []byte
}

// reset readies the splitter for another stream and keeps its buffers.
func (s *splitter) reset() {
	s.part, s.started, s.afterCR = s.part[:0], false, false
	s.clear()
}

func (s *splitter) clear() {
	s.ev.Data, s.ev.Type, s.ev.Comment, s.ev.Lines = s.ev.Data[:0], s.ev.Type[:0], s.ev.Comment[:0], 0
	s.other, s.last, s.from = s.other[:0], nil, 0
}

// feed takes what a read brought and calls each for every event that it completed.
// An error of each ends the stream and is returned.
//
// hot: once per read; 10,000 events/s and more. Budget: no allocation. BenchmarkSplitter.
func (s *splitter) feed(p []byte, each func(*event) error) error {
	for len(p) > 0 {
		if s.afterCR {
			s.afterCR = false
			if p[0] == '\n' {
				p = p[1:]
				continue
			}
		}
		at := lineEnd(p)
		if at < 0 {
			if len(s.part)+len(p)+len(s.ev.Data) > maxEventBytes {
				return errEventTooLarge
			}
			s.part = append(s.part, p...)
			return nil
		}
		line := p[:at]
		s.afterCR = p[at] == '\r'
		p = p[at+1:]
		if len(s.part) > 0 {
			s.part = append(s.part, line...)
			line = s.part
		}
		err := s.line(line, each)
		s.part = s.part[:0]
		if err != nil {
			return err
		}
	}
	return nil
}

// lineEnd finds the first CR or LF. Streams with CR are rare, so it is looked for
// only inside the line that LF ends.
func lineEnd(p []byte) int {
	lf := bytes.IndexByte(p, '\n')
	line := p
	if lf >= 0 {
		line = p[:lf]
	}
	if cr := bytes.IndexByte(line, '\r'); cr >= 0 {
		return cr
	}
	return lf
}

// finish takes what is left at the end of the stream as a last event.
func (s *splitter) finish(each func(*event) error) error {
	if len(s.part) > 0 {
		line := s.part
		err := s.line(line, each)
		s.part = s.part[:0]
		if err != nil {
			return err
		}
	}
	return s.dispatch(each)
}

func (s *splitter) line(line []byte, each func(*event) error) error {
	if !s.started {
		s.started = true
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	if len(line) == 0 {
		return s.dispatch(each)
	}
	if line = trim(line); len(line) == 0 {
		return nil // blank, but no end of an event
	}
	if len(s.ev.Data)+len(s.other)+len(line) > maxEventBytes {
		return errEventTooLarge
	}
	if s.broken() && !bytes.HasPrefix(line, []byte("data:")) {
		*s.last = append(append(*s.last, '\\', 'n'), line...)
		return nil
	}
	s.field(line)
	return nil
}

// broken tells that the last value opened a brace and did not close it.
func (s *splitter) broken() bool {
	if s.last == nil {
		return false
	}
	v := (*s.last)[s.from:]
	return len(v) > 0 && v[0] == '{' && v[len(v)-1] != '}'
}

func (s *splitter) field(line []byte) {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		s.last = nil // a field by that name, without a value
		return
	}
	name, value := trim(line[:colon]), trim(line[colon+1:])
	switch string(name) {
	case "data":
		if len(value) == 0 {
			s.last = nil
			return
		}
		if s.ev.Lines++; s.ev.Lines > 1 {
			s.ev.Data = append(s.ev.Data, '\n')
		}
		s.keep(&s.ev.Data, value)
	case "event":
		s.ev.Type = s.ev.Type[:0]
		s.keep(&s.ev.Type, value)
	case "", "comment":
		if len(s.ev.Comment) == 0 {
			s.keep(&s.ev.Comment, value)
			return
		}
		fallthrough
	default:
		s.other = s.other[:0]
		s.keep(&s.other, value)
	}
}

func (s *splitter) keep(into *[]byte, value []byte) {
	s.last, s.from = into, len(*into)
	*into = append(*into, value...)
}

// dispatch hands out the event under way, if there is anything in it.
func (s *splitter) dispatch(each func(*event) error) error {
	if s.ev.Lines == 0 && len(s.ev.Type) == 0 && len(s.ev.Comment) == 0 {
		s.clear()
		return nil
	}
	if utf8.Valid(s.ev.Data) {
		err := each(&s.ev)
		s.clear()
		return err
	}
	// Slow path: every invalid byte becomes a replacement character.
	s.clean = s.clean[:0]
	for rest := s.ev.Data; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		s.clean = utf8.AppendRune(s.clean, r)
		rest = rest[n:]
	}
	fixed := s.ev
	fixed.Data = s.clean
	err := each(&fixed)
	s.clear()
	return err
}

// trim removes ASCII white space. Other white space is text.
func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
