package mockserver

import "math"

// chance answers every question that chance decides. An answer is a pure function of
// the seed, the request's number and what is asked, so that switching one fault on
// does not move another, and concurrency changes nothing but which request gets
// which number.
type chance struct{ seed uint64 }

// What is asked. Jitter of token i asks for askITL + 2i and the number after it.
const (
	askError uint64 = iota + 1
	askStatus
	askMidstream
	askMidstreamAt
	askCut
	askCutAt
	askTTFT // and the number after it
	_
	askITL uint64 = 1 << 32
)

// unit is uniform in [0, 1).
func (c chance) unit(request, ask uint64) float64 {
	x := mix(mix(c.seed^request*0x9e3779b97f4a7c15) + ask)
	return float64(x>>11) / (1 << 53)
}

// mix is the finaliser of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// jitter is a lognormal factor with mean 1 and the given coefficient of variation:
//
//	σ² = ln(1 + cv²)    factor = exp(σ·z − σ²/2)    z standard normal
//
// It uses two numbers, ask and ask + 1.
func (c chance) jitter(request, ask uint64, cv float64) float64 {
	if cv <= 0 {
		return 1
	}
	variance := math.Log1p(cv * cv)
	u, v := 1-c.unit(request, ask), c.unit(request, ask+1) // u > 0
	z := math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
	return math.Exp(math.Sqrt(variance)*z - variance/2)
}

// happens decides a share.
func (c chance) happens(request, ask uint64, share float64) bool {
	return share > 0 && c.unit(request, ask) < share
}

// pick is uniform in [0, n).
func (c chance) pick(request, ask uint64, n int) int {
	return int(c.unit(request, ask) * float64(n))
}
