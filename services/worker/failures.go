package worker

import (
	"sync"
	"time"

	"aiperf/clock"
	"aiperf/messages"
)

// failureLog writes one line per distinct failure and second, however many requests
// fail.
type failureLog struct {
	warn func(text string, args ...any)

	mu   sync.Mutex
	seen map[string]*repeated
}

type repeated struct {
	at    clock.MonoNS
	quiet int64 // since the last line
}

// maxDistinctFailures bounds the memory; further kinds share one entry.
const maxDistinctFailures = 200

func newFailureLog(warn func(string, ...any)) *failureLog {
	return &failureLog{warn: warn, seen: map[string]*repeated{}}
}

func (f *failureLog) note(d *messages.ErrorDetails) {
	key := d.Error()
	f.mu.Lock()
	r := f.seen[key]
	if r == nil {
		if len(f.seen) >= maxDistinctFailures {
			key = ""
			r = f.seen[key]
		}
		if r == nil {
			r = &repeated{at: -clock.MonoNS(time.Minute)}
			f.seen[key] = r
		}
	}
	now := clock.Now()
	if now.Sub(r.at) < time.Second {
		r.quiet++
		f.mu.Unlock()
		return
	}
	quiet := r.quiet
	r.at, r.quiet = now, 0
	f.mu.Unlock()
	f.warn("request failed", "err", d.Error(), "same_before", quiet)
}
