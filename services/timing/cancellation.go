package timing

import (
	"fmt"
	"math/rand/v2"

	"aiperf/config"
	"aiperf/dataset"
)

// disconnects decides which requests are cut by their client, one draw per request of
// the phase. Nil cuts none, and draws nothing.
type disconnects struct {
	share float64 // of the requests
	after int64   // ns after the request is sent; the credits point to it
	draw  *rand.Rand
}

// newDisconnects is nil in a warmup, whatever the configuration says.
func newDisconnects(p config.Phase, ofKind int, seeds dataset.Seeds) *disconnects {
	c := p.Cancellation
	if c == nil || c.RatePct <= 0 || p.Kind != config.KindProfiling {
		return nil
	}
	return &disconnects{
		share: c.RatePct / 100, after: int64(seconds(c.DelaySec)),
		draw: seeds.Stream(fmt.Sprintf("timing.request.cancellation:%s:%d", p.Kind, ofKind)),
	}
}

// next says when the next request is cut; nil: never.
func (d *disconnects) next() *int64 {
	if d == nil || d.draw.Float64() >= d.share {
		return nil
	}
	return &d.after
}
