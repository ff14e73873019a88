package calibrate

import (
	"math"
	"strconv"
	"time"
)

// shape is the run that makes a load: what the server is set to and what the client is
// told.
type shape struct {
	ttft, itl time.Duration // of the server
	osl       int           // tokens per answer
	streams   int           // concurrency that makes the load; 0: the rate does
	flags     []string
}

// Events: answers of 50 tokens, 10 ms apart, the first after 100 ms.
const (
	eventTTFT = 100 * time.Millisecond
	eventITL  = 10 * time.Millisecond
	eventOSL  = 50
)

// eventLoads are the events/s that numbers of streams come to.
//
//	load = streams · OSL / (TTFT + (OSL − 1) · ITL)
func eventLoads(streams ...float64) []float64 {
	loads := make([]float64, len(streams))
	for i, n := range streams {
		loads[i] = math.Round(n * eventOSL / eventLife.Seconds())
	}
	return loads
}

const eventLife = eventTTFT + (eventOSL-1)*eventITL

// shapeOf makes the run of a load.
//
//	requests   constant rate, answers of 8 tokens in one piece, at once; never more than
//	           256 in flight, so that a client that falls behind does not drown
//	events     closed loop, all streams starting together, after one round for the connections
//	streams    a constant rate fills up until all are open: the first answer ends after the
//	           last has begun
func shapeOf(kind string, load float64, quick bool) shape {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	switch kind {
	case Requests:
		seconds, warmup := "1.5", "0.3"
		if quick {
			seconds, warmup = "0.8", "0.2"
		}
		return shape{osl: 8, flags: []string{
			"--request-rate", number(load), "--arrival-pattern", "constant", "--concurrency", "256",
			"--benchmark-duration", seconds, "--benchmark-grace-period", "2", "--warmup-duration", warmup,
		}}
	case Events:
		n := max(1, int(math.Round(load*eventLife.Seconds()/eventOSL)))
		rounds := 3
		if quick {
			rounds = 2
		}
		return shape{ttft: eventTTFT, itl: eventITL, osl: eventOSL, streams: n, flags: []string{
			"--streaming", "--concurrency", strconv.Itoa(n), "--request-count", strconv.Itoa(rounds * n), "--warmup-request-count", strconv.Itoa(n),
		}}
	}
	const perSecond, osl, itl = 2000, 3, 300 * time.Millisecond
	filling := time.Duration(max(0.8, load/perSecond) * float64(time.Second))
	return shape{ttft: filling + 300*time.Millisecond - (osl-1)*itl, itl: itl, osl: osl, streams: int(load), flags: []string{
		"--streaming", "--request-rate", number(load / filling.Seconds()), "--arrival-pattern", "constant", "--request-count", number(load),
	}}
}

// arguments are the flags of the whole run.
func (s shape) arguments(url, dir string) []string {
	return append([]string{
		"--model", "calibration", "--tokenizer", "builtin", "--url", url, "--endpoint-type", "chat", "--ui", "none", "--no-gpu-telemetry",
		"--artifact-dir", dir, "--random-seed", "1", "--num-dataset-entries", "64", "--isl", "32", "--osl", strconv.Itoa(s.osl),
		"--extra-inputs", "ignore_eos:true",
	}, s.flags...)
}
