package mockserver

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"sync"

	"aiperf/clock"
)

// requestLog writes one JSON line per inference request, at its end. Instants are
// readings of the host's monotonic clock (…_perf_ns), which every process of the
// host shares, so that a client's stamps can be held against them; arrival_ns is the
// same as arrival_perf_ns on the wall clock. It is safe for concurrent use.
type requestLog struct {
	bodies bool // what was asked and answered is written too
	mu     sync.Mutex
	file   *os.File
	line   []byte
}

// openRequestLog appends to a file; a file that grows keeps the lines of earlier
// servers.
func openRequestLog(path string, bodies bool) (*requestLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("request_log: %w", err)
	}
	return &requestLog{file: f, bodies: bodies}, nil
}

func (l *requestLog) write(c *call, end clock.MonoNS) error {
	sum := sha256.Sum256(c.body)
	l.mu.Lock()
	defer l.mu.Unlock()
	w := jsonLine{l.line[:0]}
	w.number("request", int64(c.number))
	w.text("request_id", c.r.Header.Get("X-Request-Id"))
	w.text("correlation_id", c.r.Header.Get("X-Correlation-Id"))
	w.number("connection", int64(c.wire.id()))
	w.text("path", c.route)
	w.text("model", c.req.model)
	w.flag("stream", c.req.stream)
	w.text("body_sha256", hex.EncodeToString(sum[:]))
	w.number("body_bytes", int64(len(c.body)))
	w.number("arrival_ns", int64(clock.WallOf(c.arrival)))
	w.number("arrival_perf_ns", int64(c.arrival))
	source := "read"
	if c.kernel {
		source = "kernel"
	}
	w.text("arrival_source", source)
	w.number("in_flight", c.load)
	w.number("status", int64(c.status))
	w.text("fault", c.fault)
	w.number("prompt_tokens", int64(c.promptTokens))
	w.number("completion_tokens", int64(c.outputTokens))
	w.key("token_perf_ns")
	w.b = append(w.b, '[')
	for i, t := range c.tokenNS {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = strconv.AppendInt(w.b, int64(t), 10)
	}
	w.b = append(w.b, ']')
	w.number("end_perf_ns", int64(end))
	w.flag("aborted", c.aborted)
	if l.bodies {
		w.text("body", string(c.body))
		w.text("answer", c.answered())
	}
	l.line = append(w.b, "}\n"...)
	_, err := l.file.Write(l.line)
	return err
}

// close may be called on a nil log, and twice.
func (l *requestLog) close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// jsonLine builds one flat object.
type jsonLine struct{ b []byte }

func (w *jsonLine) key(k string) {
	if len(w.b) == 0 {
		w.b = append(w.b, '{')
	} else {
		w.b = append(w.b, ',')
	}
	w.b = append(w.b, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, `":`...)
}

func (w *jsonLine) number(k string, v int64) {
	w.key(k)
	w.b = strconv.AppendInt(w.b, v, 10)
}

func (w *jsonLine) flag(k string, v bool) {
	w.key(k)
	w.b = strconv.AppendBool(w.b, v)
}

func (w *jsonLine) text(k, v string) {
	w.key(k)
	w.b = appendQuoted(w.b, v)
}
