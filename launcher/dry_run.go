package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"aiperf/config"
)

// dryRun prints what a run would be, without secrets, and starts nothing: the
// configuration as YAML, then the processes and the load.
func dryRun(state *State, run *config.Run) error {
	var b strings.Builder
	text, err := effectiveYAML(run)
	if err != nil {
		return exitError{1, err}
	}
	b.WriteString(text)
	rt, benchmark := run.Benchmark.Runtime, &run.Benchmark
	fmt.Fprintf(&b, "\n# Processes: %d workers (GOMAXPROCS %d, at most %d connections each), %d record processors, over %s\n",
		rt.Workers, rt.GOMAXPROCSPerWorker, rt.ConnectionsPerWorker, rt.RecordProcessors, rt.Communication)
	fmt.Fprintf(&b, "# Tokenizer: %s %s\n", benchmark.Tokenizer.Name, benchmark.Tokenizer.Encoding)
	d := benchmark.Dataset
	if d.Type == config.TypeFile {
		fmt.Fprintf(&b, "# Dataset: %s of type %s, %d conversations with %d requests\n", d.Path, d.Format, d.File.Conversations, d.File.Turns)
	} else {
		fmt.Fprintf(&b, "# Dataset: %d conversations, %s; %s\n", d.Entries, turns(d), contents(d))
	}
	for _, p := range benchmark.Phases {
		fmt.Fprintf(&b, "# Phase %s: %s; stops %s\n", p.Name, pace(p), stops(p))
	}
	if err := rehearse(&b, run); err != nil {
		return exitError{1, err}
	}
	for _, w := range run.Warnings {
		fmt.Fprintf(&b, "# Warning: %s\n", w)
	}
	b.WriteString("# Nothing was started.\n")
	_, err = fmt.Fprint(state.Stdout, b.String())
	return err
}

// effectiveYAML is the configuration in the shape of a run file. JSON is YAML, so the
// keys keep their order.
func effectiveYAML(run *config.Run) (string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(run.InputConfig, &doc); err != nil {
		return "", fmt.Errorf("show the configuration: %w", err)
	}
	blockStyle(&doc)
	root := yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("schema_version"), {Kind: yaml.ScalarNode, Value: "2.0", Style: yaml.DoubleQuotedStyle}}}
	if seed := run.RandomSeed; seed != nil {
		root.Content = append(root.Content, scalar("random_seed"), scalar(strconv.FormatUint(*seed, 10)))
	}
	root.Content = append(root.Content, scalar("benchmark"), doc.Content[0])
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(&root); err != nil {
		return "", fmt.Errorf("show the configuration: %w", err)
	}
	return out.String(), nil
}

func scalar(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

// blockStyle undoes JSON's braces and needless quotes.
func blockStyle(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode || !needsQuotes(n) {
		n.Style = 0
	}
	for _, child := range n.Content {
		blockStyle(child)
	}
}

// needsQuotes says that a string would be read as something else without quotes.
func needsQuotes(n *yaml.Node) bool {
	if n.Tag != "!!str" {
		return false
	}
	var back any
	if err := yaml.Unmarshal([]byte(n.Value), &back); err != nil {
		return true
	}
	text, ok := back.(string)
	return !ok || text != n.Value
}

// contents says what a turn holds.
func contents(d config.Dataset) string {
	if d.Type == "synthetic_rankings" {
		return fmt.Sprintf("queries of %s tokens with %s passages of %s", d.Rankings.QueryTokens.String(), d.Rankings.Passages.String(), d.Rankings.PassageTokens.String())
	}
	p, out := d.Prompts, []string(nil)
	switch {
	case len(p.SequenceDistribution) > 0:
		out = append(out, fmt.Sprintf("prompts and outputs of %d pairs of lengths", len(p.SequenceDistribution)))
	case p.ISL.Enabled():
		text := "prompts of " + p.ISL.String() + " tokens"
		if r := p.RangeRatio; r != nil {
			text += fmt.Sprintf(" in a range of ratio %g", r.Input)
		}
		out = append(out, text)
	}
	if len(p.SequenceDistribution) == 0 {
		if p.OSL.Enabled() {
			out = append(out, "outputs of "+p.OSL.String())
		} else {
			out = append(out, "outputs of as many tokens as the model likes")
		}
	}
	if d.Images.Enabled() {
		out = append(out, fmt.Sprintf("%d pictures of %s x %s pixels", d.Images.BatchSize, d.Images.Width.String(), d.Images.Height.String()))
	}
	if d.Audio.Enabled() {
		out = append(out, fmt.Sprintf("%d sounds of %g s", d.Audio.BatchSize, d.Audio.LengthSec.Expected()))
	}
	return strings.Join(out, ", ")
}

func turns(d config.Dataset) string {
	if d.Turns.Expected() == 1 && d.Turns.Stddev == 0 {
		return "1 request each"
	}
	text := d.Turns.String() + " requests each"
	if d.TurnDelayMS.Enabled() {
		text += ", " + number(d.TurnDelayMS.Expected()*d.TurnDelayRatio) + " ms apart"
	}
	return text
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func pace(p config.Phase) string {
	text := ""
	switch {
	case p.Type == config.TypeFixedSchedule:
		text = "each request at its time in the trace"
		if p.Speedup != 1 {
			text += ", " + number(p.Speedup) + " times as fast"
		}
	case p.Users != nil:
		text = fmt.Sprintf("%d users, each with one request every %s, %s requests/s together", *p.Users,
			time.Duration(float64(*p.Users)*1e9 / *p.RatePerSec).String(), number(*p.RatePerSec))
	case p.RatePerSec != nil:
		text = number(*p.RatePerSec) + " requests/s, " + p.Type + " arrivals, one every " + time.Duration(1e9 / *p.RatePerSec).String() + " on average"
		if p.RateRamp != nil {
			text += ", reached after a ramp of " + number(p.RateRamp.DurationSec) + " s"
		}
	}
	switch {
	case p.Concurrency == nil:
	case text == "":
		text = number(float64(*p.Concurrency)) + " sessions at a time"
	default:
		text += ", at most " + number(float64(*p.Concurrency)) + " sessions at a time"
	}
	if p.ConcurrencyRamp != nil {
		text += ", from 1 on over " + number(p.ConcurrencyRamp.DurationSec) + " s"
	}
	return text
}

func stops(p config.Phase) string {
	var ends []string
	if p.Requests != nil {
		ends = append(ends, fmt.Sprintf("after %d requests", *p.Requests))
	}
	if p.Sessions != nil {
		ends = append(ends, fmt.Sprintf("after %d conversations", *p.Sessions))
	}
	if p.DurationSec != nil {
		grace := "then waits for all requests in flight"
		if !p.GraceInfinite {
			grace = "then waits up to " + number(p.GracePeriodSec) + " s"
		}
		ends = append(ends, "after "+number(*p.DurationSec)+" s, "+grace)
	}
	return strings.Join(ends, ", or ")
}
