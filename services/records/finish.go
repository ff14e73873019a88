package records

import (
	"fmt"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/clock"
	"aiperf/exporters"
	"aiperf/messages"
)

// Bounds of the steps between the last record and the result.
const (
	relayLimit = 65 * time.Second // others finish their own windows and files; the controller's bound is 60 s
	drainLimit = 30 * time.Second // the last GPU batch
)

// gpuDrain knows whether GPU samples are still on their way.
type gpuDrain struct {
	began  bool // a batch has arrived: somebody collects
	gone   bool // the collector's process ended, or said that it collects nothing
	marker bool // the last batch of the run has been processed
	status *messages.TelemetryStatus
}

func (l *ledger) onTelemetry(m *messages.TelemetryRecords) {
	l.drain.began = true
	if l.gpu != nil {
		l.gpu.add(m)
	}
	l.streams.sample(m)
	if m.CollectionComplete {
		l.drain.marker = true
	}
}

// onTelemetryStatus notes which sources answer. It comes over the bus and may be
// missed; then the collector's own batches tell.
func (l *ledger) onTelemetryStatus(m *messages.TelemetryStatus) {
	l.drain.status = m
	if !m.Enabled {
		l.drain.gone = true
	}
	l.advance()
}

// drained tells whether every GPU sample that will come is processed.
func (l *ledger) drained() bool {
	return l.gpu == nil || !l.drain.began || l.drain.gone || l.drain.marker
}

// finish ends the collecting, once: from here on the others are asked to finish what
// is theirs, step by step, and then the result is made.
func (l *ledger) finish(end ending) {
	if l.step != collecting {
		return
	}
	now := l.out.now()
	if end.cancelled {
		if end.reason == "" {
			end.reason = "cancelled"
		}
		if l.hurry == 0 {
			l.hurry = now.Add(cancelWait)
		}
	}
	l.end = end
	for _, p := range l.books.ordered {
		if !p.closed {
			l.writeOff(p, p.complete && l.deaths.ofRecordPath())
		}
	}
	l.showFinal()
	if l.run.RecoverReason != "" {
		l.deliver() // nobody else is there
		return
	}
	l.step = relaying
	l.out.command(messages.CommandProfileComplete, l.bounds(), relayLimit, func(err error) {
		l.relayed(relaying, messages.CommandProfileComplete, err)
	})
}

// relayed is called with the answer to a relay; one that comes too late changes nothing.
func (l *ledger) relayed(of step, name string, err error) {
	if l.step != of {
		return
	}
	if err != nil {
		l.log.Warn("a service could not finish its part", "command", name, "err", err)
		l.fault(false, "CommandError", fmt.Errorf("%s: %w", name, err))
	}
	if of == relaying {
		l.step = flushing
		l.out.command(messages.CommandFinalizeArtifacts, nil, relayLimit, func(err error) {
			l.relayed(flushing, messages.CommandFinalizeArtifacts, err)
		})
		return
	}
	l.step, l.drainBy = draining, l.out.now().Add(drainLimit)
	l.advance()
}

// bounds are the windows of the profiling and of the warmup phases.
func (l *ledger) bounds() messages.ProfileCompletePayload {
	var b messages.ProfileCompletePayload
	b.StartNS, b.EndNS = l.span(l.books.kind(messages.PhaseProfiling))
	b.WarmupStartNS, b.WarmupEndNS = l.span(l.books.kind(messages.PhaseWarmup))
	return b
}

// span is from the first phase's start to the last one's end; 0 = no such phase. What
// the timing manager did not live to say, the records do.
func (l *ledger) span(phases []*phase) (start, end clock.WallNS) {
	for _, p := range phases {
		from, to := p.stats.StartNS, p.stats.RequestsEndNS
		if from == 0 {
			from = p.window.firstStart
		}
		if to == 0 {
			to = p.window.lastEnd
		}
		if from != 0 && (start == 0 || from < start) {
			start = from
		}
		end = max(end, to)
	}
	return start, end
}

// deliver makes the results and hands them in, once.
func (l *ledger) deliver() {
	if l.step == delivered {
		return
	}
	if !l.drained() {
		l.fault(false, "TimeoutError", fmt.Errorf("the last GPU samples did not arrive in time"))
	}
	l.step = delivered
	profile := l.profile()
	telemetry := l.telemetry()
	l.report(&messages.ProcessRecordsResult{}, profile)
	if l.run.Benchmark.GPUTelemetry.Enabled {
		l.report(&messages.ProcessTelemetryResult{}, telemetry)
	}
}

// report sends a result to the controller, where it counts, and to watchers.
func (l *ledger) report(m messages.Message, result any) {
	raw, err := msgpack.Marshal(result)
	if err != nil { // a value that cannot be written down is a programmer's mistake; the run must still end
		l.log.Error("encode result", "type", m.MessageType(), "err", err)
		raw, _ = msgpack.Marshal(&exporters.Profile{IncompleteReason: err.Error(), Errors: []messages.ErrorDetails{*messages.NewError("EncodingError", err.Error())}})
	}
	switch m := m.(type) {
	case *messages.ProcessRecordsResult:
		m.Results = raw
	case *messages.ProcessTelemetryResult:
		m.TelemetryResult = raw
	}
	l.out.report(m)
	l.out.publish(m)
}

// telemetry is the GPU result, nil when nothing was collected.
func (l *ledger) telemetry() (t *exporters.Telemetry) {
	if l.gpu == nil || !l.drain.began && l.drain.status == nil {
		return nil
	}
	start, end := l.span(l.books.results())
	err := guarded(func() error {
		t = l.gpu.result(l.drain.status, start, end+clock.WallNS(l.run.Environment.GPU.FinalScrapeGraceNS))
		return nil
	})
	if err != nil {
		l.log.Error("make GPU result", "err", err)
		return nil
	}
	return t
}
