package ui

import (
	"io"
	"time"

	"aiperf/messages"
)

// UI is a view of a running benchmark. Its methods are called from several
// goroutines; Close is called once, at the end, and leaves the cursor on a clean line.
type UI interface {
	// Message is shown a message of the event bus. It must not block.
	Message(e messages.Envelope)
	// Line prints one log line above whatever is shown.
	Line(line string)
	// Above calls print, which writes to the terminal of the view by another way, with
	// nothing of the view on the line where it begins.
	Above(print func())
	Close()
}

// Config is what a view needs.
type Config struct {
	Out              io.Writer
	Columns          func() int // of the terminal; 0 = unknown
	Color            bool
	Terminal         bool    // Out is a terminal: lines may be redrawn
	MinUpdatePercent float64 // redraw when progress moved by at least this
	// Log adds a record to the log of the run, from where it comes back through Line.
	Log         func(text string)
	Stats       bool          // log a block of figures with every live summary
	WarmupEvery time.Duration // pause between two log lines of a warmup; 0 = none
}

// columns is the width of the terminal, 0 when it is unknown.
func (c *Config) columns() int {
	if c.Columns == nil {
		return 0
	}
	return c.Columns()
}

// Constructor makes a view; plugins of category "ui" register one.
type Constructor = func(Config) (UI, error)
