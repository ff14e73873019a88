package records

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/messages"
)

// Waits of the completion rules.
const (
	// settleWait is how long nothing may arrive before records of dead processes are
	// given up: survivors may still be busy with what the dead one sent.
	settleWait = 2 * time.Second
	// cancelWait is how long a cancelled run may take to its result, and cancelQuiet how
	// long nothing need arrive before it stops waiting for records.
	cancelWait  = 2 * time.Second
	cancelQuiet = 500 * time.Millisecond
	// asleep is a distance of two ticks that only a stopped or starved process has.
	asleep = time.Second
)

// tick lets time pass: quiet spells, bounds, intervals.
func (l *ledger) tick() {
	if l.step == delivered {
		return
	}
	now := l.out.now()
	if l.tickedNS != 0 && now.Sub(l.tickedNS) > asleep {
		l.wake(now)
	}
	l.tickedNS = now
	l.clock.look(now)
	l.flush(now)
	l.show(now)
	l.advance()
}

// wake begins the quiet spells anew after a time in which this process did not run:
// what was sent to it meanwhile has not been read yet.
func (l *ledger) wake(now clock.WallNS) {
	l.heardNS = now
	for _, p := range l.books.ordered {
		p.heardNS = now
	}
}

// flush hands the lines of the record files to the kernel at an interval.
func (l *ledger) flush(now clock.WallNS) {
	if now.Sub(l.flushedNS) < bootstrap.Seconds(l.run.Environment.Metrics.ExportFlushIntervalSec) {
		return
	}
	l.flushedNS = now
	l.streams.flush()
}

// advance draws the conclusions that what has arrived and the time allow.
func (l *ledger) advance() {
	now := l.out.now()
	if l.step == collecting {
		for _, p := range l.books.ordered {
			l.settle(p, now)
		}
		l.collect(now)
	}
	switch {
	case l.step == collecting || l.step == delivered:
	case l.hurry != 0 && now >= l.hurry, l.step == draining && (l.drained() || now >= l.drainBy):
		l.deliver()
	}
}

// collect ends the collecting when there is nothing more to wait for.
func (l *ledger) collect(now clock.WallNS) {
	quiet := now.Sub(l.heardNS)
	stall := bootstrap.Seconds(l.run.Environment.Record.CompletionStallTimeoutSec)
	switch {
	case l.allAccounted():
		l.finish(ending{cancelled: l.wasCancelled(), reason: l.end.reason})
	case l.end.cancelled && (quiet >= cancelQuiet || now >= l.hurry):
		l.finish(l.end)
	case l.wasCancelled() && l.creditsEnded() && quiet >= settleWait: // nobody needs to ask
		l.finish(ending{cancelled: true, reason: l.end.reason})
	case stall > 0 && l.creditsEnded() && quiet >= stall:
		l.finish(ending{stalled: true, reason: l.stallReason(stall)})
	}
}

// settle closes a phase when the fate of each of its credits is known, or when it is
// sure that no more will be heard of the rest.
func (l *ledger) settle(p *phase, now clock.WallNS) {
	if p.closed || !p.complete {
		return
	}
	missing := p.missing()
	if missing == 0 && len(p.substitutes) == 0 {
		p.closed = true
		return
	}
	if now.Sub(p.heardNS) < settleWait {
		return // a real record may still come, and would win
	}
	if missing > 0 && !l.deaths.ofRecordPath() {
		return // nobody died: the records are late, not lost
	}
	l.writeOff(p, missing > 0)
	p.closed = true
}

// writeOff books the substitutes, and a record for each credit that went down with a
// process.
func (l *ledger) writeOff(p *phase, missing bool) {
	var records []messages.MetricRecord
	if missing {
		for _, id := range p.missingIDs() {
			records = append(records, l.lostRecord(p, id))
		}
	}
	records = append(records, p.takeSubstitutes()...)
	now := l.out.now()
	for i := range records {
		p.take(&records[i])
		p.endNS = now
		l.deaths.charge(&records[i].Metadata)
	}
	if len(records) > 0 {
		l.log.Warn("credits were lost with processes that died", "phase", p.stats.PhaseName, "credits", len(records))
	}
	l.accumulate(records)
}

// lostRecord is the record of a credit whose own record died with its bearer.
func (l *ledger) lostRecord(p *phase, id int64) messages.MetricRecord {
	at := p.stats.RequestsEndNS
	if at == 0 {
		at = l.out.now()
	}
	m := messages.RecordMetadata{
		SessionNum: id, BenchmarkPhase: p.stats.Phase, PhaseIndex: p.stats.PhaseIndex, PhaseName: p.stats.PhaseName,
		ProfilingIndex: -1, RequestStartNS: at, RequestEndNS: at, WorkerID: "unknown", RecordProcessorID: "unknown",
	}
	if p.stats.ProfilingIndex != nil {
		m.ProfilingIndex = *p.stats.ProfilingIndex
	}
	d, typ := l.deaths.suspect()
	text := fmt.Sprintf("the record was lost when %s ended (%s)", d.ServiceID, d.How)
	if typ == workerLost {
		m.WorkerID = d.ServiceID
	} else {
		m.RecordProcessorID = d.ServiceID
	}
	return messages.MetricRecord{Metadata: m, Error: messages.NewError(typ, text)}
}

// allAccounted tells whether no further record is to come: the timing manager has said
// its last word, which travels behind those of its phases, and every phase is closed.
func (l *ledger) allAccounted() bool {
	for _, p := range l.books.ordered {
		if !p.closed {
			return false
		}
	}
	return l.creditsNS != 0
}

// creditsEnded tells whether the timing manager is done, as far as it could say so.
func (l *ledger) creditsEnded() bool {
	for _, p := range l.books.ordered {
		if !p.complete {
			return l.creditsNS != 0
		}
	}
	return l.creditsNS != 0 || len(l.books.ordered) > 0 && len(l.books.ordered) >= len(l.run.Benchmark.Phases)
}

// wasCancelled tells whether the run was cancelled, by anybody's word.
func (l *ledger) wasCancelled() bool {
	for _, p := range l.books.ordered {
		if p.complete && p.stats.WasCancelled {
			return true
		}
	}
	return l.end.cancelled || l.creditsEnd.WasCancelled
}

// cancel asks for the result soon, with what arrives meanwhile. When the result is
// being made already, it hurries that. Of an earlier run's journal, everything is there.
func (l *ledger) cancel(reason string) {
	switch {
	case l.step == delivered:
		return
	case l.run.RecoverReason != "":
		l.finish(ending{cancelled: l.run.RecoverCancelled, reason: l.run.RecoverReason})
		return
	}
	if !l.end.cancelled {
		l.end.cancelled = true
		l.end.reason = "cancelled"
		if reason != "" {
			l.end.reason += ": " + reason
		}
	}
	if l.hurry == 0 {
		l.hurry = l.out.now().Add(cancelWait)
	}
	l.advance()
}

// stallReason says what a stalled run still waits for, and from whom.
func (l *ledger) stallReason(stall time.Duration) string {
	var parts []string
	for _, p := range l.books.ordered {
		if p.closed {
			continue
		}
		switch n := p.missing(); {
		case n > 0:
			parts = append(parts, fmt.Sprintf("phase %s: %d of %d records (credits %s)", p.stats.PhaseName, n, p.sent(), ranges(p.missingIDs(), 5)))
		case !p.complete:
			parts = append(parts, fmt.Sprintf("phase %s: the notice of its end", p.stats.PhaseName))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "the notice that the last phase has ended")
	}
	text := fmt.Sprintf("no record for %s after the last credit; still missing: %s", stall, strings.Join(parts, "; "))
	if workers := l.silentWorkers(); len(workers) > 0 {
		text += "; workers without any record: " + strings.Join(workers, ", ")
	}
	return text
}

// silentWorkers lists workers that were seen alive and of which no record came.
func (l *ledger) silentWorkers() []string {
	var out []string
	for id := range l.workers {
		heard := false
		for _, p := range l.books.ordered {
			_, ok := p.workers[id]
			heard = heard || ok
		}
		if !heard {
			out = append(out, id)
		}
	}
	sort.Strings(out)
	return out
}

// ranges writes ascending ids as 3-5, 9, …; at most so many ranges.
func ranges(ids []int64, most int) string {
	var parts []string
	for i := 0; i < len(ids); {
		j := i
		for j+1 < len(ids) && ids[j+1] == ids[j]+1 {
			j++
		}
		if len(parts) == most {
			parts = append(parts, "…")
			break
		}
		if i == j {
			parts = append(parts, fmt.Sprint(ids[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", ids[i], ids[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}
