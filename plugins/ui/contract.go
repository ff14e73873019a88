package ui

import (
	"io"

	"aiperf/messages"
)

// UI is a view of a running benchmark. Its methods are called from several
// goroutines; Close is called once, at the end, and leaves the cursor on a clean line.
type UI interface {
	// Message is shown a message of the event bus. It must not block.
	Message(e messages.Envelope)
	// Line prints one log line above whatever is shown.
	Line(line string)
	Close()
}

// Config is what a view needs.
type Config struct {
	Out              io.Writer
	Width            int // columns; 0 = unknown
	Color            bool
	Terminal         bool    // Out is a terminal: lines may be redrawn
	MinUpdatePercent float64 // redraw when progress moved by at least this
}

// Constructor makes a view; plugins of category "ui" register one.
type Constructor = func(Config) (UI, error)
