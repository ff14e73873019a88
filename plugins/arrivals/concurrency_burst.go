package arrivals

import (
	"time"

	"aiperf/plugins"
)

func init() {
	plugins.Register("arrival_pattern", "aiperf.arrivals:ConcurrencyBurst", NewConcurrencyBurst)
}

// ConcurrencyBurst has no gaps: every request is due at once, and only the
// concurrency limits how many are under way.
type ConcurrencyBurst struct{}

// NewConcurrencyBurst makes it.
func NewConcurrencyBurst(Config) (Pattern, error) { return ConcurrencyBurst{}, nil }

// Next is always the start of the phase.
func (ConcurrencyBurst) Next() time.Duration { return 0 }
