package loaders

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// row is where one lies, and what the index pass learned of it. There may be millions.
type row struct {
	at      int64
	size    int32
	line    int32
	session int32 // number of the name it shares; noSession
	turns   int32
	file    uint16
	flags   uint8
}

const noSession = -1

// Flags of a row: what its format notes. Their meaning is the format's own.
const (
	flagA uint8 = 1 << iota
	flagB
	flagC
	flagD
)

// noted is what a check says of a row.
type noted struct {
	session string // "": it is a conversation of its own
	turns   int
	flags   uint8
	drop    bool // it is none of the run's
}

// checker looks at one row and reports what is wrong.
type checker func(r *report, v gjson.Result) noted

// report is where a row's problems go.
type report struct {
	f       *findings
	file    string
	line    int
	ignored map[string]int
	bad     bool
}

func (r *report) say(path, format string, args ...any) {
	r.bad = true
	r.f.add(Problem{File: r.file, Line: r.line, Path: path, Reason: fmt.Sprintf(format, args...)})
}

// table are the rows of a source, in order.
type table struct {
	src      *Source
	rows     []row
	sessions []string // names that rows share
	dropped  int
}

// piece is a stretch of a file that one goroutine reads.
type piece struct {
	file     int
	from, to int
	lines    int
	rows     []row
	names    []string // of the rows, "" for none
	dropped  int
	start    int // number of the line before the first
}

// pieceBytes is about how much one goroutine reads at a time.
const pieceBytes = 4 << 20

// index reads every line of files, checks it, and notes where it lies.
func index(src *Source, files []*file, f *findings, check checker) *table {
	pieces := cut(files)
	count(files, pieces)
	work := make(chan *piece)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for p := range work {
				p.read(files[p.file], f, check)
			}
		})
	}
	for i := range pieces {
		work <- &pieces[i]
	}
	close(work)
	wg.Wait()
	return gather(src, pieces)
}

// cut divides files at line ends.
func cut(files []*file) (pieces []piece) {
	for i, f := range files {
		for from := 0; from < len(f.data); {
			to := min(from+pieceBytes, len(f.data))
			if to < len(f.data) {
				if n := bytes.IndexByte(f.data[to:], '\n'); n >= 0 {
					to += n + 1
				} else {
					to = len(f.data)
				}
			}
			pieces = append(pieces, piece{file: i, from: from, to: to})
			from = to
		}
	}
	return pieces
}

// count numbers the lines.
func count(files []*file, pieces []piece) {
	var wg sync.WaitGroup
	for i := range pieces {
		p := &pieces[i]
		wg.Go(func() { p.lines = bytes.Count(files[p.file].data[p.from:p.to], []byte("\n")) })
	}
	wg.Wait()
	for i := range pieces[min(1, len(pieces)):] {
		if before, p := &pieces[i], &pieces[i+1]; before.file == p.file {
			p.start = before.start + before.lines
		}
	}
}

// read checks the lines of a piece.
func (p *piece) read(f *file, found *findings, check checker) {
	r := &report{f: found, file: f.name, line: p.start, ignored: map[string]int{}}
	for at := p.from; at < p.to; {
		end := p.to
		if n := bytes.IndexByte(f.data[at:p.to], '\n'); n >= 0 {
			end = at + n
		}
		line := f.data[at:end]
		r.line++
		if v, ok := r.parse(line); ok {
			r.bad = false
			switch n := check(r, v); {
			case r.bad:
			case n.drop:
				p.dropped++
			default:
				p.rows = append(p.rows, row{at: int64(at), size: int32(len(line)), line: int32(r.line), session: noSession, turns: int32(n.turns), file: uint16(p.file), flags: n.flags})
				p.names = append(p.names, n.session)
			}
		}
		at = end + 1
	}
	found.merge(r.ignored)
}

// parse makes an object of a line; blank lines are none and no mistake.
func (r *report) parse(line []byte) (gjson.Result, bool) {
	if len(bytes.TrimSpace(line)) == 0 {
		return gjson.Result{}, false
	}
	if !utf8.Valid(line) {
		at := 0
		for at < len(line) {
			c, n := utf8.DecodeRune(line[at:])
			if c == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		r.say("", "not UTF-8 (byte offset %d of the line)", at)
		return gjson.Result{}, false
	}
	if !gjson.ValidBytes(line) {
		var v any
		reason := "the text is damaged"
		if err := json.Unmarshal(line, &v); err != nil {
			reason = err.Error()
		}
		r.say("", "invalid JSON: %s", reason)
		return gjson.Result{}, false
	}
	v := gjson.ParseBytes(line)
	if !v.IsObject() {
		r.say("", "row must be an object, got %s", kindName(v))
		return gjson.Result{}, false
	}
	return v, true
}

// gather joins the pieces and gives sessions their numbers.
func gather(src *Source, pieces []piece) *table {
	t := &table{src: src}
	n := 0
	for i := range pieces {
		n += len(pieces[i].rows)
	}
	t.rows = make([]row, 0, n)
	known := map[string]int32{}
	for i := range pieces {
		p := &pieces[i]
		for k, name := range p.names {
			if name == "" {
				continue
			}
			id, ok := known[name]
			if !ok {
				id = int32(len(t.sessions))
				known[name] = id
				t.sessions = append(t.sessions, name)
			}
			p.rows[k].session = id
		}
		t.rows, t.dropped = append(t.rows, p.rows...), t.dropped+p.dropped
		p.rows, p.names = nil, nil
	}
	return t
}

// value reads a row again.
func (t *table) value(r *row) gjson.Result {
	return gjson.ParseBytes(t.bytes(r))
}

func (t *table) bytes(r *row) []byte {
	return t.src.files[r.file].data[r.at : r.at+int64(r.size)]
}

// where names a row's place.
func (t *table) where(r *row) string { return fmt.Sprintf("%s:%d", t.src.files[r.file].name, r.line) }

// kindName is what a value is, in words.
func kindName(v gjson.Result) string {
	switch {
	case !v.Exists():
		return "nothing"
	case v.IsArray():
		return "an array"
	case v.IsObject():
		return "an object"
	case v.Type == gjson.String:
		return "a string"
	case v.Type == gjson.Number:
		return "a number"
	case v.IsBool():
		return "a boolean"
	}
	return "null"
}
