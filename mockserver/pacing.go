package mockserver

import (
	"time"

	"aiperf/clock"
)

// timing are the latencies in force; /configure replaces them while the server runs.
type timing struct {
	ttftMS, itlMS                 float64
	ttftPerISLTokenMS             float64
	itlPerOSLTokenMS              float64
	ttftConcurrencyQuadMS         float64
	itlConcurrencyLinMS           float64
	ttftJitterCV, itlJitterCV     float64
	embeddingBaseMS, embeddingPer float64
}

func newTiming(c Config) timing {
	if c.Fast {
		return timing{}
	}
	return timing{
		ttftMS: c.TTFTMS, itlMS: c.ITLMS,
		ttftPerISLTokenMS: c.TTFTPerISLTokenMS, itlPerOSLTokenMS: c.ITLPerOSLTokenMS,
		ttftConcurrencyQuadMS: c.TTFTConcurrencyQuadMS, itlConcurrencyLinMS: c.ITLConcurrencyLinMS,
		ttftJitterCV: c.TTFTJitterCV, itlJitterCV: c.ITLJitterCV,
		embeddingBaseMS: c.EmbeddingBaseLatencyMS, embeddingPer: c.EmbeddingPerInputLatencyMS,
	}
}

// pacer gives the instants of one answer's tokens. Each is counted from the one
// before it, not from when that was really written, so that nothing drifts.
//
//	ttft = (ttft + per_isl·ISL + quad·inflight²) · jitter        [ms]
//	itl  = (itl + per_osl·OSL + lin·inflight) · jitter           [ms], jitter anew per token
//
// inflight counts the request itself and is taken once, when it arrives.
type pacer struct {
	chance  chance
	request uint64
	due     clock.MonoNS
	itl     float64 // ns, before jitter
	itlCV   float64
	stall   *stall
}

func newPacer(t *timing, c chance, request uint64, arrival clock.MonoNS, isl, osl int, inflight int64, s *stall) pacer {
	n := float64(inflight)
	ttft := t.ttftMS + t.ttftPerISLTokenMS*float64(isl) + t.ttftConcurrencyQuadMS*n*n
	ttft *= c.jitter(request, askTTFT, t.ttftJitterCV)
	return pacer{
		chance: c, request: request, stall: s,
		due:   s.shift(arrival.Add(milliseconds(ttft))),
		itl:   (t.itlMS + t.itlPerOSLTokenMS*float64(osl) + t.itlConcurrencyLinMS*n) * float64(time.Millisecond),
		itlCV: t.itlJitterCV,
	}
}

// next moves on to the instant of token i, from 1 up.
func (p *pacer) next(i int) clock.MonoNS {
	gap := p.itl * p.chance.jitter(p.request, askITL+2*uint64(i), p.itlCV)
	p.due = p.stall.shift(p.due.Add(duration(gap)))
	return p.due
}

// last is the instant of the last of n tokens: when an answer in one piece is due.
func (p *pacer) last(n int) clock.MonoNS {
	for i := 1; i < n; i++ {
		p.next(i)
	}
	return p.due
}

// longest bounds what a product of large settings can come to.
const longest = float64(24 * time.Hour)

func duration(ns float64) time.Duration     { return time.Duration(min(ns, longest)) }
func milliseconds(ms float64) time.Duration { return duration(ms * float64(time.Millisecond)) }
