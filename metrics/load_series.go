package metrics

import "aiperf/clock"

// LoadSeries is the load of a run over time, in buckets of equal width: what was asked
// for, what was sent, and what became of it. All lists have the same length.
type LoadSeries struct {
	StartNS clock.WallNS `msgpack:"start_ns"` // of the first bucket
	BucketS float64      `msgpack:"bucket_s"` // width, seconds

	Asked     []int64 `msgpack:"asked"`     // requests that were due: scheduled or, in a closed loop, issued; lost ticks included
	Sent      []int64 `msgpack:"sent"`      // requests that were started
	InFlight  []int64 `msgpack:"in_flight"` // requests under way at the end of the bucket
	Completed []int64 `msgpack:"completed"` // requests that succeeded
	Errors    []int64 `msgpack:"errors"`    // requests that failed, lost ones included
	Cancelled []int64 `msgpack:"cancelled"` // requests that were cut
}

// LoadEvent is one request as the series sees it. Instants of 0 are absent.
type LoadEvent struct {
	DueNS, StartNS, EndNS clock.WallNS
	Failed, Cancelled     bool
}

// LoadCounter counts a series up, one request at a time. The zero value waits for its
// start. Its memory is bounded: when a run is longer than loadBuckets buckets, they are
// made twice as wide, as often as that is needed.
type LoadCounter struct {
	start clock.WallNS
	width int64 // ns; 0 = not begun
	rows  []loadRow
}

type loadRow struct{ asked, sent, ended, completed, failed, cancelled int64 }

const (
	loadWidthNS = 1_000_000_000
	loadBuckets = 7200 // two hours of seconds
)

// Begin sets where the series starts; only the first call counts.
func (l *LoadCounter) Begin(start clock.WallNS) {
	if l.width == 0 && start > 0 {
		l.start, l.width = start, loadWidthNS
	}
}

// Add counts a request. One that comes before any Begin starts the series.
//
// hot: once per request. Budget: no allocation but for new buckets.
func (l *LoadCounter) Add(e LoadEvent) {
	l.Begin(e.DueNS)
	l.Begin(e.StartNS)
	if l.width == 0 {
		return
	}
	if e.DueNS > 0 {
		l.at(e.DueNS).asked++
	}
	if e.StartNS > 0 {
		l.at(e.StartNS).sent++
	}
	if e.EndNS == 0 {
		return
	}
	row := l.at(e.EndNS)
	row.ended++
	switch {
	case e.Cancelled:
		row.cancelled++
	case e.Failed:
		row.failed++
	default:
		row.completed++
	}
}

// Lost counts requests that were due at an instant and never sent.
func (l *LoadCounter) Lost(due clock.WallNS, n int64) {
	if l.Begin(due); l.width > 0 {
		l.at(due).asked += n
	}
}

// at is the bucket of an instant; what lies before the start belongs to the first.
func (l *LoadCounter) at(instant clock.WallNS) *loadRow {
	i := max(0, int64(instant-l.start)/l.width)
	for i >= loadBuckets {
		l.widen()
		i = int64(instant-l.start) / l.width
	}
	for int64(len(l.rows)) <= i {
		l.rows = append(l.rows, loadRow{})
	}
	return &l.rows[i]
}

// widen joins neighbours.
func (l *LoadCounter) widen() {
	l.width *= 2
	half := l.rows[:0]
	for i := 0; i < len(l.rows); i += 2 {
		row := l.rows[i]
		if i+1 < len(l.rows) {
			next := l.rows[i+1]
			row.asked, row.sent, row.ended = row.asked+next.asked, row.sent+next.sent, row.ended+next.ended
			row.completed, row.failed, row.cancelled = row.completed+next.completed, row.failed+next.failed, row.cancelled+next.cancelled
		}
		half = append(half, row)
	}
	l.rows = half
}

// Series is what was counted; nil when nothing was.
func (l *LoadCounter) Series() *LoadSeries {
	if len(l.rows) == 0 {
		return nil
	}
	n := len(l.rows)
	s := &LoadSeries{
		StartNS: l.start, BucketS: float64(l.width) / loadWidthNS, Asked: make([]int64, n), Sent: make([]int64, n),
		InFlight: make([]int64, n), Completed: make([]int64, n), Errors: make([]int64, n), Cancelled: make([]int64, n),
	}
	var underway int64
	for i, row := range l.rows {
		underway += row.sent - row.ended
		s.Asked[i], s.Sent[i], s.InFlight[i] = row.asked, row.sent, underway
		s.Completed[i], s.Errors[i], s.Cancelled[i] = row.completed, row.failed, row.cancelled
	}
	return s
}
