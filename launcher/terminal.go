package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminal says whether a stream is a terminal, and how many columns it has; 0 = unknown.
func terminal(stream any) (columns int, yes bool) {
	f, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
		return columns, true
	}
	return 0, true
}

// columnsOf is the width for text on a stream.
func columnsOf(w io.Writer, otherwise int) int {
	if columns, yes := terminal(w); yes && columns > 0 {
		return columns
	}
	return otherwise
}
