package exporters

import (
	"errors"
	"fmt"
	"io"

	"aiperf/config"
	"aiperf/plugins"
)

// brand stands before every title of the report, as users' eyes and scripts expect it.
const brand = "NVIDIA AIPerf"

// minReportWidth is the least width of a report on a terminal: below it tables
// would be cut to pieces, and a terminal breaks long lines itself.
const minReportWidth = 100

// ReportWidth is the width for a report: that of the terminal, but at least 100; with
// 0 columns (no terminal) the fixed width of the settings.
func ReportWidth(run *config.Run, columns int) int {
	if columns <= 0 {
		return run.Environment.UI.ConsoleExportWidth
	}
	return max(columns, minReportWidth)
}

// RenderConsole writes the final report: the notice of an incomplete run, the blocks
// of the manifest in their order, the footer. A blank line stands before each block.
// A block that cannot be made is named in the error; the others are written.
func RenderConsole(w io.Writer, run *config.Run, r *Report, o ConsoleOptions) error {
	o.Color = o.Color && !run.Environment.NoColor
	c := NewConsole(o)
	err := c.blocks(run, r)
	c.block(func(c *Console) { renderFooter(c, run, r) })
	if _, werr := c.WriteTo(w); werr != nil {
		return fmt.Errorf("write the report: %w", werr)
	}
	return err
}

// blocks renders everything but the footer.
func (c *Console) blocks(run *config.Run, r *Report) error {
	c.block(func(c *Console) { renderIncomplete(c, r) })
	registry, _, err := plugins.Load(run.PluginManifests)
	if err != nil {
		return fmt.Errorf("render the report: %w", err)
	}
	var errs []error
	for _, e := range registry.Entries("console_exporter") {
		if e.Class == "" { // a program of its own renders nothing here
			continue
		}
		construct, err := plugins.Constructor[ConsoleExporterConstructor](registry, "console_exporter", e.Name)
		if err == nil {
			err = guarded(func() error {
				c.block(func(c *Console) { construct().Render(c, run, r) })
				return nil
			})
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("render %s: %w", e.Name, err))
		}
	}
	return errors.Join(errs...)
}

// block renders into a console of the same kind and adds it after a blank line,
// unless it stayed empty.
func (c *Console) block(render func(c *Console)) {
	inner := NewConsole(ConsoleOptions{Width: c.width, Color: c.color})
	render(inner)
	if inner.Empty() {
		return
	}
	c.Blank()
	c.buf.Write(inner.buf.Bytes())
}

// renderIncomplete warns before any figure is seen.
func renderIncomplete(c *Console, r *Report) {
	if r.Profile == nil || r.Profile.IsComplete {
		return
	}
	c.Text(BoldRed, brand+" | INCOMPLETE RESULTS")
	if r.Profile.IncompleteReason != "" {
		c.Text(Red, r.Profile.IncompleteReason)
	}
	c.Text(Red, "These metrics were computed over a subset of the run and must not be compared against complete runs.")
}
