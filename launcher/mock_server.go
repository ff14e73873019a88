package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"aiperf/bootstrap"
	"aiperf/mockserver"
	"aiperf/plugins"
	"aiperf/plugins/tokenizers"
	mockservice "aiperf/services/mockserver"
)

// mockServerCommand serves the embedded inference server in the foreground.
func mockServerCommand(state *State) *cli.Command {
	f := newMockFlags()
	return &cli.Command{
		Name:  "mock-server",
		Usage: "serve the embedded inference server",
		Description: "Answers OpenAI-style requests (chat, completions, embeddings) with latencies, faults and lengths that\n" +
			"you ask for. Every flag has a twin in the environment: MOCK_SERVER_ and the flag's name in capitals; flags\n" +
			"win. Callers poll /health until it answers; Ctrl-C ends it.",
		Flags: f.flags,
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return exitError{2, fmt.Errorf("mock-server: unexpected argument %q", c.Args().First())}
			}
			cfg, err := f.config(c, state.Env)
			if err != nil {
				return exitError{2, err}
			}
			return serveMock(state, cfg)
		},
	}
}

// serveMock serves until a signal comes.
func serveMock(state *State, cfg mockserver.Config) error {
	workers := cfg.Workers
	if workers == 0 {
		workers = runtime.NumCPU()
	}
	runtime.GOMAXPROCS(workers + 1) // one for the alarm, which sleeps in a system call
	debug.SetGCPercent(400)         // collections are rare: they would show in the latencies
	deps := mockserver.Deps{Log: mockLog(state.Stderr, cfg)}
	if !cfg.NoTokenizer {
		counter := mockservice.NewCounter(plugins.Builtin(), "builtin", tokenizers.DefaultEncoding)
		deps.CountTokens = counter.Count
		loaded := make(chan struct{})
		go func() {
			defer close(loaded)
			if err := counter.Load(); err != nil {
				deps.Log.Warn("prompts are counted in words", "err", err)
			}
		}()
		defer func() { <-loaded }()
	}
	l, err := listenMock(cfg)
	if err != nil {
		return exitError{1, err}
	}
	server, err := mockserver.New(cfg, deps)
	if err != nil {
		l.Close()
		return exitError{1, fmt.Errorf("mock-server: %w", err)}
	}
	fmt.Fprintf(state.Stdout, "Mock server listening on http://%s\n", l.Addr())
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	var sig os.Signal
	select {
	case err = <-served:
	case sig = <-state.Signals:
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err = errors.Join(err, server.Stop(ctx)); err != nil {
		return exitError{1, fmt.Errorf("mock-server: %w", err)}
	}
	if n, ok := sig.(syscall.Signal); ok {
		return exitError{128 + int(n), nil}
	}
	return nil
}

// listenMock binds. A host that is no IPv6 address is bound on IPv4 alone, so that
// `localhost` means one address.
func listenMock(cfg mockserver.Config) (net.Listener, error) {
	network := "tcp4"
	if ip := net.ParseIP(cfg.Host); ip != nil && ip.To4() == nil {
		network = "tcp6"
	}
	l, err := net.Listen(network, net.JoinHostPort(cfg.Host, strconv.Itoa(cfg.Port)))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("--port: %d is in use on %s; name another, or 0 for any free one", cfg.Port, cfg.Host)
	case err != nil:
		return nil, fmt.Errorf("--host: %w", err)
	}
	return l, nil
}

func mockLog(w io.Writer, cfg mockserver.Config) *slog.Logger {
	level := bootstrap.ParseLevel(cfg.LogLevel)
	if cfg.Verbose {
		level = min(level, slog.LevelDebug)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
