package mockserver

import (
	"encoding/json"
	"hash/crc32"
	"strconv"

	"aiperf/clock"
)

// dialect is how one route writes its answers.
type dialect struct {
	idPrefix            string
	object, chunkObject string
	// Around the text of a streamed token; the first may differ.
	openFirst, open, close string
	// Around the text of an answer in one piece.
	openWhole, closeWhole string
}

var chat = dialect{
	idPrefix: "chatcmpl-", object: "chat.completion", chunkObject: "chat.completion.chunk",
	openFirst: `"delta":{"role":"assistant","content":"`, open: `"delta":{"content":"`, close: `"}`,
	openWhole: `"message":{"role":"assistant","content":"`, closeWhole: `"}`,
}

var completions = dialect{
	idPrefix: "cmpl-", object: "text_completion", chunkObject: "text_completion",
	openFirst: `"text":"`, open: `"text":"`, close: `"`,
	openWhole: `"text":"`, closeWhole: `"`,
}

// generation is one answer that is being written.
type generation struct {
	dialect
	answer
	tokens int
	finish string // reason, quoted
	head   []byte // opens the object: id, created, model
	frame  []byte // scratch
}

// generate serves a text route.
func (s *Server) generate(d dialect) func(*call) {
	return func(c *call) {
		c.generates = true
		g := &generation{
			dialect: d, answer: newAnswer(crc32.ChecksumIEEE(c.body)), tokens: c.req.maxTokens, finish: `"length"`,
		}
		if g.tokens == 0 {
			g.tokens, g.finish = max(1, min(c.promptTokens, echoTokens)), `"stop"`
		}
		p := newPacer(s.timing.Load(), s.chance, c.number, c.arrival, c.promptTokens, g.tokens, c.load, s.stall)
		if c.req.stream {
			g.head = d.appendHead(nil, d.chunkObject, s.answerID(c.number), c.req.model)
			s.stream(c, g, &p)
			return
		}
		g.head = d.appendHead(nil, d.object, s.answerID(c.number), c.req.model)
		s.whole(c, g, p.last(g.tokens))
	}
}

// answered is the text of the answer as far as it went out; empty for routes without one.
func (c *call) answered() string {
	if !c.generates {
		return ""
	}
	return string(newAnswer(crc32.ChecksumIEEE(c.body)).appendText(nil, c.outputTokens))
}

func (s *Server) answerID(number uint64) uint64 { return mix(uint64(s.started) ^ mix(number)) }

func (d dialect) appendHead(b []byte, object string, id uint64, model string) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, d.idPrefix...)
	b = strconv.AppendUint(b, id, 16)
	b = append(b, `","object":"`...)
	b = append(b, object...)
	b = append(b, `","created":`...)
	b = strconv.AppendInt(b, int64(clock.Wall())/1e9, 10)
	b = append(b, `,"model":`...)
	return appendQuoted(b, model)
}

// whole answers in one piece.
func (s *Server) whole(c *call, g *generation, due clock.MonoNS) {
	if !s.wait(c, due) {
		return
	}
	b := append(g.frame[:0], g.head...)
	b = append(b, `,"choices":[{"index":0,`...)
	b = append(b, g.openWhole...)
	b = g.appendText(b, g.tokens)
	b = append(b, g.closeWhole...)
	b = append(b, `,"logprobs":null,"finish_reason":`...)
	b = append(b, g.finish...)
	b = append(b, `}],`...)
	b = appendUsage(b, c.promptTokens, g.tokens)
	b = append(b, '}')
	s.stats.tokens.Add(int64(g.tokens))
	c.whole(b, g.tokens)
}

func appendUsage(b []byte, prompt, completion int) []byte {
	b = append(b, `"usage":{"prompt_tokens":`...)
	b = strconv.AppendInt(b, int64(prompt), 10)
	b = append(b, `,"completion_tokens":`...)
	b = strconv.AppendInt(b, int64(completion), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, int64(prompt+completion), 10)
	return append(b, `,"prompt_tokens_details":{"cached_tokens":0}}`...) // there is no prefix cache
}

// appendQuoted writes a JSON string. HTML characters stay as they are.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			q, _ := json.Marshal(s) // strings always marshal
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
