package records

import (
	"fmt"
	"os"
	"time"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins"
)

// outlets is what the ledger may do to the world. None of them waits.
type outlets struct {
	now     func() clock.WallNS
	publish func(messages.Message) // to watchers, lossy
	report  func(messages.Message) // to the controller, never lost
	// command asks the controller for something; the ledger runs done when the answer,
	// or the end of limit, is there.
	command func(name string, payload any, limit time.Duration, done func(error))
}

// step is where the run stands for the ledger.
//
//	collecting ── every credit accounted for, cancel, stall ──> relaying
//	relaying   ── profile_complete answered ──────────────────> flushing
//	flushing   ── finalize_artifacts answered ────────────────> draining
//	draining   ── last GPU batch processed, or its bound ─────> delivered
//	any        ── hurry's end ────────────────────────────────> delivered
type step int

const (
	collecting step = iota
	relaying
	flushing
	draining
	delivered
)

// ledger is the engine of the records manager: it takes what arrives, one thing at a
// time, and decides when the run is complete. It has no goroutine and no lock; its
// caller feeds it from one goroutine and calls tick now and then. Time comes from the
// outlets.
type ledger struct {
	run      *config.Run
	registry *plugins.Registry
	log      *bootstrap.Logger
	out      outlets

	opened  bool
	early   []messages.Envelope // taken before open; the files still want them
	journal *journal            // nil: not open, or given up
	streams *streams
	books   *tracker
	set     *metrics.Set
	store   *metrics.Store
	gpu     *gpuAccumulator // nil without GPU telemetry
	drain   gpuDrain
	deaths  deaths
	workers workerLoad
	clock   clockWatch
	live    liveView
	load    metrics.LoadCounter // of the phases in the results
	turns   metrics.TurnCounter // likewise

	readers chan *messages.RecordReader // spare ones
	values  []metrics.Value             // scratch of enter
	faults  []messages.ErrorDetails
	unknown map[string]bool // message types warned about
	refused int64           // malformed records
	repeats int64           // records of credits that had one

	step       step
	end        ending
	hurry      clock.WallNS // the result must be out by then; 0 = no hurry
	heardNS    clock.WallNS // last record or notice
	tickedNS   clock.WallNS // last tick
	creditsNS  clock.WallNS // when the timing manager's last word arrived; 0 = not yet
	creditsEnd messages.CreditsComplete
	drainBy    clock.WallNS
	flushedNS  clock.WallNS
}

// ending is how the collecting ended.
type ending struct {
	cancelled bool
	reason    string // why the result is incomplete; empty = it is not
	stalled   bool
}

func newLedger(run *config.Run, registry *plugins.Registry, log *bootstrap.Logger, out outlets) *ledger {
	set := metrics.NewSet(config.MetricOptions(run))
	l := &ledger{
		run: run, registry: registry, log: log, out: out, books: newTracker(set), set: set, store: set.NewStore(), streams: &streams{log: log},
		readers: make(chan *messages.RecordReader, spareReaders), unknown: map[string]bool{}, workers: workerLoad{}, heardNS: out.now(), deaths: deaths{list: run.RecoverDeaths},
	}
	if run.Benchmark.GPUTelemetry.Enabled {
		l.gpu = newGPUAccumulator()
	}
	l.clock.start(clock.NewAnchor())
	return l
}

// open makes the journal and the files that are written record by record, once. A file
// that cannot be opened fails the run before it begins.
func (l *ledger) open() error {
	if l.opened {
		return nil // what is in them already must stay
	}
	j, err := createJournal(l.run.ArtifactDir)
	if err != nil {
		return err
	}
	l.journal, l.opened = j, true
	l.spill()
	l.streams = openStreams(l.run, l.registry, l.log)
	if len(l.streams.failed) > 0 {
		return fmt.Errorf("open stream exporters: %w", &l.streams.failed[0])
	}
	l.catchUp()
	return nil
}

// spill has the store keep long lists in a file beside the dataset's, which is mapped
// when they are summarised. Without one they take memory, and the run goes on.
func (l *ledger) spill() {
	dir := l.run.DatasetDir
	if dir == "" {
		return
	}
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = l.store.SpillTo(dir)
	}
	if err != nil {
		l.log.Warn("chunk latencies are kept in memory", "err", err)
	}
}

// maxEarly bounds what is kept for files that are not open yet.
const maxEarly = 1024

// catchUp writes down what came before the files were open: the first samples of the
// GPUs, which their collector takes while everybody is being configured.
func (l *ledger) catchUp() {
	for _, e := range l.early {
		l.writeAhead(e)
		var m messages.TelemetryRecords
		if e.Type == m.MessageType() && e.Decode(&m) == nil { // a malformed one has been reported
			l.streams.sample(&m)
		}
	}
	l.early = nil
}

// take handles one message of the records path: the journal has it first.
func (l *ledger) take(e messages.Envelope) {
	if l.step == delivered {
		l.log.Debug("message after the result", "type", e.Type, "from", e.ServiceID)
		return
	}
	if !l.opened && len(l.early) < maxEarly {
		l.early = append(l.early, e)
	}
	l.writeAhead(e)
	l.apply(e)
	l.advance()
}

// writeAhead appends a message to the journal, which is given up when that fails.
func (l *ledger) writeAhead(e messages.Envelope) {
	if l.journal == nil {
		return
	}
	if err := l.journal.append(e.Frame()); err != nil {
		l.log.Error("the journal is given up; a crash from here on would lose the run's records", "err", err)
		l.fault(false, "JournalError", err)
		_ = l.journal.close()
		l.journal = nil
	}
}

// apply is take without the journal and without conclusions.
func (l *ledger) apply(e messages.Envelope) {
	var err error
	switch e.Type {
	case "metric_records":
		err = l.onRecords(e)
	case "credit_phase_start":
		var m messages.CreditPhaseStart
		if err = e.Decode(&m); err == nil {
			err = l.onPhaseStart(&m)
		}
	case "credit_phase_complete":
		var m messages.CreditPhaseComplete
		if err = e.Decode(&m); err == nil {
			err = l.onPhaseComplete(&m)
		}
	case "credits_complete":
		var m messages.CreditsComplete
		if err = e.Decode(&m); err == nil {
			l.onCreditsComplete(&m)
		}
	case "telemetry_records":
		var m messages.TelemetryRecords
		if err = e.Decode(&m); err == nil {
			l.onTelemetry(&m)
		}
	default:
		if !l.unknown[e.Type] {
			l.unknown[e.Type] = true
			l.log.Warn("message type without a handler", "type", e.Type, "from", e.ServiceID)
		}
	}
	if err != nil {
		l.log.Warn("handle message", "type", e.Type, "from", e.ServiceID, "err", err)
	}
}

func (l *ledger) onPhaseStart(m *messages.CreditPhaseStart) error {
	p, err := l.books.at(m.Stats.PhaseIndex)
	if err != nil {
		return err
	}
	l.heardNS = l.out.now()
	p.heardNS = l.heardNS
	p.config = m.Config
	if !p.complete { // a late copy must not take back what the end said
		p.stats = m.Stats
	}
	if p.inResults() {
		l.load.Begin(p.stats.StartNS)
	}
	p.load.Begin(p.stats.StartNS)
	return nil
}

func (l *ledger) onPhaseComplete(m *messages.CreditPhaseComplete) error {
	p, err := l.books.at(m.Stats.PhaseIndex)
	if err != nil {
		return err
	}
	if p.complete {
		return nil
	}
	l.heardNS = l.out.now()
	p.heardNS = l.heardNS
	p.finish(m)
	for _, lost := range m.LostTicksBySecond {
		at := p.stats.StartNS.Add(time.Duration(lost[0]) * time.Second)
		if p.inResults() {
			l.load.Lost(at, lost[1])
		}
		p.load.Lost(at, lost[1])
	}
	if p.highest >= p.sent() {
		l.log.Warn("more records than credits", "phase", p.stats.PhaseName, "credits", p.sent(), "highest", p.highest)
	}
	if l.journal != nil {
		l.journal.sync(func(err error) {
			if err != nil {
				l.log.Warn("flush the journal to the disk", "err", err)
			}
		})
	}
	return nil
}

// severalPhases tells whether there will be results of each phase.
func (l *ledger) severalPhases() bool { return len(l.run.Benchmark.Phases) > 1 }

// onCreditsComplete notes the timing manager's last word.
func (l *ledger) onCreditsComplete(m *messages.CreditsComplete) {
	if l.creditsNS != 0 {
		return
	}
	l.creditsNS, l.creditsEnd = l.out.now(), *m
	l.heardNS = l.creditsNS
}

// onServiceDown notes the death of a process.
func (l *ledger) onServiceDown(down *messages.ServiceDown) {
	l.deaths.add(down)
	if down.ServiceType == "gpu_telemetry_manager" {
		l.drain.gone = true
	}
	l.advance()
}

// fault notes an error of our own for the result; a fatal one makes it partial.
func (l *ledger) fault(fatal bool, typ string, err error) {
	e := *messages.AsErrorDetails(typ, err)
	e.Details = map[string]any{"fatal": fatal}
	l.faults = append(l.faults, e)
}

// close gives up the files without a result.
func (l *ledger) close() {
	l.streams.close()
	_ = l.store.Close() // nothing in it is needed any more
	if l.journal != nil {
		_ = l.journal.close()
		l.journal = nil
	}
}
