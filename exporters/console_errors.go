package exporters

import (
	"strconv"

	"aiperf/config"
	"aiperf/plugins"
)

func init() {
	plugins.Register("console_exporter", "aiperf.exporters:ConsoleErrors", func() ConsoleExporter { return ConsoleErrors{} })
}

// ConsoleErrors shows what went wrong and how often, most frequent first, as the
// summary lists it.
type ConsoleErrors struct{}

// Render adds the table; without errors there is none.
func (ConsoleErrors) Render(c *Console, _ *config.Run, r *Report) {
	if r.Profile == nil || len(r.Profile.ErrorSummary) == 0 {
		return
	}
	t := Table{
		Title: []Cell{{brand + " | Error Summary", Red}},
		Columns: []Column{
			{Header: "Code", Style: Yellow}, {Header: "Type", Style: Yellow},
			{Header: "Message", Style: Yellow, Left: true}, {Header: "Count", Style: Yellow},
		},
	}
	for _, e := range r.Profile.ErrorSummary {
		code, typ := "N/A", "N/A"
		if e.Details.Code != nil {
			code = strconv.FormatInt(*e.Details.Code, 10)
		}
		if e.Details.Type != "" {
			typ = e.Details.Type
		}
		t.Rows = append(t.Rows, []Cell{{Text: code}, {Text: typ}, {Text: e.Details.Message}, {Text: thousands(strconv.FormatInt(e.Count, 10))}})
	}
	c.Table(t)
}
