package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"aiperf/experiments/calibrate"
	"aiperf/metrics"
)

// startUp measures what a run costs before and after its requests.
func (b *bench) startUp(ctx context.Context) error {
	help, err := median(func() (*command, error) { return execute(ctx, nil, nil, b.aiperf, "--help") })
	if err != nil {
		return err
	}
	one, err := median(func() (*command, error) {
		o, err := b.profile(ctx, nil, "--streaming", "--concurrency", "1", "--request-count", "1", "--osl", "8")
		if err != nil {
			return nil, err
		}
		return &o.command, nil
	})
	if err != nil {
		return err
	}
	b.startCPU = one.cpu
	b.table.add(row{what: "start-up: `--help` (ms)", aiperf: fmt.Sprintf("%d", help.wall.Milliseconds()), note: "median of 5"})
	b.table.add(row{what: "start-up: a run of one request (ms)", aiperf: fmt.Sprintf("%d", one.wall.Milliseconds()),
		note: fmt.Sprintf("median of 5; CPU %.0f ms, taken off below", 1000*one.cpu)})
	return nil
}

// median of five by wall time.
func median(run func() (*command, error)) (*command, error) {
	var all []*command
	for range 5 {
		c, err := run()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *command) int { return int(a.wall - b.wall) })
	return all[len(all)/2], nil
}

// closedLoop keeps 64 requests in flight at a server that answers at once.
func (b *bench) closedLoop(ctx context.Context) error {
	const inFlight, osl = 64, 8
	if err := b.server.Configure(ctx, 0, 0); err != nil {
		return err
	}
	o, err := b.profile(ctx, nil, "--concurrency", strconv.Itoa(inFlight), "--benchmark-duration", strconv.Itoa(b.seconds), "--osl", strconv.Itoa(osl))
	if err != nil {
		return err
	}
	load := row{what: fmt.Sprintf("%d in flight, %d tokens in one piece: requests/s", inFlight, osl), aiperf: whole(o.Throughput.Avg)}
	cost := row{what: "— CPU per request (µs)", aiperf: micros(o.cpu-b.startCPU, float64(o.Matched))}
	var notes []string
	if b.wrk != "" {
		r, rate, err := b.runWrk(ctx, inFlight, time.Duration(b.seconds)*time.Second, body(osl, false))
		if err != nil {
			return err
		}
		load.wrk, cost.wrk = whole(rate), micros(r.cpu, float64(len(r.answers)))
		notes = append(notes, times(o.Throughput.Avg, rate, "wrk"))
	}
	if b.vegeta != "" {
		r, err := b.runVegeta(ctx, 0, inFlight, body(osl, false))
		if err != nil {
			return err
		}
		load.vegeta, cost.vegeta = whole(r.rate()), micros(r.cpu, float64(len(r.answers)))
		notes = append(notes, times(o.Throughput.Avg, r.rate(), "vegeta"))
	}
	load.note = strings.Join(notes, ", ")
	b.table.add(load)
	b.table.add(cost)
	b.table.add(row{what: "— in flight, mean / most", aiperf: o.inFlight(), note: fmt.Sprintf("inside the server at most %d", o.Comparison.InFlight)})
	b.table.add(row{what: "— latency error p50 / p99 (ms)", aiperf: pair(o.LatencyError()), note: stamps(&o.Comparison)})
	return nil
}

func (o *outcome) inFlight() string {
	return fmt.Sprintf("%.1f / %.0f", o.summary.InFlight.Avg, o.summary.InFlight.Max)
}

func stamps(c *calibrate.Comparison) string {
	return fmt.Sprintf("kernel stamps: client %.0f %%, server's: %s", c.KernelPct, c.ServerStamps)
}

// streams holds 1000 streams in flight.
func (b *bench) streams(ctx context.Context) error {
	const (
		inFlight, osl, rounds = 1000, 50, 3
		ttft, itl             = 200 * time.Millisecond, 20 * time.Millisecond
		life                  = ttft + (osl-1)*itl
	)
	ideal := inFlight * osl / life.Seconds()
	if err := b.server.Configure(ctx, ttft, itl); err != nil {
		return err
	}
	flags := func(n int) []string {
		return []string{"--streaming", "--concurrency", strconv.Itoa(inFlight), "--request-count", strconv.Itoa(n * inFlight), "--osl", strconv.Itoa(osl)}
	}
	o, err := b.profile(ctx, nil, flags(rounds)...)
	if err != nil {
		return err
	}
	load := row{what: fmt.Sprintf("%d streams, TTFT 200 ms, ITL 20 ms, %d tokens: events/s", inFlight, osl), aiperf: whole(o.EventRate()),
		note: fmt.Sprintf("ideal %s: %.1f %%", whole(ideal), 100*o.EventRate()/ideal)}
	cost := row{what: "— CPU per event (µs)", aiperf: micros(o.cpu-b.startCPU, float64(o.Events))}
	if b.wrk != "" {
		r, _, err := b.runWrk(ctx, inFlight, rounds*life+time.Second, body(osl, true))
		if err != nil {
			return err
		}
		all, early := r.events(rounds * life)
		rate := float64(early) / (rounds * life).Seconds()
		load.wrk, cost.wrk = whole(rate), micros(r.cpu, float64(all))
		load.note += fmt.Sprintf(" (wrk %.1f %%)", 100*rate/ideal)
	}
	b.table.add(load)
	b.table.add(cost)
	b.table.add(row{what: "— in flight, mean / most", aiperf: o.inFlight(), note: fmt.Sprintf("inside the server at most %d", o.Comparison.InFlight)})
	b.table.add(row{what: "— TTFT error p50 / p99 (ms)", aiperf: pair(o.TTFTError()), note: stamps(&o.Comparison)})
	b.table.add(row{what: "— latency error p50 / p99 (ms)", aiperf: pair(o.LatencyError()), note: "verdict " + o.Quality.Verdict})
	return b.memory(ctx, flags(2))
}

// memory repeats a run and looks at its processes, in a run of its own because looking
// costs them time.
func (b *bench) memory(ctx context.Context, flags []string) error {
	var peak treeMemory
	if _, err := b.profile(ctx, func(pid int, ended <-chan struct{}) { peak = watchMemory(pid, ended) }, flags...); err != nil {
		return err
	}
	if peak.total == 0 {
		return nil // this system does not tell
	}
	one, err := vocabulary()
	if err != nil {
		return err
	}
	holders := peak.holders()
	share := one * float64(holders)
	b.table.add(row{what: "— memory of the process tree, peak PSS without vocabularies (MiB)", aiperf: whole(peak.total - share), note: peak.parts()})
	b.table.add(row{what: "— vocabularies (MiB)", aiperf: whole(share), note: fmt.Sprintf("%d processes with %.0f MiB each", holders, one)})
	return nil
}

// rates send at constant rates.
func (b *bench) rates(ctx context.Context) error {
	if err := b.server.Configure(ctx, 0, 0); err != nil {
		return err
	}
	for _, rate := range []int{100, 500, 2000} {
		o, err := b.profile(ctx, nil, "--request-rate", strconv.Itoa(rate), "--arrival-pattern", "constant", "--benchmark-duration", strconv.Itoa(b.seconds), "--osl", "8")
		if err != nil {
			return err
		}
		delivered := row{what: fmt.Sprintf("constant %s requests/s: delivered (%%)", whole(float64(rate))), aiperf: percent(o.Rate(), rate), note: "verdict " + o.Quality.Verdict}
		lateness := row{what: "— arrival error p50 / p99 (ms)", aiperf: pair(o.ArrivalError(float64(rate)))}
		if b.vegeta != "" {
			r, err := b.runVegeta(ctx, rate, 0, body(8, false))
			if err != nil {
				return err
			}
			theirs := metrics.SpreadOf(calibrate.ArrivalErrors(r.arrivals(), float64(rate)))
			delivered.vegeta, lateness.vegeta = percent(r.rate(), rate), pair(theirs)
			if ours := o.ArrivalError(float64(rate)); ours != nil && theirs != nil {
				lateness.note = "p99 " + times(ours.P99, theirs.P99, "vegeta")
			}
		}
		b.table.add(delivered)
		b.table.add(lateness)
	}
	return nil
}

func percent(delivered float64, rate int) string {
	return fmt.Sprintf("%.2f", 100*delivered/float64(rate))
}

// saturation asks for far more than can be had: the verdict has to say so.
func (b *bench) saturation(ctx context.Context) error {
	const rate = 100_000
	o, err := b.profile(ctx, nil, "--request-rate", strconv.Itoa(rate), "--arrival-pattern", "constant", "--benchmark-duration", "3", "--benchmark-grace-period", "3", "--osl", "8")
	if err != nil {
		return err
	}
	note := ""
	if len(o.Quality.Reasons) > 0 {
		note = o.Quality.Reasons[0]
	}
	b.table.add(row{what: fmt.Sprintf("%s requests/s asked: verdict", whole(rate)), aiperf: o.Quality.Verdict, note: note})
	return nil
}
