package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"aiperf/config"
	store "aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins/loaders"
)

const (
	// liveFrom is how many conversations make a trace one that is sent while it is still being
	// made. Fewer take no time worth speaking of.
	liveFrom = 5000
	// ahead is how many conversations are made beyond those that have been sent: what the
	// progress of the load, told every two seconds, may miss, and some.
	ahead = 20_000
	// head is how many are there before the first is sent.
	head = 500
)

// stream is a dataset that is made while it is sent, in the order of sending and not far
// ahead of it.
type stream struct {
	b     *builder
	live  *store.Live
	order []int32 // of sending; nil: as in the file
	begun chan struct{}

	mu   sync.Mutex
	cond *sync.Cond
	sent map[int]int64 // requests by phase
	done bool
}

// newStream lays out a dataset that can be streamed; nil when this one cannot, or is too
// small for it to matter.
func newStream(run *config.Run, b *builder) (*stream, error) {
	o, ok := b.composer.(loaders.Outliner)
	d := &run.Benchmark.Dataset
	n := b.composer.Len()
	if !ok || n < liveFrom || !d.File.Trace || d.Sampling != "sequential" || !o.Outline(0, &store.Outline{}) {
		return nil, nil
	}
	s := &stream{b: b, begun: make(chan struct{}), sent: map[int]int64{}}
	s.cond = sync.NewCond(&s.mu)
	first := make([]float64, n) // times
	sorted, turns := true, 0
	for i := range n {
		turns += b.composer.Turns(i)
	}
	var err error
	s.live, err = store.NewLive(b.dir, n, turns, b.prepared, func(i int, out *store.Outline) error {
		out.ID = ""
		o.Outline(i, out)
		if len(out.Turns) > 0 && out.Turns[0].TimestampMS != nil {
			first[i] = *out.Turns[0].TimestampMS
		}
		sorted = sorted && (i == 0 || first[i-1] <= first[i])
		return nil
	})
	if err != nil {
		return nil, err
	}
	if scheduled := slices.ContainsFunc(run.Benchmark.Phases, func(p config.Phase) bool { return p.Type == config.TypeFixedSchedule }); scheduled && !sorted {
		s.order = make([]int32, n)
		for i := range s.order {
			s.order[i] = int32(i)
		}
		slices.SortStableFunc(s.order, func(a, b int32) int {
			switch {
			case first[a] < first[b]:
				return -1
			case first[a] > first[b]:
				return 1
			}
			return 0
		})
	}
	return s, nil
}

// outcome is what is known before anything is made.
func (s *stream) outcome() outcome { return outcome{info: s.live.Info(), hasTimingData: true} }

// progressed tells how much of the load was sent.
func (s *stream) progressed(m *messages.CreditPhaseProgress) {
	s.mu.Lock()
	s.sent[m.Stats.PhaseIndex] = m.Stats.RequestsSent
	s.mu.Unlock()
	s.cond.Broadcast()
}

// end lets nobody wait any more.
func (s *stream) end() {
	s.mu.Lock()
	s.done = true
	s.mu.Unlock()
	s.cond.Broadcast()
}

// await waits until the n-th conversation of the order is near enough.
func (s *stream) await(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		total := int64(ahead)
		for _, sent := range s.sent {
			total += sent
		}
		switch {
		case s.done:
			return errEnded
		case int64(n) < total:
			return nil
		}
		s.cond.Wait()
	}
}

var errEnded = errors.New("the run has ended")

// run makes the conversations. It returns when all are there, or ctx ends.
func (s *stream) run(ctx context.Context) error {
	defer s.live.Close()
	defer s.b.shut()
	stop := context.AfterFunc(ctx, s.end)
	defer stop()
	put, begun := 0, false
	defer func() {
		if !begun {
			close(s.begun)
		}
	}()
	s.b.order, s.b.gate = s.order, s.await
	err := s.b.render(ctx, func(r *rendered) error {
		bodies := r.bodies
		if !s.b.prepared {
			bodies = nil
		}
		at := put
		if s.order != nil {
			at = int(s.order[put])
		}
		if put++; put == head {
			begun = true
			close(s.begun)
		}
		return s.live.Put(at, &r.conversation, bodies)
	})
	if err == nil {
		err = s.b.failure()
	}
	if errors.Is(err, errEnded) || ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("build dataset: %w", err)
	}
	return nil
}
