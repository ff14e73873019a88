package exporters

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Style is how text looks when colour is on: the parameters of a terminal's "select
// graphic rendition". The empty style is plain.
type Style string

const (
	Plain     Style = ""
	Bold      Style = "1"
	Dim       Style = "2"
	Italic    Style = "3"
	Red       Style = "31"
	Green     Style = "32"
	Yellow    Style = "33"
	Cyan      Style = "36"
	BoldRed   Style = "1;31"
	BoldWarn  Style = "1;33"
	DimItalic Style = "2;3"
)

// ConsoleOptions say what kind of terminal a report is made for.
type ConsoleOptions struct {
	Width int  // columns
	Color bool // escape sequences may be written
}

// minConsoleWidth is the least width that a layout is tried for.
const minConsoleWidth = 20

// Console collects rendered text: lines, tables, panels. It keeps everything until
// it is asked for with WriteTo.
type Console struct {
	buf   bytes.Buffer
	width int
	color bool
}

// NewConsole makes an empty one.
func NewConsole(o ConsoleOptions) *Console {
	return &Console{width: max(o.Width, minConsoleWidth), color: o.Color}
}

// Width is the number of columns.
func (c *Console) Width() int { return c.width }

// Empty reports whether nothing was rendered.
func (c *Console) Empty() bool { return c.buf.Len() == 0 }

// WriteTo writes what was rendered.
func (c *Console) WriteTo(w io.Writer) (int64, error) { return c.buf.WriteTo(w) }

// Blank adds an empty line.
func (c *Console) Blank() { c.buf.WriteByte('\n') }

// Text adds text in one style, broken at the width.
func (c *Console) Text(style Style, text string) {
	for _, line := range wrapText(cleanText(text), c.width) {
		c.styled(style, line)
		c.buf.WriteByte('\n')
	}
}

// line adds text that must stay in one piece, so that it can be copied: a path, a
// command. The terminal breaks it where it has to.
func (c *Console) line(style Style, text string) {
	c.styled(style, cleanText(text))
	c.buf.WriteByte('\n')
}

// Textf is Text with a format.
func (c *Console) Textf(style Style, format string, args ...any) {
	c.Text(style, fmt.Sprintf(format, args...))
}

// styled writes text within one line.
func (c *Console) styled(style Style, text string) {
	if !c.color || style == Plain || text == "" {
		c.buf.WriteString(text)
		return
	}
	c.buf.WriteString("\x1b[")
	c.buf.WriteString(string(style))
	c.buf.WriteByte('m')
	c.buf.WriteString(text)
	c.buf.WriteString("\x1b[0m")
}

func (c *Console) spaces(n int) { c.repeat(" ", n) }

func (c *Console) repeat(s string, n int) {
	if n > 0 {
		c.buf.WriteString(strings.Repeat(s, n))
	}
}
