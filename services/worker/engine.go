package worker

import (
	"context"
	"net/url"
	"sync"
	"sync/atomic"

	"aiperf/clock"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/transports"
)

// Config is what the run says about requests.
type Config struct {
	WorkerID string
	Targets  []*url.URL // one per endpoint URL, complete
	Model    string     // the primary one
	// BodyModel: the model stands in the body, because there is more than one.
	BodyModel      bool
	ExtraMaxTokens int  // output cap of the extra inputs, 0 = none
	CheckStreams   bool // a stream must end properly
	MaxSessions    int
	MaxActive      int // credits that are worked on at a time; 0 = all
}

// Deps are what the engine works with.
type Deps struct {
	Store     store
	Endpoint  endpoints.Endpoint
	Headers   *transports.Headers
	Transport transports.Transport
	Alarm     alarm
	Records   records
	Returns   func(messages.CreditReturn) // waits while the queue is full
	Redact    func(string) string
	Warn      func(text string, args ...any)
}

// store is the mapped dataset.
type store interface {
	Len() int
	Find(id string) (int, bool)
	Payload(conversation, turn int) []byte
	MaxTokens(conversation, turn int) int
	Conversation(i int) (dataset.Conversation, error)
}

// alarm waits for instants.
type alarm interface {
	// Approach returns a little before due, or when ctx ends.
	Approach(ctx context.Context, due clock.MonoNS) error
	// Reach returns at due.
	Reach(due clock.MonoNS)
}

// records takes finished requests; it owns the item from then on.
type records interface {
	Put(it *item) (processorID string, err error)
}

// engine handles credits. Every credit that accept took gets exactly one return; one
// whose request was taken up gets exactly one record, before its return.
//
// It starts one goroutine per credit, and stop waits for them. Beyond MaxActive credits
// wait in line without one: a load far above what the transport carries must not bury
// the requests under way below goroutines that only wait for a connection.
type engine struct {
	readier  transports.Readier // the transport, if it can make requests ready; else nil
	cfg      Config
	deps     Deps
	sessions *sessions
	failures *failureLog
	items    sync.Pool

	running sync.WaitGroup

	mu      sync.Mutex
	tasks   map[messages.CreditKey]*task
	active  int     // goroutines at work
	line    []*task // who waits for one of them, in order of arrival; empty below MaxActive
	stopped bool

	total, failed, completed atomic.Int64
}

func newEngine(cfg Config, deps Deps) *engine {
	e := &engine{cfg: cfg, deps: deps, tasks: map[messages.CreditKey]*task{}, failures: newFailureLog(deps.Warn)}
	e.readier, _ = deps.Transport.(transports.Readier)
	e.items.New = func() any { return &item{} }
	e.sessions = newSessions(cfg.MaxSessions, func() {
		deps.Warn("more sessions are open than the worker may remember; later turns of the oldest ones are sent without earlier replies",
			"limit", cfg.MaxSessions, "setting", "AIPERF_WORKER_SESSION_CACHE_MAX_ENTRIES")
	})
	return e
}

// accept takes credits that arrived at received.
func (e *engine) accept(credits []messages.Credit, received clock.MonoNS) {
	for i := range credits {
		t := &task{credit: credits[i], received: received}
		t.ctx, t.cancel = context.WithCancelCause(context.Background()) // stop drops each task by itself
		if e.admit(t) {
			e.running.Go(func() { e.work(t) })
		}
	}
}

// admit enters a task into the books and tells whether it is to be started now. A key
// that is there already is a repetition and has its return coming; after the stop a
// credit goes back as cancelled.
func (e *engine) admit(t *task) (now bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, twice := e.tasks[t.credit.CreditKey]; twice {
		e.deps.Warn("credit came twice", "phase_index", t.credit.PhaseIndex, "id", t.credit.ID)
		t.cancel(nil)
		return false
	}
	if e.stopped {
		t.drop()
	}
	e.tasks[t.credit.CreditKey] = t
	e.total.Add(1)
	if e.cfg.MaxActive > 0 && e.active >= e.cfg.MaxActive {
		t.queued = true
		e.line = append(e.line, t)
		return false
	}
	e.active++
	return true
}

// work handles a task, and then those in line, as long as there are any.
func (e *engine) work(t *task) {
	for t != nil {
		e.handle(t)
		t = e.next()
	}
}

// next takes the first of the line; nil ends the goroutine that asks.
func (e *engine) next() *task {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.line) == 0 {
		e.line = nil // the memory of a long one goes back
		e.active--
		return nil
	}
	t := e.line[0]
	e.line[0] = nil
	e.line = e.line[1:]
	return t
}

// cancel drops credits; those that are not here have been returned already.
func (e *engine) cancel(keys [][2]int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, k := range keys {
		if t := e.tasks[messages.CreditKey{PhaseIndex: int(k[0]), ID: k[1]}]; t != nil {
			t.drop()
		}
	}
}

// stats counts what was asked for and what has ended; a cancelled request is no failure.
func (e *engine) stats() messages.TaskStats {
	return messages.TaskStats{Total: e.total.Load(), Failed: e.failed.Load(), Completed: e.completed.Load()}
}

// stop cancels what is under way and waits until every credit is returned, or ctx
// ends; it tells how many are left.
func (e *engine) stop(ctx context.Context) (left int) {
	e.mu.Lock()
	e.stopped = true
	for _, t := range e.tasks {
		t.drop()
	}
	e.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends with the last task
		e.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.tasks)
}
