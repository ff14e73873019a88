package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"aiperf/config"
)

// demoCommand runs a whole benchmark against the embedded server: no network, no
// files, no flags needed.
func demoCommand(state *State) *cli.Command {
	return &cli.Command{
		Name: "demo", Usage: "run a whole benchmark against the embedded server", SkipFlagParsing: true,
		Action: func(c *cli.Context) error { return demo(state, c.Args().Slice()) },
	}
}

func demo(state *State, args []string) error {
	flags, _ := config.ParseFlags(args) // its problems come again, with all others
	if flags.Help.Set {
		_, err := fmt.Fprint(state.Stdout, demoHelp())
		return err
	}
	if flags.URLs.Set {
		return exitError{2, fmt.Errorf("demo: %s: the target is the embedded server; use `aiperf profile` for another one", flags.URLs.As)}
	}
	server, err := mockFromEnvironment(state.Env)
	if err != nil {
		return exitError{2, err}
	}
	if !flags.RandomSeed.Set && server.RandomSeed == nil {
		server.RandomSeed = &demoSeed
	}
	run, err := load(state, config.Input{Args: append(presets(flags), args...), Env: state.Env, MockServer: server.Settings()})
	if err != nil {
		return err
	}
	run.CLICommand = strings.Replace(config.CommandLine(args), "aiperf profile", "aiperf demo", 1)
	if flags.DryRun.Value {
		return dryRun(state, run)
	}
	return runProfile(state, run)
}

// demoSeed makes every demo the same.
var demoSeed uint64 = 42

// preset is what the demo says where the user says nothing.
type preset struct {
	args string
	when func(f *config.Flags) bool
}

// About seven seconds: 20 rounds of 16 requests of 20 ms + 63 · 5 ms.
var demoPresets = []preset{
	{"--model demo-model", func(f *config.Flags) bool { return !f.Models.Set }},
	{"--tokenizer builtin", func(f *config.Flags) bool { return !f.Tokenizer.Set }},
	{"--streaming", func(f *config.Flags) bool { return !f.Streaming.Set && demoStreams(f) }},
	{"--isl 128", func(f *config.Flags) bool { return !f.ISL.Set }},
	{"--osl 64", func(f *config.Flags) bool { return !f.OSL.Set && demoStreams(f) }},
	{"--extra-inputs ignore_eos:true", func(f *config.Flags) bool { return !f.ExtraInputs.Set && demoStreams(f) }}, // the server always does
	{"--concurrency 16", func(f *config.Flags) bool { return !f.Concurrency.Set && !f.RequestRate.Set }},
	{"--request-count 320", func(f *config.Flags) bool { return !f.RequestCount.Set && !f.DurationSec.Set && !f.Sessions.Set }},
	{"--warmup-request-count 16", func(f *config.Flags) bool {
		return !f.WarmupRequests.Set && !f.WarmupSessions.Set && !f.WarmupDurationSec.Set
	}},
	{"--num-dataset-entries 336", func(f *config.Flags) bool { return !f.DatasetEntries.Set && !f.RequestCount.Set }}, // no prompt twice
	{"--random-seed 42", func(f *config.Flags) bool { return !f.RandomSeed.Set }},
}

// demoStreams tells whether the endpoint gives text, token by token.
func demoStreams(f *config.Flags) bool {
	switch f.EndpointType.Or("chat") {
	case "chat", "completions":
		return true
	}
	return false
}

func presets(f *config.Flags) []string {
	var args []string
	for _, p := range demoPresets {
		if p.when(f) {
			args = append(args, strings.Fields(p.args)...)
		}
	}
	return args
}

func demoHelp() string {
	var b strings.Builder
	b.WriteString("aiperf demo: run a whole benchmark against the embedded server\n\nUsage: aiperf demo [flags of `aiperf profile`]\n\n" +
		"Needs no network and no files. Where you give no flags, these are taken:\n")
	for _, p := range demoPresets {
		b.WriteString("  " + p.args + "\n")
	}
	b.WriteString("\nThe server takes its settings from MOCK_SERVER_*; `aiperf mock-server --help` lists them.\n")
	return b.String()
}
