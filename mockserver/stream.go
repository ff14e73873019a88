package mockserver

import (
	"net/http"

	"aiperf/clock"
)

// mostBeforeFault is how many tokens a stream gets at most before a fault ends it.
const mostBeforeFault = 3

// fault is what goes wrong in a stream, and after how many tokens.
type fault struct {
	kind  string // "", midstream, cut
	after int    // 1 … mostBeforeFault
}

func (s *Server) streamFault(number uint64) fault {
	at := func(ask uint64) int { return 1 + s.chance.pick(number, ask, mostBeforeFault) }
	switch {
	case s.chance.happens(number, askMidstream, s.midstreamShare):
		return fault{"midstream", at(askMidstreamAt)}
	case s.chance.happens(number, askCut, s.cutShare):
		return fault{"cut", at(askCutAt)}
	}
	return fault{}
}

// stream answers token by token: one server-sent event and one write to the
// connection for each, at its instant. The response's head travels with the first.
func (s *Server) stream(c *call, g *generation, p *pacer) {
	f := s.streamFault(c.number)
	h := c.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	flush := flusher(c.w)
	if s.logFile != nil {
		c.tokenNS = make([]clock.MonoNS, 0, g.tokens)
	}
	due := p.due
	for i := range g.tokens {
		if i > 0 {
			due = p.next(i)
		}
		if !s.wait(c, due) {
			return
		}
		if f.kind != "" && i == min(f.after, g.tokens) {
			break
		}
		g.appendToken(i)
		c.status = http.StatusOK
		if _, err := c.w.Write(g.frame); err != nil || flush() != nil {
			c.aborted = true
			return
		}
		c.wrote(c.wire.sent())
		s.stats.tokens.Add(1)
	}
	c.fault = f.kind
	switch f.kind {
	case "cut":
		// The server's own way to close a connection without ending the answer.
		panic(http.ErrAbortHandler)
	case "midstream":
		g.frame = append(g.frame[:0], "event: error\ndata: {\"error\":{\"message\":\"Simulated mid-stream error\",\"type\":\"server_error\"}}\n\n"...)
	default:
		g.appendEnd(c)
	}
	// Leaves together with the end of the response, which the caller writes.
	if _, err := c.w.Write(g.frame); err != nil {
		c.aborted = true
	}
}

// wrote notes that a token has left.
func (c *call) wrote(now clock.MonoNS) {
	if c.outputTokens == 0 {
		c.first = now
	} else {
		c.gaps.add(now.Sub(c.last))
	}
	c.last = now
	c.outputTokens++
	if c.tokenNS != nil {
		c.tokenNS = append(c.tokenNS, now)
	}
}

// appendToken builds the event of token i.
//
// hot: once per token. Budget: no allocation. BenchmarkAppendToken.
func (g *generation) appendToken(i int) {
	b := append(g.frame[:0], "data: "...)
	b = append(b, g.head...)
	b = append(b, `,"choices":[{"index":0,`...)
	if i == 0 {
		b = append(b, g.openFirst...)
	} else {
		b = append(b, g.open...)
	}
	b = append(b, g.token(i)...)
	b = append(b, g.close...)
	b = append(b, `,"logprobs":null,"finish_reason":`...)
	if i == g.tokens-1 {
		b = append(b, g.finish...)
	} else {
		b = append(b, "null"...)
	}
	g.frame = append(b, "}]}\n\n"...)
}

// appendEnd builds what follows the last token.
func (g *generation) appendEnd(c *call) {
	b := g.frame[:0]
	if c.req.includeUsage {
		b = append(b, "data: "...)
		b = append(b, g.head...)
		b = append(b, `,"choices":[],`...)
		b = appendUsage(b, c.promptTokens, c.outputTokens)
		b = append(b, "}\n\n"...)
	}
	g.frame = append(b, "data: [DONE]\n\n"...)
}

// flusher hands what was written to the kernel. Behind a writer that cannot, tokens
// leave when the server pleases.
func flusher(w http.ResponseWriter) func() error {
	if f, ok := w.(interface{ FlushError() error }); ok {
		return f.FlushError
	}
	rc := http.NewResponseController(w)
	return func() error { _ = rc.Flush(); return nil }
}
