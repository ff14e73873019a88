package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"aiperf/mockserver"
)

// mockFlags are the flags of the server with the settings that they fill in.
type mockFlags struct {
	cfg    mockserver.Config
	flags  []cli.Flag
	finish []func(c *cli.Context) error // what has no plain destination
}

// mockEnvPrefix begins the twins of the flags in the environment.
const mockEnvPrefix = "MOCK_SERVER_"

func newMockFlags() *mockFlags {
	f := &mockFlags{cfg: mockserver.Defaults()}
	c := &f.cfg
	number := func(name, usage string, to *float64, aliases ...string) {
		f.add(&cli.Float64Flag{Name: name, Aliases: aliases, Usage: usage, Value: *to, Destination: to})
	}
	whole := func(name, usage string, to *int, aliases ...string) {
		f.add(&cli.IntFlag{Name: name, Aliases: aliases, Usage: usage, Value: *to, Destination: to})
	}
	text := func(name, usage string, to *string) {
		f.add(&cli.StringFlag{Name: name, Usage: usage, Value: *to, Destination: to})
	}
	onOff := func(name, usage string, to *bool, aliases ...string) {
		f.add(&cli.BoolFlag{Name: name, Aliases: aliases, Usage: usage, Value: *to, Destination: to})
	}
	text("host", "`ADDRESS` to bind", &c.Host)
	whole("port", "`PORT` to bind; 0 = any free one", &c.Port, "p")
	onOff("fast", "answer without any latency", &c.Fast, "f")
	number("ttft", "time to the first token, `MS`", &c.TTFTMS, "t")
	number("itl", "time between tokens, `MS`", &c.ITLMS)
	number("ttft-per-isl-token-ms", "`MS` added to the TTFT per prompt token", &c.TTFTPerISLTokenMS)
	number("itl-per-osl-token-ms", "`MS` added to the ITL per output token", &c.ITLPerOSLTokenMS)
	number("ttft-concurrency-quad-ms", "`MS` added to the TTFT, times the square of the requests under way", &c.TTFTConcurrencyQuadMS)
	number("itl-concurrency-lin-ms", "`MS` added to the ITL, times the requests under way", &c.ITLConcurrencyLinMS)
	number("ttft-jitter-cv", "lognormal jitter of the TTFT, standard deviation over mean", &c.TTFTJitterCV)
	number("itl-jitter-cv", "lognormal jitter of the ITL, standard deviation over mean", &c.ITLJitterCV)
	number("error-rate", "`SHARE` of requests that fail before any byte; above 1 it is percent", &c.ErrorRate)
	f.statuses(c)
	whole("error-retry-after", "Retry-After of injected 429 and 503, `SECONDS`", &c.ErrorRetryAfterSec)
	number("error-midstream-rate", "`SHARE` of streams that end in an error event after 1 to 3 tokens", &c.ErrorMidstreamRate)
	number("cut-rate", "`SHARE` of streams whose connection is cut after 1 to 3 tokens", &c.CutRate)
	f.stall(c)
	text("request-log", "append one JSON line per request to `FILE`", &c.RequestLog)
	onOff("request-log-bodies", "log the body of each request and the text of its answer, too", &c.RequestLogBodies)
	f.models(c)
	onOff("no-tokenizer", "count prompts in white-space separated pieces", &c.NoTokenizer)
	whole("workers", "`CORES` to use; 0 = all", &c.Workers, "w")
	text("log-level", "`LEVEL`: "+strings.Join(mockserver.LogLevels, ", "), &c.LogLevel)
	onOff("verbose", "log level DEBUG", &c.Verbose, "v")
	onOff("access-logs", "log every request", &c.AccessLogs)
	number("embedding-base-latency", "latency of an embeddings request, `MS`", &c.EmbeddingBaseLatencyMS)
	number("embedding-per-input-latency", "`MS` added per input", &c.EmbeddingPerInputLatencyMS)
	f.seed("random-seed", "`SEED` of everything random (default: another one each time)", &c.RandomSeed)
	text("dcgm-gpu-name", "`GPU` on the DCGM pages: "+strings.Join(mockserver.GPUNames(), ", "), &c.DCGM.GPUName)
	whole("dcgm-num-gpus", "`GPUS` on each DCGM page", &c.DCGM.NumGPUs)
	number("dcgm-min-throughput", "`TOKENS/S` that mean full load, at least", &c.DCGM.MinThroughput)
	number("dcgm-window-sec", "`SECONDS` over which the load is taken", &c.DCGM.WindowSec)
	text("dcgm-hostname", "`HOST` on the DCGM pages", &c.DCGM.Hostname)
	f.seed("dcgm-seed", "`SEED` of the DCGM pages (default: that of the server)", &c.DCGM.Seed)
	onOff("dcgm-auto-load", "the GPUs' load follows the token throughput; off: they idle", &c.DCGM.AutoLoad)
	return f
}

func (f *mockFlags) add(fl cli.Flag) { f.flags = append(f.flags, fl) }

func (f *mockFlags) statuses(c *mockserver.Config) {
	const name = "error-status-codes"
	f.add(&cli.IntSliceFlag{Name: name, Usage: "comma list of `CODES`; one is picked per injected error (default: 500)"})
	f.finish = append(f.finish, func(ctx *cli.Context) error {
		if ctx.IsSet(name) {
			c.ErrorStatusCodes = ctx.IntSlice(name)
		}
		return nil
	})
}

func (f *mockFlags) models(c *mockserver.Config) {
	const name = "models"
	f.add(&cli.StringSliceFlag{Name: name, Usage: "comma list of model `NAMES` to begin with; any other works too (default: " + strings.Join(c.Models, ", ") + ")"})
	f.finish = append(f.finish, func(ctx *cli.Context) error {
		if ctx.IsSet(name) {
			c.Models = ctx.StringSlice(name)
		}
		return nil
	})
}

func (f *mockFlags) stall(c *mockserver.Config) {
	const name = "stall-at"
	f.add(&cli.StringFlag{Name: name, Usage: "`S:FOR`: stand still for FOR seconds, S seconds after the first request"})
	f.finish = append(f.finish, func(ctx *cli.Context) (err error) {
		if ctx.String(name) == "" {
			return nil
		}
		if c.StallAt, err = mockserver.ParseStall(ctx.String(name)); err != nil {
			return fmt.Errorf("--%s: %w", name, err)
		}
		return nil
	})
}

func (f *mockFlags) seed(name, usage string, to **uint64) {
	f.add(&cli.Uint64Flag{Name: name, Usage: usage})
	f.finish = append(f.finish, func(ctx *cli.Context) error {
		if ctx.IsSet(name) {
			v := ctx.Uint64(name)
			*to = &v
		}
		return nil
	})
}

// config is what flags and environment come to; c holds the parsed flags.
func (f *mockFlags) config(c *cli.Context, env []string) (mockserver.Config, error) {
	var errs []error
	for _, fl := range f.flags {
		name := fl.Names()[0]
		variable := mockEnvPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		value, ok := lookup(env, variable)
		if !ok || value == "" || c.IsSet(name) {
			continue
		}
		if err := c.Set(name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", variable, err))
		}
	}
	for _, finish := range f.finish {
		errs = append(errs, finish(c))
	}
	if err := errors.Join(errs...); err != nil {
		return f.cfg, err
	}
	return f.cfg, asFlags(f.cfg.Validate())
}

// asFlags names the flags instead of the settings in the server's complaints.
func asFlags(err error) error {
	if err == nil {
		return nil
	}
	var errs []error
	for _, line := range strings.Split(err.Error(), "\n") {
		key, rest, _ := strings.Cut(line, ":")
		errs = append(errs, fmt.Errorf("--%s:%s", strings.NewReplacer("_", "-", ".", "-").Replace(key), rest))
	}
	return errors.Join(errs...)
}

// mockFromEnvironment are the settings of a server that nobody gives flags to.
func mockFromEnvironment(env []string) (mockserver.Config, error) {
	f := newMockFlags()
	set := flag.NewFlagSet("mock-server", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, fl := range f.flags {
		if err := fl.Apply(set); err != nil {
			return f.cfg, err
		}
	}
	return f.config(cli.NewContext(nil, set, nil), env)
}

func lookup(env []string, name string) (string, bool) {
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			return v, true
		}
	}
	return "", false
}
