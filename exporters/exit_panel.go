package exporters

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"

	"aiperf/messages"
)

// RenderExitPanel writes what ended the run, errors with identical details once, and
// where the log is. Without errors it writes nothing.
func RenderExitPanel(w io.Writer, errs []messages.ExitError, logFile string, o ConsoleOptions) error {
	if len(errs) == 0 {
		return nil
	}
	c := NewConsole(o)
	p := Panel{Title: "AIPerf System Exit Errors", TitleLeft: true, Border: BoldRed, Fill: true, PadX: 1}
	for i, g := range groupExitErrors(errs) {
		if i > 0 {
			p.Lines = append(p.Lines, Cell{})
		}
		p.Lines = append(p.Lines, g.lines(c.width)...)
	}
	c.Blank()
	c.Panel(p)
	if logFile != "" {
		c.line(Plain, "Log File: "+logFile)
	}
	c.Blank()
	if _, err := c.WriteTo(w); err != nil {
		return fmt.Errorf("write the exit errors: %w", err)
	}
	return nil
}

// exitGroup is one error with everybody who reported it.
type exitGroup struct {
	details    messages.ErrorDetails
	services   []string // sorted, each once
	operations []string
}

// groupExitErrors keeps the order of first appearance.
func groupExitErrors(errs []messages.ExitError) []*exitGroup {
	var groups []*exitGroup
	byKey := map[string]*exitGroup{}
	for i := range errs {
		e := &errs[i]
		key := detailsKey(&e.ErrorDetails)
		g := byKey[key]
		if g == nil {
			g = &exitGroup{details: e.ErrorDetails}
			byKey[key] = g
			groups = append(groups, g)
		}
		service := e.FromService
		if service == "" {
			service = "N/A"
		}
		g.services = insert(g.services, service)
		g.operations = insert(g.operations, e.Operation)
	}
	return groups
}

// detailsKey is equal for errors that are grouped: code, type and message decide.
func detailsKey(e *messages.ErrorDetails) string {
	code := ""
	if e.Code != nil {
		code = fmt.Sprint(*e.Code)
	}
	return strings.Join([]string{code, e.Type, e.Message}, "\x00")
}

func insert(list []string, s string) []string {
	if !slices.Contains(list, s) {
		list = append(list, s)
		sort.Strings(list)
	}
	return list
}

func (g *exitGroup) lines(width int) []Cell {
	lines := []Cell{{Text: "• " + g.serviceLine(), Style: Bold}}
	operation := "Multiple Operations"
	if len(g.operations) == 1 {
		operation = g.operations[0]
	}
	typ := g.details.Type
	if typ == "" {
		typ = "Unknown"
	}
	lines = append(lines, field("Operation", operation, width)...)
	lines = append(lines, field("Error", typ, width)...)
	lines = append(lines, field("Reason", g.details.Message, width)...)
	if g.details.Cause != "" {
		lines = append(lines, field("Cause", g.details.Cause, width)...)
	}
	if g.details.Details != nil {
		if b, err := json.Marshal(g.details.Details); err == nil {
			lines = append(lines, field("Details", string(plainJSON(b)), width)...)
		}
	}
	return lines
}

func (g *exitGroup) serviceLine() string {
	switch n := len(g.services); {
	case n == 1:
		return "Service: " + g.services[0]
	case n <= 3:
		return fmt.Sprintf("Services: %d services: %s", n, strings.Join(g.services, ", "))
	default:
		return fmt.Sprintf("Services: %d services: %s, etc.", n, strings.Join(g.services[:2], ", "))
	}
}

// field lays a value out behind its name; lines broken off it start below it.
func field(name, value string, width int) []Cell {
	head := "   " + name + ": "
	var cells []Cell
	for i, line := range wrapText(cleanText(value), max(width-15, 20)) {
		if i > 0 {
			head = strings.Repeat(" ", max(len(head), 11))
		}
		cells = append(cells, Cell{Text: head + line})
	}
	return cells
}
