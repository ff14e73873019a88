package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"aiperf/experiments/calibrate"
	"aiperf/exporters"
)

// command is a program that has ended.
type command struct {
	output []byte
	wall   time.Duration
	cpu    float64 // seconds, everything that it started included
}

// execute runs a program to its end. watch, when there is one, is called beside it until
// it has ended.
func execute(ctx context.Context, input []byte, watch func(pid int, ended <-chan struct{}), name string, args ...string) (*command, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	cmd.Stdin = bytes.NewReader(input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		if watch != nil {
			watch(cmd.Process.Pid, ended)
		}
	}()
	err := cmd.Wait()
	c := &command{output: stdout.Bytes(), wall: time.Since(began)}
	close(ended)
	<-watched
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, stderr.Bytes())
	}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.cpu = time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	}
	return c, nil
}

// summary is what the table needs of a run's JSON.
type summary struct {
	Throughput struct {
		Avg float64 `json:"avg"`
	} `json:"request_throughput"`
	InFlight struct {
		Avg float64 `json:"avg"`
		Max float64 `json:"max"`
	} `json:"effective_concurrency"`
	Quality struct {
		Verdict   string   `json:"verdict"`
		Reasons   []string `json:"reasons"`
		Asked     *float64 `json:"asked_rps"`
		Delivered *float64 `json:"delivered_rps"`
	} `json:"measurement_quality"`
}

// outcome is a whole run of ours beside what the server saw of it.
type outcome struct {
	command
	summary
	calibrate.Comparison
}

// profile makes one run against the server, everything on.
func (b *bench) profile(ctx context.Context, watch func(int, <-chan struct{}), flags ...string) (*outcome, error) {
	dir, err := os.MkdirTemp(b.dir, "run-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if _, err := b.server.Answers(ctx, 0); err != nil { // those of before
		return nil, err
	}
	args := append([]string{
		"profile", "--model", "bench", "--tokenizer", "builtin", "--url", b.server.URL, "--endpoint-type", "chat", "--ui", "none", "--artifact-dir", dir,
		"--num-dataset-entries", "64", "--isl", "32", "--extra-inputs", "ignore_eos:true", "--random-seed", "1",
	}, flags...)
	c, err := execute(ctx, nil, watch, b.aiperf, args...)
	if err != nil {
		return nil, err
	}
	o := &outcome{command: *c}
	names := exporters.FileNames("")
	text, err := os.ReadFile(filepath.Join(dir, names.SummaryJSON))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &o.summary); err != nil {
		return nil, fmt.Errorf("%s: %w", names.SummaryJSON, err)
	}
	records, err := calibrate.ReadRecords(filepath.Join(dir, names.Records))
	if err != nil {
		return nil, err
	}
	answers, err := b.server.Answers(ctx, len(records))
	if err != nil {
		return nil, err
	}
	o.Comparison = calibrate.Compare(records, answers)
	return o, nil
}
