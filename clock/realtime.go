package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Realtime maps stamps of the system's realtime clock, which the kernel uses, to the
// monotonic clock. The two advance alike, also while the time is being adjusted slowly,
// and part when it is set. So their distance is looked at again and again:
//
//	sampled       every few milliseconds, when a stamp is mapped, and on Sample
//	jitter        a new sample within its own uncertainty changes nothing
//	step          a change of more than a millisecond is counted; the former distance is
//	              remembered for stamps that were taken before it
//	unbelievable  a stamp that lies outside what its reader knows is not used
//
// It is safe for concurrent use.
type Realtime struct {
	read func() (mono MonoNS, wall WallNS, gap time.Duration)

	offset, former atomic.Int64 // realtime − monotonic, ns
	sampledAt      atomic.Int64 // MonoNS
	steps          atomic.Int64
	sampling       sync.Mutex
}

const (
	realtimeFresh = 2 * time.Millisecond
	realtimeStep  = time.Millisecond
	// realtimeSlack is how far a mapped stamp may miss its bounds and still be taken for
	// one on the bound: reading two clocks one after the other has an uncertainty.
	realtimeSlack = 20 * time.Microsecond
	// realtimeGap is how far apart the readings of a good sample are.
	realtimeGap = time.Microsecond
)

// NewRealtime takes the first sample.
func NewRealtime() *Realtime { return newRealtime(readBoth) }

func newRealtime(read func() (MonoNS, WallNS, time.Duration)) *Realtime {
	r := &Realtime{read: read}
	offset, at, _ := r.best()
	r.offset.Store(offset)
	r.former.Store(offset)
	r.sampledAt.Store(int64(at))
	return r
}

// readBoth reads the realtime clock between two readings of the monotonic one.
func readBoth() (MonoNS, WallNS, time.Duration) {
	before := Now()
	wall := WallNS(time.Now().UnixNano())
	gap := Now().Sub(before)
	return before.Add(gap / 2), wall, gap
}

// Mono maps a stamp. The reader knows that it lies between floor and ceiling; false means
// that it does not, and that the clock cannot say why.
//
// hot: once per read of the network. Budget: no allocation. BenchmarkRealtime.
func (r *Realtime) Mono(wall WallNS, floor, ceiling MonoNS) (MonoNS, bool) {
	if ceiling.Sub(MonoNS(r.sampledAt.Load())) > realtimeFresh {
		r.sample()
	}
	// Fast path.
	m := MonoNS(int64(wall) - r.offset.Load())
	if floor <= m && m <= ceiling {
		return m, true
	}
	if m, ok := within(m, floor, ceiling); ok {
		return m, true
	}
	// Slow path: the clock may have been set since the last sample, or since the stamp.
	r.sample()
	if m, ok := within(MonoNS(int64(wall)-r.offset.Load()), floor, ceiling); ok {
		return m, true
	}
	return within(MonoNS(int64(wall)-r.former.Load()), floor, ceiling)
}

// within moves a stamp that misses its bounds by no more than the slack onto them.
func within(m, floor, ceiling MonoNS) (MonoNS, bool) {
	if m < floor.Add(-realtimeSlack) || m > ceiling.Add(realtimeSlack) {
		return 0, false
	}
	return min(max(m, floor), ceiling), true
}

// Steps looks at the clock and tells how often it was found to have jumped by more than a
// millisecond. Call it once a second or so, for the steps of times without stamps.
func (r *Realtime) Steps() int64 {
	r.sample()
	return r.steps.Load()
}

// sample measures the distance of the clocks again. One caller does it, the others go on
// with what is known.
func (r *Realtime) sample() {
	if !r.sampling.TryLock() {
		return
	}
	defer r.sampling.Unlock()
	offset, at, gap := r.best()
	r.sampledAt.Store(int64(at))
	known := r.offset.Load()
	change := time.Duration(offset - known).Abs()
	if change <= max(gap, realtimeGap) {
		return
	}
	r.former.Store(known)
	r.offset.Store(offset)
	if change > realtimeStep {
		r.steps.Add(1)
	}
}

// best is the sample with the smallest gap of a few.
func (r *Realtime) best() (offset int64, at MonoNS, gap time.Duration) {
	gap = time.Duration(never)
	for range 5 {
		mono, wall, g := r.read()
		if g < gap {
			offset, at, gap = int64(wall)-int64(mono), mono, g
		}
		if gap <= realtimeGap {
			break
		}
	}
	return offset, at, gap
}
