package calibrate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	"github.com/tidwall/gjson"

	"aiperf/clock"
	"aiperf/metrics"
)

// Answer is one request as the embedded server's log tells it.
type Answer struct {
	ID       string // X-Request-ID
	Arrival  clock.MonoNS
	Stamp    string         // where the arrival stamp came from
	Tokens   []clock.MonoNS // each token of a stream, handed to the connection
	End      clock.MonoNS
	InFlight int
}

// LastToken is when the last token left: the end of an answer in one piece.
func (a *Answer) LastToken() clock.MonoNS {
	if n := len(a.Tokens); n > 0 {
		return a.Tokens[n-1]
	}
	return a.End
}

// longestLine is more than a log line or a record of ours can have.
const longestLine = 64 << 20

// eachLine calls f for every whole line and returns their size. A last line without its
// end is still being written and left out.
func eachLine(r io.Reader, f func(line []byte) error) (size int64, err error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := buffered.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long := bytes.Clone(line)
			var rest []byte
			rest, err = buffered.ReadBytes('\n')
			line = append(long, rest...)
			if len(line) > longestLine {
				return size, fmt.Errorf("a line of %d bytes", len(line))
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return size, nil
		case err != nil:
			return size, err
		}
		if !gjson.ValidBytes(line) {
			return size, fmt.Errorf("no JSON: %.60q", line)
		}
		if err := f(line); err != nil {
			return size, err
		}
		size += int64(len(line))
	}
}

// ReadAnswers reads the whole lines of a request log; size is their bytes.
func ReadAnswers(r io.Reader) (answers []Answer, size int64, err error) {
	size, err = eachLine(r, func(line []byte) error {
		v := gjson.GetManyBytes(line, "request_id", "arrival_perf_ns", "arrival_source", "token_perf_ns", "end_perf_ns", "in_flight")
		a := Answer{ID: v[0].String(), Arrival: clock.MonoNS(v[1].Int()), Stamp: v[2].String(), End: clock.MonoNS(v[4].Int()), InFlight: int(v[5].Int())}
		v[3].ForEach(func(_, t gjson.Result) bool {
			a.Tokens = append(a.Tokens, clock.MonoNS(t.Int()))
			return true
		})
		answers = append(answers, a)
		return nil
	})
	if err != nil {
		return nil, size, fmt.Errorf("read request log: %w", err)
	}
	return answers, size, nil
}

// Record is one request as the instrument tells it.
type Record struct {
	ID            string
	TTFT, Latency time.Duration // negative: none
	Connecting    time.Duration // of both: waiting for a connection and opening it
	Kernel        bool          // stamped by the kernel
	Failed        bool
}

// ReadRecords reads the profiling requests of a run's record file.
func ReadRecords(path string) (records []Record, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	defer f.Close()
	_, err = eachLine(f, func(line []byte) error {
		v := gjson.GetManyBytes(line, "metadata.benchmark_phase", "metadata.x_request_id", "metadata.stamp_source", "error",
			"metrics.time_to_first_token.value", "metrics.request_latency.value", "metrics.http_req_connection_overhead.value")
		if v[0].String() != "profiling" {
			return nil
		}
		records = append(records, Record{
			ID: v[1].String(), Kernel: v[2].String() == "kernel", Failed: v[3].Exists() && v[3].Type != gjson.Null, TTFT: milliseconds(v[4]), Latency: milliseconds(v[5]),
			Connecting: max(0, milliseconds(v[6])),
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	return records, nil
}

func milliseconds(v gjson.Result) time.Duration {
	if !v.Exists() {
		return -1
	}
	return time.Duration(v.Float() * float64(time.Millisecond))
}

// Comparison is the instrument's word beside the server's.
type Comparison struct {
	Matched, Failed int
	Missing         int // records without an answer in the log
	Events          int // tokens of the matched streams
	InFlight        int // most at once, as the server saw it
	First, Last     clock.MonoNS
	TTFTMS          []float64      // client's minus server's, ms
	LatencyMS       []float64      // the same
	Arrivals        []clock.MonoNS // of the matched requests, ascending
	KernelPct       float64        // records with kernel stamps
	ServerStamps    string         // kernel, read, or both
}

// Compare lays records beside answers.
//
//	TTFT error    = TTFT − connecting − (first token − arrival)        [ms]
//	latency error = latency − connecting − (last token − arrival)      [ms]
//
// Latencies count from when a request is taken up, so opening a connection is rightly in
// them; the server cannot see it, so it is taken off before the two are compared.
// The way through both kernels is part of the error; so is what the server's own stamps
// miss: they are taken right before it writes.
func Compare(records []Record, answers []Answer) Comparison {
	known := make(map[string]*Answer, len(answers))
	for i := range answers {
		known[answers[i].ID] = &answers[i]
	}
	var c Comparison
	kernel, stamps := 0, map[string]int{}
	for _, r := range records {
		if r.Kernel {
			kernel++
		}
		if r.Failed {
			c.Failed++
			continue
		}
		a := known[r.ID]
		if a == nil {
			c.Missing++
			continue
		}
		c.Matched++
		c.Events += len(a.Tokens)
		c.InFlight = max(c.InFlight, a.InFlight)
		stamps[a.Stamp]++
		c.Arrivals = append(c.Arrivals, a.Arrival)
		c.Last = max(c.Last, a.LastToken())
		if r.TTFT >= 0 && len(a.Tokens) > 0 {
			c.TTFTMS = append(c.TTFTMS, inMS(r.TTFT-r.Connecting-a.Tokens[0].Sub(a.Arrival)))
		}
		if r.Latency >= 0 {
			c.LatencyMS = append(c.LatencyMS, inMS(r.Latency-r.Connecting-a.LastToken().Sub(a.Arrival)))
		}
	}
	sort.Slice(c.Arrivals, func(i, k int) bool { return c.Arrivals[i] < c.Arrivals[k] })
	if len(c.Arrivals) > 0 {
		c.First = c.Arrivals[0]
	}
	if len(records) > 0 {
		c.KernelPct = 100 * float64(kernel) / float64(len(records))
	}
	for _, name := range []string{"kernel", "read"} {
		if n := stamps[name]; n > 0 && c.ServerStamps == "" {
			c.ServerStamps = name
		} else if n > 0 {
			c.ServerStamps += "+" + name
		}
	}
	return c
}

func inMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Rate is the requests/s that arrived, over the time from the first to the last.
func (c *Comparison) Rate() float64 {
	n := len(c.Arrivals)
	if n < 2 || c.Arrivals[n-1] == c.Arrivals[0] {
		return 0
	}
	return float64(n-1) / c.Arrivals[n-1].Sub(c.Arrivals[0]).Seconds()
}

// EventRate is the events/s from the first arrival to the last token.
func (c *Comparison) EventRate() float64 {
	if sec := c.Last.Sub(c.First).Seconds(); sec > 0 {
		return float64(c.Events) / sec
	}
	return 0
}

// ArrivalErrors are how far arrivals lie behind a constant rate, in ms. The schedule is
// set by the arrival that is least behind, so a constant way to the server is no error.
//
//	behind(i) = arrival(i) − i / rate
//	error(i)  = behind(i) − min behind
func ArrivalErrors(arrivals []clock.MonoNS, rate float64) []float64 {
	if len(arrivals) == 0 {
		return nil
	}
	errors := make([]float64, len(arrivals))
	least := 0.0
	for i, a := range arrivals {
		errors[i] = inMS(a.Sub(arrivals[0])) - 1000*float64(i)/rate
		least = min(least, errors[i])
	}
	for i := range errors {
		errors[i] -= least
	}
	return errors
}

// TTFTError and the two below are distributions in ms; nil when there is nothing.
func (c *Comparison) TTFTError() *metrics.Spread { return metrics.SpreadOf(c.TTFTMS) }

// LatencyError is that of the request latency.
func (c *Comparison) LatencyError() *metrics.Spread { return metrics.SpreadOf(c.LatencyMS) }

// ArrivalError is that of the arrivals at a constant rate.
func (c *Comparison) ArrivalError(rate float64) *metrics.Spread {
	return metrics.SpreadOf(ArrivalErrors(c.Arrivals, rate))
}
