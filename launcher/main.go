// Package main is the aiperf binary: one file per command, flags in, a call out. It
// alone touches arguments, streams, signals and the exit code.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	args := os.Args[1:]
	// A process of the mesh is parsed by hand, before anything else: it stands between a
	// user and the first request, and its signals are the launcher's business.
	if len(args) > 0 && args[0] == "service" {
		os.Exit(runService(args[1:], os.Stderr))
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(run(newState(args, signals)))
}

// newState is what this process has to offer.
func newState(args []string, signals <-chan os.Signal) *State {
	dir, err := os.Getwd()
	if err != nil {
		dir = "." // deleted under us; relative paths will say so
	}
	executable, err := os.Executable()
	if err != nil {
		executable = os.Args[0]
	}
	return &State{
		Args: args, Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		WorkingDir: dir, Executable: executable, Signals: signals,
	}
}
