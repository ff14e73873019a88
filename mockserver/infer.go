package mockserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"aiperf/clock"
)

// call is one inference request on its way through the server. It belongs to the
// request's goroutine.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	ctx     context.Context
	number  uint64 // from 0, over all routes
	route   string
	body    []byte
	arrival clock.MonoNS
	kernel  bool        // arrival is the kernel's stamp
	wire    *connection // nil behind a listener that is not ours
	load    int64       // requests under way, this one included
	req     request

	promptTokens, outputTokens int
	status                     int
	generates                  bool   // the route answers with text
	fault                      string // what was injected: error, midstream, cut
	aborted                    bool   // the client went away, or the server stops
	first, last                clock.MonoNS
	gaps                       gaps
	tokenNS                    []clock.MonoNS // write instants; kept only for the log
}

// infer is the frame around every inference route: it reads and stamps the request,
// injects errors, and accounts for the answer however it ended.
func (s *Server) infer(route string, answer func(*call)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r, ctx: r.Context(), route: route, number: s.requests.Add(1) - 1, load: s.inflight.Add(1)}
		buf := s.buffers.Get().(*[]byte)
		defer func() {
			s.inflight.Add(-1)
			s.finish(c)
			if *buf = c.body[:0]; cap(*buf) <= keptBody {
				s.buffers.Put(buf)
			}
		}()
		var err error
		c.body, err = readBody(w, r, *buf)
		c.wire = wireOf(c.ctx)
		c.arrival, c.kernel = c.wire.arrival()
		s.stall.begin(c.arrival)
		if err != nil {
			c.refuse(statusOfRead(err), fmt.Sprintf("read body: %v", err))
			return
		}
		if c.req, err = parseRequest(c.body); err != nil {
			c.refuse(http.StatusBadRequest, err.Error())
			return
		}
		if c.req.model == "" {
			c.req.model = s.cfg.Models[0]
		}
		s.models.add(c.req.model)
		if s.chance.happens(c.number, askError, s.errorShare) {
			s.fail(c)
			return
		}
		// Counted before the first wait, which hides what it costs.
		c.promptTokens = s.counter.tokens(c.req.text) + c.req.pretokenised
		answer(c)
	}
}

// keptBody is the largest buffer that is kept for another request.
const keptBody = 1 << 20

// readBody appends the whole body to buf.
func readBody(w http.ResponseWriter, r *http.Request, buf []byte) ([]byte, error) {
	body := http.MaxBytesReader(w, r.Body, maxBody)
	if n := r.ContentLength; n > int64(cap(buf)) && n <= maxBody {
		buf = make([]byte, 0, n+1) // one more, so that the end is seen without growing
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

func statusOfRead(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// fail injects an error before any byte of an answer.
func (s *Server) fail(c *call) {
	c.fault = "error"
	if !s.wait(c, c.arrival) {
		return
	}
	codes := s.cfg.ErrorStatusCodes
	status := codes[s.chance.pick(c.number, askStatus, len(codes))]
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		c.w.Header().Set("Retry-After", strconv.Itoa(s.cfg.ErrorRetryAfterSec))
	}
	c.refuse(status, fmt.Sprintf("Simulated error (status %d)", status))
}

// wait returns at due, later when the server stands still, and false when nobody
// wants the answer any more.
func (s *Server) wait(c *call, due clock.MonoNS) bool {
	if err := s.alarm.WaitUntil(c.ctx, s.stall.shift(due)); err != nil {
		c.aborted = true
		return false
	}
	return true
}

// refuse answers with an error body.
func (c *call) refuse(status int, detail string) {
	c.status = status
	writeDetail(c.w, status, detail)
}

// writeDetail is the error body of every route.
func writeDetail(w http.ResponseWriter, status int, detail string) {
	writeJSON(w, status, map[string]string{"detail": detail})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		b, status = []byte(`{"detail":"the answer cannot be written as JSON"}`), http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that is gone is noticed by its connection
}

// whole sends an answer in one piece, and only then takes the time: the accounts of a
// request must not delay its answer.
func (c *call) whole(b []byte, tokens int) {
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	c.status = http.StatusOK
	if _, err := c.w.Write(b); err != nil || flusher(c.w)() != nil {
		c.aborted = true
	}
	c.first = c.wire.sent()
	c.last, c.outputTokens = c.first, tokens
}

// end is when the answer was complete: of one in a single piece, when that was sent.
func (c *call) end() clock.MonoNS {
	if c.last > 0 && !c.req.stream {
		return c.last
	}
	return clock.Now()
}

// finish accounts for an answer: statistics, request log, access log.
func (s *Server) finish(c *call) {
	end := c.end()
	s.stats.observe(c, end)
	if s.logFile != nil {
		if err := s.logFile.write(c, end); err != nil {
			s.log.Error("write request log", "path", s.cfg.RequestLog, "err", err)
		}
	}
	if s.cfg.AccessLogs {
		s.log.LogAttrs(c.ctx, slog.LevelInfo, "request", slog.String("remote", c.r.RemoteAddr), slog.String("path", c.route),
			slog.Int("status", c.status), slog.Int("prompt_tokens", c.promptTokens), slog.Int("completion_tokens", c.outputTokens),
			slog.Duration("took", end.Sub(c.arrival)), slog.Bool("aborted", c.aborted))
	}
}
