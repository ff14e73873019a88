package exporters

import (
	"fmt"
	"io"
)

// RenderCancelPanel answers the first interrupt: what happens now, and what a second
// one would do.
func RenderCancelPanel(w io.Writer, o ConsoleOptions) error {
	return renderNotice(w, o, Panel{Title: "Cancellation in Progress", Border: Yellow, Lines: []Cell{
		{"BENCHMARK CANCELLED", BoldWarn},
		{},
		{"Stopping credit issuance and cancelling in-flight requests...", Plain},
		{"Results will be written to files.", Plain},
		{},
		{"Press Ctrl+C again to force quit immediately", Bold},
		{"(results may be incomplete or not written)", Dim},
	}})
}

// RenderForceQuitPanel answers the second interrupt.
func RenderForceQuitPanel(w io.Writer, o ConsoleOptions) error {
	return renderNotice(w, o, Panel{Title: "Force Quit", Border: Red, Lines: []Cell{
		{"FORCE QUIT", BoldRed},
		{},
		{"All services are killed. Results may be incomplete or not written.", Plain},
	}})
}

// renderNotice writes a panel across the whole width.
func renderNotice(w io.Writer, o ConsoleOptions, p Panel) error {
	p.Fill, p.PadX, p.PadY = true, 2, 1
	c := NewConsole(o)
	c.Blank()
	c.Panel(p)
	c.Blank()
	if _, err := c.WriteTo(w); err != nil {
		return fmt.Errorf("write the notice %q: %w", p.Title, err)
	}
	return nil
}
