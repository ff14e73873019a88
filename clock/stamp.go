package clock

import (
	"time"
)

// MonoNS is a reading of the host's monotonic clock, in nanoseconds. The origin
// is arbitrary but the same for every process of one host; readings of two
// hosts are never compared. 0 means "never stamped".
type MonoNS int64

// WallNS is nanoseconds since the Unix epoch. It places and orders events; no
// latency is ever computed from it. 0 means "never stamped".
type WallNS int64

// Sub returns m − earlier.
func (m MonoNS) Sub(earlier MonoNS) time.Duration { return time.Duration(m - earlier) }

// Add returns m + d.
func (m MonoNS) Add(d time.Duration) MonoNS { return m + MonoNS(d) }

// Sub returns w − earlier. It places events relative to one another on a report;
// it is not a latency.
func (w WallNS) Sub(earlier WallNS) time.Duration { return time.Duration(w - earlier) }

// Add returns w + d.
func (w WallNS) Add(d time.Duration) WallNS { return w + WallNS(d) }

// Time is w as a UTC time.
func (w WallNS) Time() time.Time { return time.Unix(0, int64(w)).UTC() }

// Anchor ties the two clocks together: wall = Wall + (mono − Mono). It is taken
// once, so that a step of the wall clock cannot bend a running measurement.
type Anchor struct {
	Wall WallNS `json:"wall_ns"`
	Mono MonoNS `json:"mono_ns"`
}

// NewAnchor reads both clocks back to back. The wall reading lies between two
// monotonic ones; of several tries the one with the smallest gap is kept.
func NewAnchor() Anchor {
	var best Anchor
	bestGap := time.Duration(1<<63 - 1)
	for range 5 {
		before := Now()
		wall := WallNS(time.Now().UnixNano())
		after := Now()
		if gap := after.Sub(before); gap < bestGap {
			bestGap = gap
			best = Anchor{Wall: wall, Mono: before.Add(gap / 2)}
		}
	}
	return best
}

// WallAt maps a monotonic reading of this host to wall time.
func (a Anchor) WallAt(m MonoNS) WallNS { return a.Wall + WallNS(m-a.Mono) }

// MonoAt maps a wall time derived from this anchor back to the monotonic clock.
func (a Anchor) MonoAt(w WallNS) MonoNS { return a.Mono + MonoNS(w-a.Wall) }

// processAnchor is taken when the process starts, or adopted then, and never again.
var processAnchor Anchor // set by the init that joins the clocks

// Adopt replaces the process's anchor by one taken by another process of this host,
// so that wall times pass between the two without an error. It is called once, before
// anything reads the clock.
func Adopt(a Anchor) { processAnchor = a }

// Wall returns the wall clock of this process: the anchor taken at its start,
// advanced by the monotonic clock.
func Wall() WallNS { return processAnchor.WallAt(Now()) }

// WallOf maps a monotonic reading to this process's wall clock.
func WallOf(m MonoNS) WallNS { return processAnchor.WallAt(m) }

// MonoOf maps a wall reading of this host to the monotonic clock, through this
// process's anchor.
func MonoOf(w WallNS) MonoNS { return processAnchor.MonoAt(w) }
