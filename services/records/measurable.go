package records

import (
	"aiperf/config"
	"aiperf/metrics"
)

// loads are the sides of a run's load that this machine was calibrated for; none when it
// never was. A rate is what was asked for, else what was delivered.
//
//	requests/s   rate
//	events/s     rate · mean output length, when answers are streamed
//	streams      the highest concurrency of a profiling phase
func loads(run *config.Run, phases []*phase, q *metrics.Quality, results []metrics.Result) []metrics.Load {
	cal := run.Calibration
	if cal == nil {
		return nil
	}
	var out []metrics.Load
	add := func(asked float64, l config.CalibrationLadder) {
		out = append(out, metrics.Load{Unit: l.Unit, Asked: asked, Max: l.Max, FailedAt: l.FailedAt})
	}
	rate := q.AskedRPS
	if rate == nil {
		rate = q.DeliveredRPS
	}
	streamed := run.Benchmark.Endpoint.Streaming
	if rate != nil {
		add(*rate, cal.Requests)
		if s := find(results, "output_sequence_length"); streamed && s != nil && s.Avg != nil {
			add(*rate**s.Avg, cal.Events)
		}
	}
	most := int64(0)
	for _, p := range phases {
		if p.config.Concurrency != nil {
			most = max(most, *p.config.Concurrency)
		}
	}
	if streamed {
		add(float64(most), cal.Streams)
	}
	return out
}
