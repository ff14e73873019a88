package timing

import (
	"fmt"
	"math"
	"time"

	"aiperf/clock"
)

// workerFloor is the share of the workers below which a run is worth nothing.
type workerFloor struct {
	share      float64       // of the most there were at once; 0 = no floor
	patience   time.Duration // how long there may be fewer
	peak       int
	belowSince clock.MonoNS // 0 = there are enough
}

// look tells how things stand with so many workers alive: when to look again, and why the
// run has to end, if it has.
func (f *workerFloor) look(now clock.MonoNS, alive int) (wake clock.MonoNS, err error) {
	f.peak = max(f.peak, alive)
	floor := int(math.Ceil(f.share * float64(f.peak)))
	if f.share <= 0 || alive >= floor {
		f.belowSince = 0
		return never, nil
	}
	if f.belowSince == 0 {
		f.belowSince = now
	}
	limit := f.belowSince.Add(f.patience)
	if now < limit {
		return limit, nil
	}
	return never, fmt.Errorf("%d of %d workers are alive, fewer than %d, for %s (AIPERF_WORKER_MIN_ALIVE_FRACTION, AIPERF_WORKER_STALE_TIME)", alive, f.peak, floor, f.patience)
}

// keepFloor fails the run when too few workers are left for too long.
func (e *engine) keepFloor(now clock.MonoNS) (wake clock.MonoNS) {
	if e.cancelled || e.failure != nil {
		return never
	}
	wake, err := e.floor.look(now, len(e.router.workers))
	if err != nil {
		e.fail(now, err)
		return now
	}
	return wake
}
