package recordprocessor

import (
	"fmt"
	"strings"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins/endpoints"
)

// words counts words, and how often it was asked.
type words struct{ calls int }

func (w *words) Count(text string) int {
	w.calls++
	return len(strings.Fields(text))
}

// bodyTable is a dataset of one turn per conversation.
type bodyTable []string

func (t bodyTable) TotalTurns() int { return len(t) }
func (t bodyTable) TurnNumber(c, turn int) (int, bool) {
	return c, c >= 0 && c < len(t) && turn == 0
}
func (t bodyTable) Payload(c, _ int) []byte {
	if t[c] == "" {
		return nil
	}
	return []byte(t[c])
}
func (t bodyTable) MaxTokens(int, int) int { return 9 }

var chat = func() endpoints.Endpoint {
	e, err := endpoints.NewChat(endpoints.Config{Model: "m", Endpoint: config.Endpoint{Type: "chat", Streaming: true}})
	if err != nil {
		panic(err)
	}
	return e
}()

// fixture is an engine with everything around it that specs change or look at.
type fixture struct {
	settings settings
	deps     deps
	words    *words
	warnings []string
}

func newFixture() *fixture {
	f := &fixture{words: &words{}, settings: settings{id: "rp_1", countInput: true, countOutput: true, streaming: true}}
	f.deps = deps{
		endpoint: chat, counter: f.words, metrics: metrics.NewSet(options(false)),
		bodies: bodyTable{`{"messages":[{"role":"user","content":"one two three"},{"role":"user","content":"four"}]}`, ""},
		redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "<redacted>") },
		warn:   func(text string) { f.warnings = append(f.warnings, text) },
	}
	return f
}

func options(serverCounts bool) metrics.Options {
	return metrics.Options{
		ProducesTokens: true, TokenizesInput: true, Streaming: true, ServerTokenCounts: serverCounts, OpenLoop: true,
		UsagePctDiffThreshold: 10, OSLMismatchPctThreshold: 5, OSLMismatchMaxTokens: 50,
	}
}

func (f *fixture) engine() *engine { return newEngine(f.settings, f.deps) }

const startNS = clock.WallNS(1_800_000_000_000_000_000)

// answer is a streamed success: a chunk every 10 ms from 20 ms on, end 1 ms after the last.
func answer(chunks ...string) *messages.RequestRecord {
	const start = clock.MonoNS(1_000_000_000)
	raw := &messages.RequestRecord{
		Credit: messages.Credit{
			CreditKey: messages.CreditKey{PhaseIndex: 1, ID: 7}, Phase: "profiling", ProfilingIndex: 0, PhaseName: "main",
			ConversationID: "session_000000", XCorrelationID: "x-1", NumTurns: 1, IssuedAtNS: startNS - 5, ScheduledNS: startNS - 3,
		},
		XRequestID: "r-7", WorkerID: "worker_1", ModelName: "m",
		TimestampNS: startNS, StartPerfNS: start, SendPerfNS: start + 1_000, RecvStartPerfNS: start + 2_000_000,
		Status: 200, StampSource: "kernel", RecvBytes: 123, Streamed: true, CoalescedEvents: 2,
	}
	at := start
	for i, c := range chunks {
		at = start.Add(20e6 + clock.MonoNS(i*10e6).Sub(0))
		raw.Responses = append(raw.Responses, messages.RawResponse{Kind: messages.ResponseSSE, PerfNS: at, Bytes: []byte(c)})
	}
	raw.EndPerfNS = at + 1_000_000
	return raw
}

func delta(text string) string { return fmt.Sprintf(`{"choices":[{"delta":{"content":%q}}]}`, text) }

const usageChunk = `{"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"completion_tokens_details":{"reasoning_tokens":2}}}`

// one processes a single result.
func one(e *engine, raw *messages.RequestRecord) messages.MetricRecord {
	rec, _ := e.process(raw, nil)
	return rec
}

// numbers are the plain metrics of a record by tag.
func numbers(rec messages.MetricRecord) map[string]float64 {
	m := map[string]float64{}
	for _, v := range rec.Metrics {
		if v.List == nil {
			m[v.Tag] = v.Number
		}
	}
	return m
}
