package recordprocessor

import (
	"strings"

	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/tokenizers"
)

// countTokens fills the counts of a successful record: the server's alone, or the
// tokenizer's alone. What is not known is absent; the length that was planned for a
// prompt never stands in.
func (e *engine) countTokens(raw *messages.RequestRecord) {
	t := &e.record.Tokens
	if e.serverCounts {
		*t = e.serverTokens(e.record.Usage)
		return
	}
	if e.countInput {
		t.Input = e.input.count(raw)
	}
	if e.countOutput {
		t.Output, t.Reasoning = e.output.tokens(e.counter), e.reasoning.tokens(e.counter)
	}
}

func (e *engine) serverTokens(u *metrics.Usage) metrics.TokenCounts {
	if u == nil || u.PromptTokens < 0 && u.CompletionTokens < 0 && u.ReasoningTokens < 0 {
		e.once("the server sends no token counts: metrics of tokens will be missing; switch on its usage reports (stream_options.include_usage for streams), or run without --use-server-token-count")
		return metrics.NoTokens
	}
	t := metrics.TokenCounts{Input: u.PromptTokens, Output: u.CompletionTokens, Reasoning: u.ReasoningTokens}
	if t.Output >= 0 && t.Reasoning > 0 {
		if t.Output -= t.Reasoning; t.Output < 0 {
			e.once("the server reports more reasoning tokens than completion tokens; such outputs count as 0 tokens")
			t.Output = 0
		}
	}
	return t
}

// joined is a text in pieces. It is counted as a whole: tokens form across the
// borders of pieces.
type joined struct {
	pieces int
	first  string // the only piece of most answers that are no streams; never copied
	buf    []byte
}

func (j *joined) reset() { j.pieces, j.first, j.buf = 0, "", j.buf[:0] }

// add appends a piece; it must stay valid until the count.
func (j *joined) add(s string) {
	switch {
	case s == "":
		return
	case j.pieces == 0:
		j.first = s
	case j.pieces == 1:
		j.buf = append(append(j.buf[:0], j.first...), s...)
	default:
		j.buf = append(j.buf, s...)
	}
	j.pieces++
}

// tokens is the count of the whole text, −1 when there is none.
func (j *joined) tokens(c counter) int64 {
	switch j.pieces {
	case 0:
		return -1
	case 1:
		return int64(c.Count(j.first))
	}
	return int64(c.Count(string(j.buf)))
}

// inputCounter counts the input tokens of a request by the body that was sent. Bodies
// of the dataset are sent again and again: each is counted once.
type inputCounter struct {
	endpoint endpoints.Endpoint
	counter  counter
	bodies   bodies
	// known are the counts by turn number: 0 = not counted yet, 1 = none, else tokens + 2.
	known []int32
	texts []string
	// chat renders bodies with messages as the model reads them; nil: the texts are counted
	// as they stand.
	chat tokenizers.Chat
	warn func(text string)
}

// count is −1 when there is no text, or no body.
func (c *inputCounter) count(raw *messages.RequestRecord) int64 {
	if len(raw.PayloadBytes) > 0 {
		return c.measure(raw.PayloadBytes)
	}
	number, ok := c.bodies.TurnNumber(raw.Credit.ConversationIndex, raw.Credit.TurnIndex)
	if !ok || number >= len(c.known) {
		return -1
	}
	if k := c.known[number]; k > 0 {
		return int64(k) - 2
	}
	body := c.bodies.Payload(raw.Credit.ConversationIndex, raw.Credit.TurnIndex)
	if body == nil {
		return -1
	}
	n := c.measure(body)
	c.known[number] = int32(n + 2)
	return n
}

// rendered counts messages through the chat template, and the texts of tools beside it; ok
// is false where there are no messages, or the template fails.
func (c *inputCounter) rendered(body []byte) (n int64, ok bool) {
	messages, tools, ok := endpoints.SplitChat(c.texts[:0], body)
	if !ok {
		return 0, false
	}
	text, err := c.chat.RenderChat(messages, true)
	if err != nil {
		c.warn("inputs are counted without the chat template where it fails: " + err.Error())
		return 0, false
	}
	n = int64(c.counter.Count(text))
	if c.texts = tools; len(tools) > 0 {
		n += int64(c.counter.Count(strings.Join(tools, " ")))
	}
	return n, true
}

// measure joins the texts with one blank; what came as ids needs no counter.
func (c *inputCounter) measure(body []byte) int64 {
	if c.chat != nil {
		if n, ok := c.rendered(body); ok {
			return n
		}
	}
	var ids int
	c.texts, ids = c.endpoint.AppendInput(c.texts[:0], body)
	switch len(c.texts) {
	case 0:
		if ids == 0 {
			return -1
		}
		return int64(ids)
	case 1:
		return int64(c.counter.Count(c.texts[0]) + ids)
	}
	return int64(c.counter.Count(strings.Join(c.texts, " ")) + ids)
}
