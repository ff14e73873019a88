package dataset

import (
	"context"
	"fmt"
	"sync"
	"time"

	"aiperf/bootstrap"
	store "aiperf/dataset"
	"aiperf/messages"
	"aiperf/messages/bus"
)

// mostWaiting bounds the requests that wait for the dataset; more are refused.
const mostWaiting = 4096

// server answers those who cannot map the dataset's files. Requests that come before
// the dataset is there wait for it, at most for limit.
type server struct {
	router  *bus.Socket
	log     *bootstrap.Logger
	limit   time.Duration
	gate    *gate
	waiting sync.WaitGroup

	mu       sync.Mutex
	inFlight map[flight]bool
}

// flight names a request under way.
type flight struct{ from, requestID string }

// gate opens when the dataset is built, or when it will not be.
type gate struct {
	open         chan struct{}
	notification *messages.DatasetConfiguredNotification // nil: err says why; read after open
	repeats      string
	store        *store.Store
	err          error
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func newServer(router *bus.Socket, log *bootstrap.Logger, limit time.Duration, g *gate) *server {
	return &server{router: router, log: log, limit: limit, gate: g, inFlight: map[flight]bool{}}
}

// serve answers until the socket is closed. The goroutines that it starts have ended
// when it returns.
func (s *server) serve(ctx context.Context) {
	bootstrap.Pump(ctx, s.log, s.router, s.take)
	s.waiting.Wait()
}

// take answers a request at once, or parks it until the dataset is there.
func (s *server) take(ctx context.Context, d bus.Delivery) error {
	f := flight{d.From, d.Envelope.RequestID}
	if f.requestID == "" {
		return fmt.Errorf("a request without request_id is dropped")
	}
	answer := decode(d.Envelope)
	if answer == nil {
		return fmt.Errorf("no request of the dataset manager")
	}
	s.mu.Lock()
	known, busy := s.inFlight[f], len(s.inFlight) >= mostWaiting
	if !known && !busy {
		s.inFlight[f] = true
	}
	s.mu.Unlock()
	switch {
	case known:
		return s.reply(ctx, f, refusal(errDuplicate, "request "+f.requestID+" is under way"))
	case busy:
		return s.reply(ctx, f, refusal(errBusy, "too many requests wait for the dataset"))
	}
	if _, status := answer.(statusAnswer); status || s.gate.isOpen() {
		return s.finish(ctx, f, answer)
	}
	s.waiting.Go(func() {
		t := time.NewTimer(s.limit)
		defer t.Stop()
		var err error
		select {
		case <-s.gate.open:
			err = s.finish(ctx, f, answer)
		case <-t.C:
			err = s.finish(ctx, f, refused{refusal(errTimeout, fmt.Sprintf("the dataset was not ready within %s", s.limit))})
		case <-ctx.Done():
			return
		}
		if err != nil {
			s.log.Debug("answer dataset request", "to", f.from, "err", err)
		}
	})
	return nil
}

func (g *gate) isOpen() bool {
	select {
	case <-g.open:
		return true
	default:
		return false
	}
}

// finish sends the answer and forgets the request.
func (s *server) finish(ctx context.Context, f flight, a answer) error {
	s.mu.Lock()
	delete(s.inFlight, f)
	s.mu.Unlock()
	return s.reply(ctx, f, a.from(s.gate))
}

func (s *server) reply(ctx context.Context, f flight, m messages.Message) error {
	return s.router.SendRequest(ctx, f.from, f.requestID, m)
}
