package main

import (
	"io"
	"os"
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
