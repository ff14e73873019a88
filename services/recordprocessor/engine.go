package recordprocessor

import (
	"fmt"

	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/tokenizers"
)

// settings are what the run says about counting.
type settings struct {
	id           string // of this processor
	countInput   bool   // with the tokenizer
	countOutput  bool   // with the tokenizer
	serverCounts bool   // the server's usage is the only source
	streaming    bool   // streams are asked for
	traces       bool   // what the transport saw goes into the files
}

// deps are what an engine works with.
type deps struct {
	endpoint endpoints.Endpoint
	counter  counter         // nil when nothing is counted
	chat     tokenizers.Chat // nil: inputs are counted as they stand
	metrics  *metrics.Set
	bodies   bodies
	redact   func(string) string
	warn     func(text string) // called once per kind of trouble
	written  *written          // nil: nothing but numbers is kept
}

// counter counts tokens.
type counter interface{ Count(text string) int }

// bodies are the prepared request bodies of the dataset.
type bodies interface {
	TotalTurns() int
	TurnNumber(conversation, turn int) (n int, ok bool)
	Payload(conversation, turn int) []byte
	MaxTokens(conversation, turn int) int
}

// engine turns raw results into metric records. It is made of scratch space and
// belongs to one goroutine.
type engine struct {
	settings
	deps
	input  inputCounter
	warned map[string]bool

	record            metrics.Record
	response          endpoints.Response
	usages            [][]byte // of the record's responses, in order
	output, reasoning joined
	trace             metrics.Trace
	values            []metrics.Value
}

func newEngine(s settings, d deps) *engine {
	e := &engine{settings: s, deps: d, warned: map[string]bool{}}
	e.input = inputCounter{endpoint: d.endpoint, counter: d.counter, bodies: d.bodies, known: make([]int32, d.bodies.TotalTurns()), chat: d.chat, warn: e.once}
	return e
}

// Error types that are made here.
const (
	invalidResult    = "InvalidInferenceResultError"
	processingFailed = "RecordProcessingError"
	cancelledType    = "RequestCancellationError"
)

// process makes the one record of a request and appends its metrics to values. It
// never panics: what cannot be processed is an error record without metrics.
//
//	cancelled            the metrics of cancelled requests
//	failed, or no answer the metrics of errors; input tokens as far as they are known
//	else                 all others
//
// hot: once per request. BenchmarkProcess.
func (e *engine) process(raw *messages.RequestRecord, values []messages.MetricValue) (rec messages.MetricRecord, _ []messages.MetricValue) {
	before := len(values)
	rec.Metadata = e.metadata(raw)
	defer func() {
		if p := recover(); p != nil {
			rec.Metrics, rec.Error = nil, e.panicked(p)
			rec.Metadata.RequestEndNS, rec.Metadata.GenStartNS = wallOf(raw, endOf(raw)), 0
		}
	}()
	if e.traces && raw.Trace != nil {
		rec.Trace = &messages.RecordTrace{TraceData: *raw.Trace, StartPerfNS: raw.StartPerfNS, Status: raw.Status}
	}
	rec.Error = e.understand(raw)
	if rec.Error == nil {
		if e.streaming && !raw.Streamed {
			e.once("the server answers requests for a stream in one piece: such answers have no time to first token and no gaps between tokens")
		}
		rec.Metadata.RequestEndNS = wallOf(raw, raw.Responses[len(raw.Responses)-1].PerfNS)
		rec.Metadata.GenStartNS = wallOf(raw, firstContent(e.record.Responses))
	}
	e.values = e.metrics.AppendValues(e.values[:0], &e.record)
	for _, v := range e.values {
		values = append(values, messages.MetricValue(v))
	}
	rec.Metrics = values[before:len(values):len(values)]
	return rec, values
}

// understand fills e.record and returns why the request has failed, nil when it has
// not.
func (e *engine) understand(raw *messages.RequestRecord) *messages.ErrorDetails {
	e.reset(raw)
	e.written.reset()
	failure := raw.Error
	if failure == nil && e.record.Cancelled {
		failure = messages.NewError(cancelledType, "Request cancelled by external signal").WithCode(499)
	}
	if failure == nil {
		failure = e.checkRaw(raw)
	}
	if failure == nil {
		failure = e.parse(raw)
	}
	if failure != nil {
		e.record.Failed = true
		e.record.Responses, e.record.Usage, e.record.Tokens = e.record.Responses[:0], nil, metrics.NoTokens
		if e.countInput {
			e.record.Tokens.Input = e.guess(raw)
		}
	}
	return failure
}

// guess is the input length of a failed request; its own failure is no news.
func (e *engine) guess(raw *messages.RequestRecord) (n int64) {
	defer func() {
		if recover() != nil {
			n = metrics.NoTokens.Input
		}
	}()
	return e.input.count(raw)
}

// reset begins a record with what the worker knew.
func (e *engine) reset(raw *messages.RequestRecord) {
	e.record = metrics.Record{
		TimestampNS: raw.TimestampNS, StartPerfNS: raw.StartPerfNS, SendPerfNS: raw.SendPerfNS,
		RecvStartPerfNS: raw.RecvStartPerfNS, EndPerfNS: endOf(raw),
		CreditIssuedNS: raw.Credit.IssuedAtNS, ScheduledNS: raw.Credit.ScheduledNS, CreditDropLatencyNS: raw.CreditDropNS, TimerLatenessNS: raw.TimerLatenessNS,
		Responses: e.record.Responses[:0], Tokens: metrics.NoTokens, MaxTokens: int64(e.maxTokens(raw)),
		IsFinalTurn: raw.Credit.IsFinalTurn(), Cancelled: raw.CancellationPerfNS != 0, Streamed: raw.Streamed,
	}
	if t := raw.Trace; t != nil {
		e.trace = traceOf(t)
		e.record.Trace = &e.trace
	}
	e.usages = e.usages[:0]
	e.output.reset()
	e.reasoning.reset()
}

// maxTokens is the requested output length, 0 for none.
func (e *engine) maxTokens(raw *messages.RequestRecord) int {
	if raw.MaxTokens > 0 {
		return raw.MaxTokens
	}
	if _, ok := e.bodies.TurnNumber(raw.Credit.ConversationIndex, raw.Credit.TurnIndex); ok {
		return e.bodies.MaxTokens(raw.Credit.ConversationIndex, raw.Credit.TurnIndex)
	}
	return 0
}

func (e *engine) panicked(p any) *messages.ErrorDetails {
	return messages.NewError(processingFailed, e.redact(fmt.Sprintf("panic while processing the response: %v", p)))
}

// once passes a warning on the first time.
func (e *engine) once(text string) {
	if !e.warned[text] {
		e.warned[text] = true
		e.warn(text)
	}
}

func firstContent(responses []metrics.Response) clock.MonoNS {
	for i := range responses {
		if responses[i].Content {
			return responses[i].PerfNS
		}
	}
	return 0
}
