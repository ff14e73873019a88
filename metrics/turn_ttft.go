package metrics

// TurnLatency is the time to first token of one turn of the sessions, in milliseconds:
// a growing history shows here.
type TurnLatency struct {
	TurnIndex int `msgpack:"turn_index"` // from 0; the last one stands for all later ones too when there are more than turnsKept
	Stats     `msgpack:",inline"`
}

// TTFTTag is the metric that TurnLatencies are made of.
const TTFTTag = "time_to_first_token"

// turnsKept bounds how many turns have figures of their own.
const turnsKept = 256

// TurnCounter gathers the samples; the zero value is empty.
type TurnCounter struct{ samples [][]float64 }

// Add takes the time to first token of a request, ns.
//
// hot: once per request. Budget: the sample.
func (t *TurnCounter) Add(turn int, ns float64) {
	turn = min(max(turn, 0), turnsKept-1)
	for len(t.samples) <= turn {
		t.samples = append(t.samples, nil)
	}
	t.samples[turn] = append(t.samples[turn], ns)
}

// Latencies are the figures by turn; none when sessions have one turn.
func (t *TurnCounter) Latencies() (out []TurnLatency) {
	if len(t.samples) < 2 {
		return nil
	}
	for turn, sample := range t.samples {
		if d, ok := describe(sample); ok {
			out = append(out, TurnLatency{turn, d.stats(func(ns float64) float64 { return ns / 1e6 })})
		}
	}
	return out
}
