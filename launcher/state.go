package main

import (
	"context"
	"io"
	"os"
	"syscall"
	"time"
)

// State is what the launcher takes from its process: streams, arguments, signals.
// Commands get it instead of reaching for the os package, so that they can be
// tested in-process.
type State struct {
	Args           []string // without the program's name
	Env            []string // KEY=value
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	WorkingDir     string
	Executable     string // this program, for starting services
	Signals        <-chan os.Signal
}

// tidyTime is what interrupted work has to remove what it left half done.
const tidyTime = time.Second

// interruptible does work that hears no signals by itself: a signal ends its context and
// the program. Work that does not look at its context is left to end with the process.
func (s *State) interruptible(work func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- work(ctx) }()
	select {
	case err := <-done:
		return err
	case sig := <-s.Signals:
		cancel()
		select {
		case <-done:
		case <-time.After(tidyTime):
		}
		code := 1
		if n, ok := sig.(syscall.Signal); ok {
			code = 128 + int(n)
		}
		return exitError{code, nil}
	}
}

// exitError ends the program with a code. A nil err prints nothing.
//
//	0 complete   1 failed or incomplete   2 usage or configuration   128+n a signal
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }
