package worker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/transports"
)

// memory is a dataset in memory: conversations with documents, or prepared bodies.
type memory struct {
	documents []dataset.Conversation
	payloads  [][]string
	maxTokens int
}

func (m *memory) Len() int { return max(len(m.documents), len(m.payloads)) }
func (m *memory) Find(id string) (int, bool) {
	for i := range m.documents {
		if m.documents[i].SessionID == id {
			return i, true
		}
	}
	return 0, false
}
func (m *memory) Payload(i, turn int) []byte {
	if i < len(m.payloads) && turn < len(m.payloads[i]) {
		return []byte(m.payloads[i][turn])
	}
	return nil
}
func (m *memory) MaxTokens(int, int) int { return m.maxTokens }
func (m *memory) Conversation(i int) (dataset.Conversation, error) {
	if i >= len(m.documents) {
		return dataset.Conversation{}, errors.New("read conversation: it is damaged")
	}
	return m.documents[i], nil
}

// sent is a request as the transport saw it.
type sent struct {
	url, body, session string
	final              bool
	headers            map[string]string
	at                 clock.MonoNS
}

// server is a transport that answers by a function.
type server struct {
	answer func(ctx context.Context, r *transports.Request, x *transports.Exchange)

	mu   sync.Mutex
	seen []sent
}

func (s *server) Exchange(ctx context.Context, r *transports.Request, x *transports.Exchange) {
	v := sent{url: r.URL.String(), body: string(r.Body), session: r.Session, final: r.FinalTurn, headers: map[string]string{}, at: clock.Now()}
	for _, h := range r.Headers.List(r.RequestID, r.Session) {
		v.headers[h.Name] = h.Value
	}
	s.mu.Lock()
	s.seen = append(s.seen, v)
	s.mu.Unlock()
	x.SendNS, x.StampSource, x.Trace.Type = clock.Now(), transports.StampRead, "fake"
	s.answer(ctx, r, x)
	x.EndNS = clock.Now()
}

func (s *server) Close() {}

func (s *server) requests() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sent(nil), s.seen...)
}

// says answers with events.
func says(events ...string) func(context.Context, *transports.Request, *transports.Exchange) {
	return func(_ context.Context, _ *transports.Request, x *transports.Exchange) {
		x.Status, x.RecvStartNS, x.Streamed = 200, clock.Now(), true
		for _, e := range events {
			x.Responses = append(x.Responses, messages.RawResponse{Kind: messages.ResponseSSE, PerfNS: clock.Now(), Bytes: []byte(e)})
		}
	}
}

// content is a chat chunk.
func content(text string) string {
	return fmt.Sprintf(`{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":%q}}]}`, text)
}

// never answers; it waits for the cancel.
func never(ctx context.Context, _ *transports.Request, x *transports.Exchange) {
	<-ctx.Done()
	x.Error, x.Cancelled = transports.CancelledError(), true
}

// gate is an alarm that goes off when the test says so, or when the credit is cancelled.
type gate struct {
	mu      sync.Mutex
	waiting []clock.MonoNS
	open    chan struct{}
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) Approach(ctx context.Context, due clock.MonoNS) error {
	g.mu.Lock()
	g.waiting = append(g.waiting, due)
	g.mu.Unlock()
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) waits() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// ends gathers what leaves the engine.
type ends struct {
	mu      sync.Mutex
	records []messages.RequestRecord
	returns []messages.CreditReturn
	order   []string
	refuse  error
}

func (e *ends) Put(it *item) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuse != nil {
		return "", e.refuse
	}
	e.records = append(e.records, it.record)
	e.order = append(e.order, fmt.Sprintf("record %d", it.record.Credit.ID))
	return "record_processor_1", nil
}

func (e *ends) give(r messages.CreditReturn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.returns = append(e.returns, r)
	e.order = append(e.order, fmt.Sprintf("return %d", r.ID))
}

func (e *ends) all() ([]messages.RequestRecord, []messages.CreditReturn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]messages.RequestRecord(nil), e.records...), append([]messages.CreditReturn(nil), e.returns...)
}

func (e *ends) returned() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.returns)
}

// bench is an engine among fakes.
type bench struct {
	*engine
	store  *memory
	server *server
	gate   *gate
	ends   *ends
	warned []string
}

func newBench(store *memory, change func(*Config, *Deps)) *bench {
	ep := config.Endpoint{Streaming: true, Capabilities: config.EndpointTraits{SupportsStreaming: true}}
	chat, err := endpoints.NewChat(endpoints.Config{Endpoint: ep, Model: "m1"})
	if err != nil {
		panic(err)
	}
	b := &bench{store: store, server: &server{answer: says(content("hi"), "[DONE]")}, gate: newGate(), ends: &ends{}}
	var targets []*url.URL
	for _, host := range []string{"a", "b"} {
		u, err := transports.JoinURL(host, "/v1/chat/completions")
		if err != nil {
			panic(err)
		}
		targets = append(targets, u)
	}
	var mu sync.Mutex
	cfg := Config{WorkerID: "worker_1", Targets: targets, Model: "m1", CheckStreams: true, MaxSessions: 100}
	deps := Deps{
		Store: store, Endpoint: chat, Transport: b.server, Alarm: b.gate, Records: b.ends, Returns: b.ends.give,
		Headers: transports.NewHeaders(transports.HeaderOptions{UserAgent: "aiperf/test", Environment: &config.Environment{}}),
		Redact:  func(s string) string { return s },
		Warn: func(text string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			b.warned = append(b.warned, fmt.Sprint(append([]any{text}, args...)...))
		},
	}
	if change != nil {
		change(&cfg, &deps)
	}
	b.engine = newEngine(cfg, deps)
	return b
}

// credit is the only turn of a session of the first conversation.
func credit(id int64) messages.Credit {
	return messages.Credit{
		CreditKey: messages.CreditKey{PhaseIndex: 1, ID: id}, Phase: messages.PhaseProfiling, ConversationID: "c0",
		XCorrelationID: fmt.Sprintf("s%d", id), NumTurns: 1, IssuedAtNS: clock.Wall(), URLIndex: -1,
	}
}

// turnOf is one turn of a session.
func turnOf(id int64, session string, index, of int) messages.Credit {
	c := credit(id)
	c.XCorrelationID, c.TurnIndex, c.NumTurns = session, index, of
	return c
}

// Reach has nothing left: the gate opened at the instant.
func (*gate) Reach(clock.MonoNS) {}
