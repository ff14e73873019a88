package mockserver

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"aiperf/clock"
)

// Stall is a time at which the server stands still: every answer that is due in it
// waits for its end. Seconds count from the first inference request. The zero value
// never stalls.
type Stall struct {
	AtSec, ForSec float64
}

// ParseStall reads the form S:FOR, such as 2:0.5.
func ParseStall(s string) (Stall, error) {
	at, duration, ok := strings.Cut(s, ":")
	if ok {
		a, errA := strconv.ParseFloat(strings.TrimSpace(at), 64)
		f, errF := strconv.ParseFloat(strings.TrimSpace(duration), 64)
		if errA == nil && errF == nil && a >= 0 && f > 0 && !math.IsInf(a+f, 0) {
			return Stall{a, f}, nil
		}
	}
	return Stall{}, fmt.Errorf("want S:FOR, such as 2:0.5 for half a second after two (got %q)", s)
}

// String is the form that ParseStall reads; "" for no stall.
func (s Stall) String() string {
	if s == (Stall{}) {
		return ""
	}
	return strconv.FormatFloat(s.AtSec, 'g', -1, 64) + ":" + strconv.FormatFloat(s.ForSec, 'g', -1, 64)
}

// MarshalText writes the form S:FOR.
func (s Stall) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form S:FOR; nothing is no stall.
func (s *Stall) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*s = Stall{}
		return nil
	}
	*s, err = ParseStall(string(b))
	return err
}

// stall moves instants out of the window in which the server stands still. It is
// safe for concurrent use.
type stall struct {
	at, length time.Duration
	from       atomic.Int64 // MonoNS of the first inference request; 0 = none yet
}

func newStall(s Stall) *stall {
	return &stall{at: duration(s.AtSec * float64(time.Second)), length: duration(s.ForSec * float64(time.Second))}
}

// begin starts the count at the first request.
func (s *stall) begin(now clock.MonoNS) {
	if s.length > 0 && s.from.Load() == 0 {
		s.from.CompareAndSwap(0, int64(now))
	}
}

// shift returns due, or the end of the window when due lies in it.
func (s *stall) shift(due clock.MonoNS) clock.MonoNS {
	if s.length == 0 {
		return due
	}
	from := clock.MonoNS(s.from.Load())
	if from == 0 {
		return due
	}
	start := from.Add(s.at)
	if end := start.Add(s.length); due >= start && due < end {
		return end
	}
	return due
}
