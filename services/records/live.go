package records

import (
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
)

// liveView paces what is published for watchers.
type liveView struct {
	progressNS clock.WallNS
	realtimeNS clock.WallNS
	rows       int64 // accumulated so far
	shown      int64 // rows at the last live summary
}

// show publishes progress and live results at their intervals.
func (l *ledger) show(now clock.WallNS) {
	if now.Sub(l.live.progressNS) >= bootstrap.Seconds(l.run.Environment.Record.ProgressReportIntervalSec) {
		l.live.progressNS = now
		for _, p := range l.books.ordered {
			if n := p.received(); n != p.shown {
				l.showPhase(p)
			}
		}
	}
	if every := l.realtimeInterval(); now.Sub(l.live.realtimeNS) >= every && l.step == collecting {
		if l.live.realtimeNS == 0 { // the first one comes an interval after the start
			l.live.realtimeNS = now
			return
		}
		l.showRealtime()
	}
}

func (l *ledger) showPhase(p *phase) {
	p.shown = p.received()
	workers := make(map[string]messages.WorkerStats, len(p.workers))
	for id, w := range p.workers {
		workers[id] = w
	}
	l.out.publish(&messages.ProcessingStats{ProcessingStats: p.progress(), WorkerStats: workers, RequestNS: l.out.now()})
}

// showFinal publishes the last progress, and that every record is in, if it is.
func (l *ledger) showFinal() {
	missing := int64(0)
	for _, p := range l.books.ordered {
		missing += p.missing()
		if p.received() > 0 {
			l.showPhase(p)
		}
	}
	if missing > 0 || l.end.stalled || l.run.RecoverReason != "" {
		return
	}
	m := &messages.AllRecordsReceived{RequestNS: l.out.now()}
	if n := len(l.books.ordered); n > 0 {
		m.FinalProcessingStats = l.books.ordered[n-1].progress()
	}
	l.out.report(m)
	l.out.publish(m)
}

// realtimeInterval is how often live results are published.
func (l *ledger) realtimeInterval() time.Duration {
	for _, sec := range []float64{l.run.Benchmark.Runtime.StatsIntervalSec, l.run.Environment.UI.RealtimeMetricsIntervalSec} {
		if sec > 0 {
			return bootstrap.Seconds(sec)
		}
	}
	return 30 * time.Second
}

// showRealtime publishes the profiling requests summarised so far, unless nothing has
// changed since the last time.
func (l *ledger) showRealtime() {
	now := l.out.now()
	l.live.realtimeNS = now
	if l.live.rows == l.live.shown {
		return
	}
	l.live.shown = l.live.rows
	var lives []*metrics.Live
	for _, p := range l.books.results() {
		lives = append(lives, p.live)
	}
	var shown []metrics.Result
	for _, r := range l.set.SummariseLive(lives) {
		if !r.Hidden && !r.Internal && r.ConsoleGroup != string(metrics.GroupNone) {
			shown = append(shown, r)
		}
	}
	if len(shown) == 0 {
		return
	}
	raw, err := msgpack.Marshal(shown)
	if err != nil {
		l.log.Warn("encode live results", "err", err)
		return
	}
	l.out.publish(&messages.RealtimeMetrics{Metrics: raw})
}
