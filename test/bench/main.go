// Command bench prints one table about the whole program: how fast it is, how true its
// figures are and what they cost, against the embedded server on this machine, beside wrk
// and vegeta where they are installed. Every figure of a line comes from the same minutes
// on the same machine: compare within the table, not with another day's.
//
//	go run ./test/bench -aiperf bin/aiperf
//
// docs/performance.md explains the lines.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"aiperf/config"
	"aiperf/experiments/calibrate"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{}
	flag.StringVar(&b.aiperf, "aiperf", "bin/aiperf", "the program")
	flag.StringVar(&b.wrk, "wrk", "wrk", "wrk, for comparison")
	flag.StringVar(&b.vegeta, "vegeta", "vegeta", "vegeta, for comparison")
	flag.IntVar(&b.seconds, "seconds", 4, "length of each measurement")
	only := flag.String("only", "", "part of a section's name: leave out all others")
	flag.Parse()
	if err := b.run(ctx, *only); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// bench is one run of the whole table.
type bench struct {
	aiperf, wrk, vegeta string
	seconds             int
	dir                 string
	server              *calibrate.Server
	startCPU            float64 // seconds that the shortest run takes
	table               table
}

// section is a part of the table.
type section struct {
	name string
	run  func(context.Context) error
}

func (b *bench) run(ctx context.Context, only string) (err error) {
	if b.aiperf, err = filepath.Abs(b.aiperf); err != nil {
		return err
	}
	if _, err := os.Stat(b.aiperf); err != nil {
		return fmt.Errorf("%w; `make build` makes it", err)
	}
	b.wrk = find(b.wrk, "apt-get install wrk")
	b.vegeta = find(b.vegeta, "go install github.com/tsenart/vegeta/v12@latest")
	if b.dir, err = os.MkdirTemp("", "aiperf-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.server, err = calibrate.StartServer(ctx, calibrate.ServerOptions{Executable: b.aiperf, Env: os.Environ(), Dir: b.dir, Flags: []string{"--no-tokenizer"}})
	if err != nil {
		return err
	}
	defer b.server.Stop()
	var failed []error // what could be measured is shown all the same
	for _, s := range []section{
		{"start", b.startUp}, {"closed", b.closedLoop}, {"streams", b.streams}, {"rate", b.rates}, {"saturation", b.saturation}, {"records", b.records},
	} {
		if only != "" && !strings.Contains(s.name, only) && s.name != "start" {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", s.name)
		if err := s.run(ctx); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", s.name, err))
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	m := config.ThisMachine(runtime.GOMAXPROCS(0))
	fmt.Printf("%s, %d cores shared with the server; %s\n\n", m.CPU, m.Cores, kernel())
	b.table.write(os.Stdout)
	return errors.Join(failed...)
}

// find is a tool's path; "" with a word on how to get it.
func find(name, how string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %s is not installed (%s): its column stays empty\n", name, how)
		return ""
	}
	return path
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	return "Linux " + strings.TrimSpace(string(text))
}
