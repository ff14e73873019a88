package recordprocessor

import (
	"fmt"
	"math"
	"strings"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/tokenizers"
)

// checkRaw says what is wrong with a result before it is parsed, nil when nothing is.
func (e *engine) checkRaw(raw *messages.RequestRecord) *messages.ErrorDetails {
	var notes []string
	if raw.StartPerfNS < 0 {
		notes = append(notes, fmt.Sprintf("Start perf ns timestamp is invalid: %d", raw.StartPerfNS))
	}
	if len(raw.Responses) == 0 {
		notes = append(notes, "No responses were received")
	}
	for i := range raw.Responses {
		if at := raw.Responses[i].PerfNS; at <= 0 || at == math.MaxInt64 {
			notes = append(notes, fmt.Sprintf("Response %d perf ns timestamp is invalid: %d", i, at))
		}
	}
	if raw.ModelName == "" {
		e.once("a request came without the name of its model; it counts as failed")
		notes = append(notes, "The model of the request is not known")
	}
	return invalid(notes)
}

func invalid(notes []string) *messages.ErrorDetails {
	if len(notes) == 0 {
		return nil
	}
	return messages.NewError(invalidResult, "Invalid inference result: "+strings.Join(notes, ", "))
}

// parse reads the responses into e.record and counts tokens. A parser or tokenizer
// that panics makes the request a failed one, like an answer without content.
func (e *engine) parse(raw *messages.RequestRecord) (failure *messages.ErrorDetails) {
	defer func() {
		if p := recover(); p != nil {
			failure = e.panicked(p)
		}
	}()
	content := false
	for i := range raw.Responses {
		r := &raw.Responses[i]
		if !e.endpoint.Parse(r, &e.response) {
			continue
		}
		p := e.understood(r.PerfNS)
		content = content || p.Content
		e.record.Responses = append(e.record.Responses, p)
	}
	e.record.Usage = e.usage()
	e.countTokens(raw)
	if failing, ok := e.counter.(tokenizers.Failing); ok {
		if err := failing.Err(); err != nil {
			return messages.NewError(processingFailed, err.Error())
		}
	}
	return e.checkParsed(content)
}

// understood keeps what the formulas need of e.response, and its texts for counting.
func (e *engine) understood(at clock.MonoNS) metrics.Response {
	r := &e.response
	if len(r.Usage) > 0 {
		e.usages = append(e.usages, r.Usage)
	}
	switch r.Kind {
	case endpoints.NoData:
		return metrics.Response{PerfNS: at}
	}
	e.written.text(r.Reasoning)
	e.written.text(r.Content)
	switch r.Kind {
	case endpoints.Reasoning:
		e.reasoning.add(r.Reasoning)
		e.output.add(r.Content)
		return metrics.Response{PerfNS: at, Content: true, Output: r.Content != ""}
	}
	e.output.add(r.Content)
	e.output.add(r.ToolCall)
	return metrics.Response{PerfNS: at, Content: true, Output: true}
}

// checkParsed says what is wrong with a parsed record.
func (e *engine) checkParsed(content bool) *messages.ErrorDetails {
	var notes []string
	if !content {
		notes = append(notes, "No responses with actual content were received from the server (only usage/metadata, null/empty data, or [DONE] markers)")
	}
	if r := &e.record; r.StartPerfNS >= r.EndPerfNS {
		notes = append(notes, fmt.Sprintf("End perf ns timestamp is invalid: %d is not after the start %d", r.EndPerfNS, r.StartPerfNS))
	}
	return invalid(notes)
}

// usage is the record's usage object: the last one that is not empty. Objects of
// several responses are not merged.
func (e *engine) usage() *metrics.Usage {
	for i := len(e.usages) - 1; i >= 0; i-- {
		if u := metrics.ParseUsage(e.usages[i]); u != nil {
			return u
		}
	}
	return nil
}
