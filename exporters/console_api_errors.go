package exporters

import (
	"encoding/json"
	"strings"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/plugins"
)

func init() {
	plugins.Register("console_exporter", "aiperf.exporters:ConsoleAPIErrors", func() ConsoleExporter { return ConsoleAPIErrors{} })
}

// ConsoleAPIErrors explains server errors that have a known remedy.
type ConsoleAPIErrors struct{}

// Render adds a panel per recognised error.
func (ConsoleAPIErrors) Render(c *Console, _ *config.Run, r *Report) {
	if r.Profile == nil || !anyError(r.Profile.ErrorSummary, refusesMaxCompletionTokens) {
		return
	}
	c.advisory("Unsupported Parameter: max_completion_tokens",
		"The server refuses the request field 'max_completion_tokens'.",
		"",
		"Possible Causes:",
		"  - The server knows only the older field 'max_tokens'",
		"  - The server checks requests strictly and allows no extra fields",
		"",
		"Investigation Steps:",
		"  1. Look up which length field the server's version accepts",
		"  2. Compare the error messages in the Error Summary",
		"",
		"Fixes:",
		"  - Send the older field: --use-legacy-max-tokens",
		`  - Or set it yourself: --extra-inputs "max_tokens:<value>"`,
	)
}

func anyError(counts []messages.ErrorCount, is func(message string) bool) bool {
	for i := range counts {
		if is(counts[i].Details.Message) {
			return true
		}
	}
	return false
}

// refusesMaxCompletionTokens looks at the message and, when it is a JSON document, at
// the message inside.
func refusesMaxCompletionTokens(message string) bool {
	text := message
	var body struct {
		Message string `json:"message"`
		Error   struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal([]byte(message), &body) == nil {
		text += body.Message + body.Error.Message
	}
	for _, part := range []string{"extra_forbidden", "max_completion_tokens", "Extra inputs are not permitted"} {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// advisory adds a warning panel.
func (c *Console) advisory(name string, lines ...string) {
	p := Panel{Title: name, Border: BoldWarn, PadX: 2}
	for _, l := range lines {
		p.Lines = append(p.Lines, Cell{Text: l})
	}
	c.Panel(p)
}
