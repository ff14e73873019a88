package timing

import (
	"container/heap"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins"
)

// PhasePreview is what a phase would send, found by the engine itself under virtual
// time.
type PhasePreview struct {
	Name, Kind string
	// Scheduled: the instants come from a schedule. Otherwise they follow the answers,
	// and those below are what they would be if each took PreviewAnswer.
	Scheduled bool
	Requests  int64
	Sessions  int64
	Cut       int64 // requests that the client hangs up on
	LostTicks int64
	First     []time.Duration // instants of the first requests, from the phase's start
	Load      *metrics.LoadSeries
	// Truncated: the preview stopped before the phase did.
	Truncated bool
}

const (
	// PreviewAnswer is how long an answer takes in a preview.
	PreviewAnswer = time.Second
	previewFirst  = 10 // instants that are listed
)

// previewMost bounds the requests that are looked at, in all phases together.
var previewMost = 2 << 20

// Preview runs the load without sending anything. It takes no longer than the engine
// needs to compute it.
func Preview(run *config.Run, registry *plugins.Registry, c conversations, migratable bool) ([]PhasePreview, error) {
	l, err := newLoad(run, registry, c, migratable)
	if err != nil {
		return nil, err
	}
	r := &rehearsal{phases: make([]PhasePreview, len(l.plans)), counters: make([]metrics.LoadCounter, len(l.plans)), now: 1}
	for i, p := range l.plans {
		r.phases[i] = PhasePreview{Name: p.announced.PhaseName, Kind: p.announced.PhaseKind, Scheduled: p.pattern != nil || p.users != nil || p.replay != nil}
	}
	settings := settingsOf(&run.Environment)
	settings.progressEvery, settings.warmupLogEvery = 0, 0
	e := newEngine(settings, r, slog.New(slog.DiscardHandler), func(at clock.MonoNS) clock.WallNS { return clock.WallNS(at) }, r.newID, []string{"preview"})
	if err := e.configure(l); err != nil {
		return nil, err
	}
	e.workerReady(r.now, "preview")
	if err := e.start(); err != nil {
		return nil, err
	}
	if err := r.play(e); err != nil {
		return nil, err
	}
	for i := range r.phases {
		r.phases[i].Load = r.counters[i].Series()
	}
	return r.phases, nil
}

// rehearsal is the world of a preview: one worker that answers everything after the
// same time.
type rehearsal struct {
	now      clock.MonoNS
	answers  answerHeap
	phases   []PhasePreview
	counters []metrics.LoadCounter
	starts   map[int]clock.WallNS
	seen     int
	ids      int64
	err      error
}

type plannedReturn struct {
	at  clock.MonoNS
	key messages.CreditKey
	cut bool
}

type answerHeap []plannedReturn

func (h answerHeap) Len() int           { return len(h) }
func (h answerHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h answerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *answerHeap) Push(x any)        { *h = append(*h, x.(plannedReturn)) }
func (h *answerHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// play moves time from one thing to the next until the load has ended.
func (r *rehearsal) play(e *engine) error {
	for !e.done {
		wake := e.advance(r.now)
		if e.done {
			break
		}
		if r.seen >= previewMost && !e.cancelled {
			for _, p := range e.phases {
				r.phases[p.stats.PhaseIndex].Truncated = true
			}
			e.cancel(r.now)
			continue
		}
		if len(r.answers) > 0 {
			wake = min(wake, r.answers[0].at)
		}
		if wake == never {
			return errors.New("preview: the load would stand still")
		}
		r.now = max(r.now, wake)
		for len(r.answers) > 0 && r.answers[0].at <= r.now {
			a := heap.Pop(&r.answers).(plannedReturn)
			e.takeReturns(r.now, "preview", []messages.CreditReturn{{CreditKey: a.key, RecordEmitted: true, Disconnected: a.cut}})
		}
	}
	if e.failure != nil {
		return e.failure
	}
	return r.err
}

func (r *rehearsal) newID() string {
	r.ids++
	return strconv.FormatInt(r.ids, 10)
}

// credits notes each request at the instant at which it would be sent.
func (r *rehearsal) credits(_ string, credits []messages.Credit) {
	for i := range credits {
		c := &credits[i]
		r.seen++
		p := &r.phases[c.PhaseIndex]
		p.Requests++
		if c.TurnIndex == 0 {
			p.Sessions++
		}
		due := max(r.now, clock.MonoNS(c.IssuedAtNS))
		if len(p.First) < previewFirst {
			p.First = append(p.First, time.Duration(clock.WallNS(due)-r.starts[c.PhaseIndex]))
		}
		a := plannedReturn{at: due.Add(PreviewAnswer), key: c.CreditKey}
		if c.CancelAfterNS != nil {
			p.Cut++
			a.at, a.cut = min(a.at, due.Add(time.Duration(*c.CancelAfterNS))), true
		}
		r.counters[c.PhaseIndex].Add(metrics.LoadEvent{DueNS: clock.WallNS(due), StartNS: clock.WallNS(due), EndNS: clock.WallNS(a.at), Cancelled: a.cut})
		heap.Push(&r.answers, a)
	}
}

// cancel drops what is under way: nothing is told of it.
func (r *rehearsal) cancel(_ string, keys [][2]int64) {
	for _, k := range keys {
		heap.Push(&r.answers, plannedReturn{at: r.now, key: messages.CreditKey{PhaseIndex: int(k[0]), ID: k[1]}})
	}
}

func (r *rehearsal) publish(messages.Message) {}

// sendRecords learns of the phases' borders.
func (r *rehearsal) sendRecords(m messages.Message) {
	switch m := m.(type) {
	case *messages.CreditPhaseStart:
		if r.starts == nil {
			r.starts = map[int]clock.WallNS{}
		}
		r.starts[m.Stats.PhaseIndex] = m.Stats.StartNS
		r.counters[m.Stats.PhaseIndex].Begin(m.Stats.StartNS)
	case *messages.CreditPhaseComplete:
		r.phases[m.Stats.PhaseIndex].LostTicks = m.Stats.LostTicks
		for _, lost := range m.LostTicksBySecond {
			r.counters[m.Stats.PhaseIndex].Lost(m.Stats.StartNS.Add(time.Duration(lost[0])*time.Second), lost[1])
		}
	}
}

func (r *rehearsal) finished(*messages.CreditsComplete) {}
