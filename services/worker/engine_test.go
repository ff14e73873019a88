package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins/transports"
)

// prepared is a dataset of one conversation with one body.
func prepared() *memory { return &memory{payloads: [][]string{{`{"model":"m9","x":"<&>"}`}}} }

// conversation is a dataset of one conversation whose later turns need the replies.
func conversation(contents ...string) *memory {
	c := dataset.Conversation{SessionID: "c0", SystemMessage: "sys"}
	for _, text := range contents {
		c.Turns = append(c.Turns, dataset.Turn{Texts: []dataset.Media{{Contents: []string{text}}}, MaxTokens: 5})
	}
	return &memory{documents: []dataset.Conversation{c}}
}

// ask sends credits that are due at once and waits for their returns.
func (b *bench) ask(credits ...messages.Credit) ([]messages.RequestRecord, []messages.CreditReturn) {
	want := b.ends.returned() + len(credits)
	b.accept(credits, clock.Now())
	Eventually(b.ends.returned).Should(Equal(want))
	b.running.Wait()
	records, returns := b.ends.all()
	return records, returns
}

var _ = Describe("a credit", func() {
	It("becomes a request, a record, and a return", func() {
		b := newBench(prepared(), nil)
		before := clock.Now()
		records, returns := b.ask(credit(7))
		Expect(returns).To(Equal([]messages.CreditReturn{{CreditKey: messages.CreditKey{PhaseIndex: 1, ID: 7}, RecordEmitted: true, RecordProcessorID: "record_processor_1"}}))
		Expect(b.ends.order).To(Equal([]string{"record 7", "return 7"}))
		Expect(records).To(HaveLen(1))
		r := records[0]
		Expect(r.Credit.ID).To(BeEquivalentTo(7))
		Expect([]string{r.WorkerID, r.ModelName, r.StampSource}).To(Equal([]string{"worker_1", "m1", "read"}))
		Expect(r.XRequestID).To(MatchRegexp(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`))
		Expect(r.StartPerfNS).To(BeNumerically(">=", before))
		Expect(r.TimestampNS).To(Equal(clock.WallOf(r.StartPerfNS)), "both stamps are of one instant")
		Expect(r.SendPerfNS).To(BeNumerically(">=", r.StartPerfNS))
		Expect(r.EndPerfNS).To(BeNumerically(">", r.StartPerfNS))
		Expect(r.PayloadBytes).To(BeEmpty(), "the dataset has it")
		Expect(r.Trace.Type).To(Equal("fake"))
		Expect(r.Streamed).To(BeTrue())
		Expect(r.Responses).To(HaveLen(2))
		s := b.server.requests()[0]
		Expect(s.body).To(Equal(`{"model":"m9","x":"<&>"}`), "verbatim")
		Expect(s.headers).To(HaveKeyWithValue("X-Request-ID", r.XRequestID))
		Expect(s.headers).To(HaveKeyWithValue("X-Correlation-ID", "s7"))
		Expect(s.final).To(BeTrue())
		Expect(b.stats()).To(Equal(messages.TaskStats{Total: 1, Completed: 1}))
		Expect(b.tasks).To(BeEmpty())
	})

	It("waits for its instant with everything prepared, and counts its delay from then", func() {
		b := newBench(prepared(), nil)
		c := credit(1)
		c.ScheduledNS = clock.Wall().Add(time.Hour)
		c.IssuedAtNS = c.ScheduledNS
		b.accept([]messages.Credit{c}, clock.Now())
		Eventually(b.gate.waits).Should(Equal(1))
		Expect(b.gate.waiting[0]).To(Equal(clock.MonoOf(c.ScheduledNS)))
		Expect(b.server.requests()).To(BeEmpty())
		opened := clock.Now()
		close(b.gate.open)
		Eventually(b.ends.returned).Should(Equal(1))
		records, _ := b.ends.all()
		Expect(records[0].StartPerfNS).To(BeNumerically(">=", opened))
		Expect(records[0].CreditDropNS).To(BeZero(), "the fake went off early")
	})

	It("is due when it was issued, if that was late", func() {
		t := &task{credit: messages.Credit{ScheduledNS: 1000, IssuedAtNS: 3000}}
		Expect(t.due()).To(Equal(clock.MonoOf(3000)))
		t.credit.ScheduledNS = 0
		Expect(t.due()).To(BeZero(), "a closed loop sends at once")
	})

	It("counts what it cost the worker to prepare", func() {
		b := newBench(prepared(), nil)
		b.accept([]messages.Credit{credit(1)}, clock.Now().Add(-time.Second))
		Eventually(b.ends.returned).Should(Equal(1))
		records, _ := b.ends.all()
		Expect(records[0].CreditDropNS).To(BeNumerically(">=", time.Second))
	})

	It("that comes twice is handled once", func() {
		b := newBench(prepared(), nil)
		c := credit(1)
		c.ScheduledNS = clock.Wall().Add(time.Hour)
		b.accept([]messages.Credit{c, c}, clock.Now())
		close(b.gate.open)
		b.running.Wait()
		Expect(b.ends.returned()).To(Equal(1))
		Expect(b.warned).To(HaveLen(1))
	})
})

var _ = Describe("a failure", func() {
	DescribeTable("is a record and the return's error", func(answer func(context.Context, *transports.Request, *transports.Exchange), store *memory, change func(*messages.Credit), typ string, code int, text string) {
		b := newBench(store, func(_ *Config, d *Deps) {
			d.Redact = func(s string) string { return strings.ReplaceAll(s, "hunter2", "<redacted>") }
		})
		if answer != nil {
			b.server.answer = answer
		}
		c := credit(1)
		if change != nil {
			change(&c)
		}
		records, returns := b.ask(c)
		Expect(records).To(HaveLen(1))
		r := records[0]
		Expect(r.Error.Type).To(Equal(typ))
		Expect(r.Error.Message).To(ContainSubstring(text))
		if code == 0 {
			Expect(r.Error.Code).To(BeNil())
		} else {
			Expect(*r.Error.Code).To(BeEquivalentTo(code))
		}
		Expect(r.StartPerfNS).NotTo(BeZero())
		Expect(r.EndPerfNS).To(BeNumerically(">=", r.StartPerfNS))
		Expect(r.Credit.ID).To(BeEquivalentTo(1))
		Expect(r.ModelName).To(Equal("m1"))
		Expect(returns[0].Error).To(Equal(r.Error.Error()))
		Expect(returns[0].RecordEmitted).To(BeTrue())
		Expect(returns[0].Cancelled).To(BeFalse())
		Expect(b.stats()).To(Equal(messages.TaskStats{Total: 1, Failed: 1}))
		Expect(b.warned).To(HaveLen(1))
	},
		Entry("of the server, without secrets", func(_ context.Context, _ *transports.Request, x *transports.Exchange) {
			x.Error = messages.NewError("Unauthorized", "key hunter2 is wrong").WithCode(401)
		}, prepared(), nil, "Unauthorized", 401, "key <redacted> is wrong"),
		Entry("of the stream, that ended too early", says(content("a")), prepared(), nil, "SSEResponseError", 502, "ended without [DONE]"),
		Entry("of the dataset", nil, &memory{payloads: [][]string{}}, nil, "LookupError", 0, `no conversation "c0"`),
		Entry("of a turn that is not there", nil, conversation("a"), func(c *messages.Credit) { c.TurnIndex, c.NumTurns = 5, 6 }, "LookupError", 0, "no turn 5"),
		Entry("of a document", nil, &memory{payloads: [][]string{{}}}, nil, "LookupError", 0, "damaged"),
		Entry("of our own, before the answer", func(context.Context, *transports.Request, *transports.Exchange) { panic("boom") }, prepared(), nil, "CreditProcessingError", 500, "panic: boom"),
	)

	It("to hand the record over is the return's error", func() {
		b := newBench(prepared(), nil)
		b.ends.refuse = errNoProcessor
		_, returns := b.ask(credit(1))
		Expect(returns[0].RecordEmitted).To(BeFalse())
		Expect(returns[0].Error).To(ContainSubstring("no record processor left"))
	})

	It("is told once a second, however often it happens", func() {
		b := newBench(prepared(), nil)
		b.server.answer = func(_ context.Context, _ *transports.Request, x *transports.Exchange) {
			x.Error = messages.NewError("Bad", "no")
		}
		for id := range int64(20) {
			b.ask(credit(id))
		}
		Expect(len(b.warned)).To(BeNumerically("<", 5))
		for i := range 3 * maxDistinctFailures {
			b.failures.note(messages.NewError("Bad", fmt.Sprint(i)))
		}
		Expect(b.failures.seen).To(HaveLen(maxDistinctFailures + 1))
	})
})

var _ = Describe("a cancel", func() {
	It("before the request was taken up leaves no record", func() {
		b := newBench(prepared(), nil)
		c := credit(1)
		c.ScheduledNS = clock.Wall().Add(time.Hour)
		b.accept([]messages.Credit{c}, clock.Now())
		Eventually(b.gate.waits).Should(Equal(1))
		b.cancel([][2]int64{{0, 1}, {1, 99}}) // another phase, another credit
		b.cancel([][2]int64{{1, 1}})
		Eventually(b.ends.returned).Should(Equal(1))
		records, returns := b.ends.all()
		Expect(records).To(BeEmpty())
		Expect(returns).To(Equal([]messages.CreditReturn{{CreditKey: c.CreditKey, Cancelled: true}}))
		Expect(b.server.requests()).To(BeEmpty())
	})

	It("of a request under way leaves a cancelled record", func() {
		b := newBench(prepared(), nil)
		b.server.answer = never
		c := credit(1)
		b.accept([]messages.Credit{c}, clock.Now())
		Eventually(b.server.requests).Should(HaveLen(1))
		b.cancel([][2]int64{{1, 1}})
		Eventually(b.ends.returned).Should(Equal(1))
		records, returns := b.ends.all()
		Expect(returns).To(Equal([]messages.CreditReturn{{CreditKey: c.CreditKey, Cancelled: true, RecordEmitted: true, RecordProcessorID: "record_processor_1"}}))
		Expect(records[0].CancellationPerfNS).To(Equal(records[0].EndPerfNS))
		Expect(records[0].CancellationPerfNS).NotTo(BeZero())
		Expect(*records[0].Error.Code).To(BeEquivalentTo(499))
		Expect(records[0].Error.Type).To(Equal("RequestCancellationError"))
		Expect(b.stats()).To(Equal(messages.TaskStats{Total: 1, Completed: 1}), "a cancel is no failure")
		Expect(b.warned).To(BeEmpty())
	})

	It("comes too late for a request that has ended", func() {
		b := newBench(prepared(), nil)
		records, returns := b.ask(credit(1))
		b.cancel([][2]int64{{1, 1}})
		Expect(records[0].Error).To(BeNil())
		Expect(returns[0].Cancelled).To(BeFalse())
	})
})

var _ = Describe("stopping", func() {
	It("cancels what is under way and turns new credits away", func() {
		b := newBench(prepared(), nil)
		b.server.answer = never
		c := credit(2)
		c.ScheduledNS = clock.Wall().Add(time.Hour)
		b.accept([]messages.Credit{credit(1), c}, clock.Now())
		Eventually(b.server.requests).Should(HaveLen(1))
		Eventually(b.gate.waits).Should(Equal(1))
		Expect(b.stop(context.Background())).To(BeZero())
		b.accept([]messages.Credit{credit(3)}, clock.Now())
		b.running.Wait()
		records, returns := b.ends.all()
		Expect(records).To(HaveLen(1))
		Expect(returns).To(HaveLen(3))
		for _, r := range returns {
			Expect(r.Cancelled).To(BeTrue())
		}
	})

	It("does not wait longer than it may", func() {
		b := newBench(prepared(), nil)
		release := make(chan struct{})
		b.server.answer = func(context.Context, *transports.Request, *transports.Exchange) { <-release }
		b.accept([]messages.Credit{credit(1)}, clock.Now())
		Eventually(b.server.requests).Should(HaveLen(1))
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		Expect(b.stop(ctx)).To(Equal(1))
		close(release)
		Expect(b.stop(context.Background())).To(BeZero())
	})
})

var _ = Describe("a session", func() {
	It("grows by the replies", func() {
		b := newBench(conversation("one", "two", "three"), nil)
		b.server.answer = says(content("re"), content("ply"), "[DONE]")
		for i := range 3 {
			b.ask(turnOf(int64(i), "s", i, 3))
		}
		records, _ := b.ends.all()
		const head, tail = `{"messages":[{"role":"system","content":"sys"},{"role":"user","content":"one"}`,
			`],"model":"m1","stream":true,"max_completion_tokens":5,"stream_options":{"include_usage":true}}`
		const reply = `,{"role":"assistant","content":"reply"}`
		requests := b.server.requests()
		Expect(requests[0].body).To(Equal(head + tail))
		Expect(requests[1].body).To(Equal(head + reply + `,{"role":"user","content":"two"}` + tail))
		Expect(requests[2].body).To(Equal(head + reply + `,{"role":"user","content":"two"}` + reply + `,{"role":"user","content":"three"}` + tail))
		Expect([]bool{requests[0].final, requests[1].final, requests[2].final}).To(Equal([]bool{false, false, true}))
		Expect(string(records[2].PayloadBytes)).To(Equal(requests[2].body), "the body that was sent travels with the record")
		Expect(records[2].MaxTokens).To(Equal(5))
		Expect(b.sessions.len()).To(BeZero(), "an ended session is forgotten")
	})

	It("goes on without the reply of a turn that failed", func() {
		b := newBench(conversation("one", "two"), nil)
		b.server.answer = func(_ context.Context, _ *transports.Request, x *transports.Exchange) {
			x.Error = messages.NewError("Bad", "no")
		}
		b.ask(turnOf(0, "s", 0, 2))
		b.ask(turnOf(1, "s", 1, 2))
		Expect(b.server.requests()[1].body).To(ContainSubstring(`{"role":"user","content":"one"},{"role":"user","content":"two"}`))
	})

	It("ends with a cancel", func() {
		b := newBench(conversation("one", "two"), nil)
		b.server.answer = never
		b.accept([]messages.Credit{turnOf(0, "s", 0, 2)}, clock.Now())
		Eventually(b.server.requests).Should(HaveLen(1))
		b.cancel([][2]int64{{1, 0}})
		Eventually(b.ends.returned).Should(Equal(1))
		Expect(b.sessions.len()).To(BeZero())
	})

	It("stays with its URL", func() {
		store := &memory{payloads: [][]string{{"{}", "{}", "{}"}}}
		b := newBench(store, nil)
		for i := range 3 {
			for s, index := range []int{0, 1, 3} {
				c := turnOf(int64(10*i+s), fmt.Sprint("s", s), i, 3)
				if i == 0 {
					c.URLIndex = index // later turns carry none
				}
				b.ask(c)
			}
		}
		by := map[string]map[string]int{}
		for _, r := range b.server.requests() {
			if by[r.session] == nil {
				by[r.session] = map[string]int{}
			}
			by[r.session][strings.Split(r.url, "/")[2]]++
		}
		Expect(by).To(Equal(map[string]map[string]int{"s0": {"a": 3}, "s1": {"b": 3}, "s2": {"b": 3}}))
	})

	It("is rebuilt from the dataset when it was forgotten", func() {
		b := newBench(conversation("one", "two", "three"), func(c *Config, _ *Deps) { c.MaxSessions = 1 })
		b.ask(turnOf(0, "s", 0, 3))
		b.ask(turnOf(1, "t", 0, 3))
		Expect(b.warned).To(ConsistOf(ContainSubstring("AIPERF_WORKER_SESSION_CACHE_MAX_ENTRIES")))
		b.ask(turnOf(2, "s", 1, 3))
		Expect(b.server.requests()[2].body).To(ContainSubstring(`[{"role":"system","content":"sys"},{"role":"user","content":"one"},{"role":"user","content":"two"}]`))
		Expect(b.warned).To(HaveLen(1))
	})

	It("takes cap and model from where they are decided", func() {
		store := prepared()
		store.maxTokens = 11
		b := newBench(store, func(c *Config, _ *Deps) { c.BodyModel = true })
		records, _ := b.ask(credit(1))
		Expect(records[0].ModelName).To(Equal("m9"))
		Expect(records[0].MaxTokens).To(Equal(11))
		b = newBench(store, func(c *Config, _ *Deps) { c.ExtraMaxTokens = 3 })
		records, _ = b.ask(credit(1))
		Expect(records[0].MaxTokens).To(Equal(3))
	})
})

var _ = Describe("the books", func() {
	DescribeTable("hold one return per credit, and one record for each that was taken up, under delays, errors, cancels and panics", func(atATime int) {
		const credits = 2000
		store := conversation("one")
		store.payloads = [][]string{{"{}"}}
		var mu sync.Mutex
		rng := rand.New(rand.NewPCG(1, 2))
		roll := func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return rng.IntN(n)
		}
		b := newBench(store, func(c *Config, _ *Deps) { c.MaxActive = atATime })
		b.server.answer = func(ctx context.Context, r *transports.Request, x *transports.Exchange) {
			switch roll(5) {
			case 0:
				panic("boom")
			case 1:
				x.Error = messages.NewError("Bad", "no")
			case 2:
				never(ctx, r, x)
			default:
				says(content("hi"), "[DONE]")(ctx, r, x)
			}
		}
		var wg sync.WaitGroup
		for id := range int64(credits) {
			c := credit(id)
			if roll(2) == 0 {
				c.ScheduledNS = clock.Wall()
			}
			b.accept([]messages.Credit{c}, clock.Now())
			if roll(3) == 0 {
				wg.Go(func() { b.cancel([][2]int64{{1, id}}) })
			}
			if id == credits/2 {
				close(b.gate.open)
			}
		}
		wg.Wait()
		Expect(b.stop(context.Background())).To(BeZero())
		records, returns := b.ends.all()
		recorded := map[int64]int{}
		for _, r := range records {
			recorded[r.Credit.ID]++
			Expect(r.EndPerfNS).To(BeNumerically(">=", r.StartPerfNS))
			Expect(r.StartPerfNS).NotTo(BeZero())
		}
		returned := map[int64]int{}
		outcomes := map[string]int{}
		for _, r := range returns {
			returned[r.ID]++
			Expect(recorded[r.ID]).To(Equal(map[bool]int{true: 1, false: 0}[r.RecordEmitted]), "credit %d", r.ID)
			Expect(r.RecordEmitted || r.Cancelled).To(BeTrue())
			switch {
			case !r.RecordEmitted:
				outcomes["dropped"]++
			case r.Cancelled:
				outcomes["cancelled"]++
			case r.Error != "":
				outcomes["failed"]++
			default:
				outcomes["done"]++
			}
		}
		Expect(returned).To(HaveLen(credits))
		Expect(returns).To(HaveLen(credits))
		Expect(outcomes).To(And(HaveKey("dropped"), HaveKey("cancelled"), HaveKey("failed"), HaveKey("done")))
		s := b.stats()
		Expect(s.Total).To(BeEquivalentTo(credits))
		Expect(s.Failed + s.Completed).To(Equal(s.Total))
		Expect(b.tasks).To(BeEmpty())
		Expect(b.sessions.len()).To(BeZero())
		Expect(b.active).To(BeZero())
		Expect(b.line).To(BeEmpty())
	},
		Entry("all at once", 0),
		Entry("a few at a time, the others in line", 16),
	)

	It("counts the wait in line from when a credit was due, as a wait for a connection and not as the client's delay", func() {
		store := conversation("one")
		store.payloads = [][]string{{"{}"}}
		b := newBench(store, func(c *Config, _ *Deps) { c.MaxActive = 1 })
		release := make(chan struct{})
		b.server.answer = func(ctx context.Context, r *transports.Request, x *transports.Exchange) {
			<-release
			says(content("hi"), "[DONE]")(ctx, r, x)
		}
		received := clock.Now()
		b.accept([]messages.Credit{credit(0), credit(1), credit(2)}, received)
		b.cancel([][2]int64{{1, 2}})
		close(release)
		Eventually(func() int { _, returns := b.ends.all(); return len(returns) }).Should(Equal(3))
		records, returns := b.ends.all()
		Expect(records).To(HaveLen(2))
		Expect(records[1].Credit.ID).To(BeEquivalentTo(1))
		Expect(records[1].StartPerfNS).To(Equal(received))
		Expect(records[1].CreditDropNS).To(BeZero())
		Expect(returns[2].RecordEmitted).To(BeFalse(), "cancelled in line: it was never taken up")
		Expect(b.stop(context.Background())).To(BeZero())
	})
})

// discard recycles what it gets.
type discard struct{ e *engine }

func (d discard) Put(it *item) (string, error) {
	it.reset()
	d.e.items.Put(it)
	return "p", nil
}

func BenchmarkCredit(b *testing.B) {
	var sink discard
	bench := newBench(prepared(), nil)
	sink.e = bench.engine
	done := make(chan struct{}, 1)
	bench.deps.Records, bench.deps.Returns = sink, func(messages.CreditReturn) { done <- struct{}{} }
	events := []messages.RawResponse{{Bytes: []byte(content("hi"))}, {Bytes: []byte("[DONE]")}}
	bench.deps.Transport = instant(events)
	one := []messages.Credit{credit(0)}
	b.ReportAllocs()
	for b.Loop() {
		one[0].ID++
		bench.accept(one, clock.Now())
		<-done
	}
	if s := bench.stats(); s.Failed > 0 {
		b.Fatal(errors.New("requests failed"))
	}
}

// instant is a transport without a network.
type instant []messages.RawResponse

func (i instant) Exchange(_ context.Context, _ *transports.Request, x *transports.Exchange) {
	x.Status, x.Streamed, x.EndNS = 200, true, clock.Now()
	x.Responses = append(x.Responses, i...)
}
func (instant) Close() {}
