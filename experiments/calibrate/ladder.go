package calibrate

import (
	"context"
	"fmt"
	"math"

	"aiperf/config"
	"aiperf/metrics"
)

// Bounds of a load that can be trusted.
const (
	leastDelivered = 0.97 // share of the ideal load
	mostErrorP50   = 0.5  // ms between the client's figure and the server's, at the median
	mostErrorP99   = 5.0  // ms at the 99th percentile; the verdict of a run uses the same
)

// Kinds of ladder.
const (
	Requests = "requests"
	Events   = "events"
	Streams  = "streams"
)

// Plan is one ladder to climb: loads in ascending order.
type Plan struct {
	Kind   string
	Unit   string
	Loads  []float64
	Refine bool // measure once more between the last good load and the first bad one
}

// Plans are the ladders of a calibration, each about three quarters of a minute long
// when every rung holds, and a quarter of that in the quick form.
func Plans(quick bool) []Plan {
	plans := []Plan{
		{Kind: Requests, Unit: "requests/s", Loads: []float64{500, 1000, 2000, 4000, 8000, 16000, 32000}},
		{Kind: Events, Unit: "events/s", Loads: eventLoads(25, 50, 100, 200, 400, 800, 1600)},
		{Kind: Streams, Unit: "streams", Loads: []float64{250, 500, 1000, 2000, 4000, 8000}},
	}
	for i := range plans {
		plans[i].Refine = !quick
		if !quick {
			continue
		}
		var fewer []float64
		for k := 0; k < len(plans[i].Loads); k += 2 {
			fewer = append(fewer, plans[i].Loads[k])
		}
		plans[i].Loads = fewer
	}
	return plans
}

// runner measures one load.
type runner interface {
	measure(ctx context.Context, kind string, load float64) (config.CalibrationRung, error)
}

// climber goes up ladders.
type climber struct {
	runner runner
	// timeIsUp is asked before each rung.
	timeIsUp func() bool
	// done is told of each rung, once it has its final trouble.
	done func(kind string, r config.CalibrationRung)
}

// climb goes up one ladder.
//
//	good                     next load
//	bad once                 measured again: a passing disturbance must not end a ladder
//	bad twice                the ladder ends; with Refine, one more load between the two
//	time is up, or top       the ladder ends, and what lies above is unknown
//
// An error is one that stops the whole calibration.
func (c climber) climb(ctx context.Context, p Plan) (config.CalibrationLadder, error) {
	l := config.CalibrationLadder{Unit: p.Unit, Ended: "the highest load of the ladder was reached"}
	try := func(load float64) (good bool, err error) {
		r, err := c.runner.measure(ctx, p.Kind, load)
		if err != nil {
			return false, err
		}
		if r.Trouble == "" {
			r.Trouble = trouble(p, r)
		}
		c.done(p.Kind, r)
		l.Rungs = append(l.Rungs, r)
		if good = r.Trouble == ""; good {
			l.Max = load
		}
		return good, nil
	}
	for _, load := range p.Loads {
		if c.timeIsUp() {
			l.Ended = "time was up"
			return l, nil
		}
		good, err := try(load)
		if err == nil && !good && !c.timeIsUp() {
			good, err = try(load)
		}
		if err != nil {
			return l, err
		}
		if !good {
			l.FailedAt, l.Ended = load, l.Rungs[len(l.Rungs)-1].Trouble
			break
		}
	}
	if p.Refine && l.Max > 0 && l.FailedAt > 0 && !c.timeIsUp() {
		middle := between(l.Max, l.FailedAt)
		good, err := try(middle)
		if err != nil {
			return l, err
		}
		if !good {
			l.FailedAt, l.Ended = middle, l.Rungs[len(l.Rungs)-1].Trouble
		}
	}
	return l, nil
}

// between is the geometric middle, to two figures.
func between(low, high float64) float64 {
	m := math.Sqrt(low * high)
	unit := math.Pow(10, math.Floor(math.Log10(m))-1)
	return math.Round(m/unit) * unit
}

// trouble says why a rung cannot be trusted; "" when it can.
func trouble(p Plan, r config.CalibrationRung) string {
	if r.Delivered < leastDelivered*r.Load {
		return fmt.Sprintf("delivered %.1f %% of the load (least %.0f %%)", 100*r.Delivered/r.Load, 100*leastDelivered)
	}
	for _, e := range []struct {
		what  string
		error *metrics.Spread
	}{{"time to first token", r.TTFTErrorMS}, {"latency", r.LatencyErrorMS}, {"arrival", r.ArrivalErrorMS}} {
		switch {
		case e.error == nil:
		case math.Abs(e.error.P50) > mostErrorP50:
			return fmt.Sprintf("%s is off by %.2f ms at the median (most %.1f ms)", e.what, e.error.P50, mostErrorP50)
		case math.Abs(e.error.P99) > mostErrorP99:
			return fmt.Sprintf("%s is off by %.2f ms at the 99th percentile (most %.0f ms)", e.what, e.error.P99, mostErrorP99)
		}
	}
	return ""
}
