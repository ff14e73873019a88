package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"aiperf/clock"
	"aiperf/experiments/calibrate"
)

// body is a request as ours would send it.
func body(osl int, stream bool) []byte {
	text, _ := json.Marshal(map[string]any{ // plain values never fail
		"model": "bench", "messages": []map[string]string{{"role": "user", "content": strings.TrimSpace(strings.Repeat("word ", 32))}},
		"max_completion_tokens": osl, "stream": stream, "ignore_eos": true,
	})
	return text
}

const path = "/v1/chat/completions"

// rival is what another program did, as the server saw it.
type rival struct {
	command
	answers []calibrate.Answer
}

var wrkRate = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)

// runWrk keeps connections busy, and returns what wrk says it reached, requests/s.
func (b *bench) runWrk(ctx context.Context, connections int, length time.Duration, request []byte) (*rival, float64, error) {
	script := filepath.Join(b.dir, "post.lua")
	text := fmt.Sprintf("wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [[%s]]\n", request)
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		return nil, 0, err
	}
	if _, err := b.server.Answers(ctx, 0); err != nil {
		return nil, 0, err
	}
	seconds := strconv.Itoa(int(length.Round(time.Second).Seconds()))
	c, err := execute(ctx, nil, nil, b.wrk, "-t1", "-c"+strconv.Itoa(connections), "-d"+seconds+"s", "--timeout", "30s", "-s", script, b.server.URL+path)
	if err != nil {
		return nil, 0, err
	}
	match := wrkRate.FindSubmatch(c.output)
	if match == nil {
		return nil, 0, fmt.Errorf("wrk gave no rate:\n%s", c.output)
	}
	rate, err := strconv.ParseFloat(string(match[1]), 64)
	if err != nil {
		return nil, 0, err
	}
	answers, err := b.server.Answers(ctx, 1)
	return &rival{*c, answers}, rate, err
}

// runVegeta sends at a constant rate, or as fast as a number of workers can.
func (b *bench) runVegeta(ctx context.Context, rate, workers int, request []byte) (*rival, error) {
	file := filepath.Join(b.dir, "body.json")
	if err := os.WriteFile(file, request, 0o600); err != nil {
		return nil, err
	}
	if _, err := b.server.Answers(ctx, 0); err != nil {
		return nil, err
	}
	args := []string{
		"attack", "-rate=" + strconv.Itoa(rate), "-duration=" + strconv.Itoa(b.seconds) + "s", "-body=" + file, "-header=Content-Type: application/json",
		"-output=" + os.DevNull,
	}
	if workers > 0 {
		args = append(args, "-workers="+strconv.Itoa(workers), "-max-workers="+strconv.Itoa(workers))
	}
	c, err := execute(ctx, []byte("POST "+b.server.URL+path+"\n"), nil, b.vegeta, args...)
	if err != nil {
		return nil, err
	}
	answers, err := b.server.Answers(ctx, rate*b.seconds)
	return &rival{*c, answers}, err
}

// arrivals in order.
func (r *rival) arrivals() []clock.MonoNS {
	at := make([]clock.MonoNS, len(r.answers))
	for i := range r.answers {
		at[i] = r.answers[i].Arrival
	}
	sort.Slice(at, func(i, k int) bool { return at[i] < at[k] })
	return at
}

// rate is the requests/s that arrived.
func (r *rival) rate() float64 {
	c := calibrate.Comparison{Arrivals: r.arrivals()}
	return c.Rate()
}

// events counts tokens, all and those within a time after the first arrival.
func (r *rival) events(within time.Duration) (all, early int) {
	at := r.arrivals()
	if len(at) == 0 {
		return 0, 0
	}
	until := at[0].Add(within)
	for _, a := range r.answers {
		all += len(a.Tokens)
		for _, t := range a.Tokens {
			if t < until {
				early++
			}
		}
	}
	return all, early
}
