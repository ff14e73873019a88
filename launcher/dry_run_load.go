package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"aiperf/config"
	"aiperf/dataset"
	"aiperf/exporters"
	"aiperf/plugins"
	datasets "aiperf/services/dataset"
	"aiperf/services/timing"
)

// rehearse builds the dataset and runs the load under virtual time; what comes out is
// what the run would send.
func rehearse(b *strings.Builder, run *config.Run) error {
	dir, err := os.MkdirTemp("", "aiperf-dry-run-")
	if err != nil {
		return fmt.Errorf("make a directory for the dataset: %w", err)
	}
	defer os.RemoveAll(dir)
	store, lengths, err := datasets.Preview(context.Background(), run, dir)
	if err != nil {
		return err
	}
	defer store.Close()
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return err
	}
	phases, err := timing.Preview(run, registry, store, store.Format() == dataset.FormatPayloadBytes)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("of %d conversations", lengths.Conversations)
	if lengths.Of < lengths.Conversations {
		what = fmt.Sprintf("of the first %d of %d conversations", lengths.Of, lengths.Conversations)
	}
	fmt.Fprintf(b, "# Prompts %s: %s tokens per request, without earlier turns; outputs asked for: %s\n", what, span(lengths.Prompt), span(lengths.Output))
	for i := range phases {
		rehearsed(b, &phases[i])
	}
	if run.RandomSeed == nil {
		b.WriteString("# Without --random-seed the run draws other prompts and instants than these.\n")
	}
	return nil
}

// rehearsed writes what a phase would send.
func rehearsed(b *strings.Builder, p *timing.PhasePreview) {
	requests := fmt.Sprintf("%d requests", p.Requests)
	if p.Truncated {
		requests = "more than " + requests
	}
	fmt.Fprintf(b, "# Phase %s sends %s in %d sessions", p.Name, requests, p.Sessions)
	if p.Cut > 0 {
		fmt.Fprintf(b, ", of which the client hangs up on %d", p.Cut)
	}
	if p.LostTicks > 0 {
		fmt.Fprintf(b, "; %d arrivals find nothing to send, or no free slot", p.LostTicks)
	}
	if !p.Scheduled || p.LostTicks > 0 {
		fmt.Fprintf(b, " (if each answer takes %s)", timing.PreviewAnswer)
	}
	first := make([]string, len(p.First))
	for i, at := range p.First {
		first[i] = fmt.Sprintf("%.3f", float64(at)/float64(time.Millisecond))
	}
	fmt.Fprintf(b, "\n#   first instants, ms: %s\n", strings.Join(first, ", "))
	for _, line := range exporters.LoadLines(p.Load, 100) {
		fmt.Fprintf(b, "#   %s\n", line)
	}
}

// span is the range of a list of counts.
func span(n []int) string {
	if len(n) == 0 || slices.Max(n) == 0 {
		return "none"
	}
	sum := 0
	for _, v := range n {
		sum += v
	}
	sorted := slices.Sorted(slices.Values(n))
	return fmt.Sprintf("%d to %d, median %d, mean %.1f", sorted[0], sorted[len(sorted)-1], sorted[len(sorted)/2], float64(sum)/float64(len(n)))
}
