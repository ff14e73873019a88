package exporters

// Panel is text in a box with a title in its upper border.
type Panel struct {
	Title     string
	TitleLeft bool // else centred
	Border    Style
	Fill      bool // as wide as the console; else as wide as the text
	Lines     []Cell
	PadX      int // columns between border and text
	PadY      int // empty lines above and below the text
}

// Panel adds a panel.
func (c *Console) Panel(p Panel) {
	room := max(c.width-2-2*p.PadX, 1) // for text
	var lines []Cell
	widest := 0
	for _, l := range p.Lines {
		for _, part := range wrapText(cleanText(l.Text), room) {
			lines = append(lines, Cell{part, l.Style})
			widest = max(widest, textWidth(part))
		}
	}
	name := " " + cleanText(p.Title) + " "
	inner := c.width - 2
	if !p.Fill {
		inner = min(inner, max(widest+2*p.PadX, textWidth(name)+2))
	}
	c.top(p, name, inner)
	for range p.PadY {
		c.panelLine(p, Cell{}, inner)
	}
	for _, l := range lines {
		c.panelLine(p, l, inner)
	}
	for range p.PadY {
		c.panelLine(p, Cell{}, inner)
	}
	c.styled(p.Border, "╰"+dashes(inner)+"╯")
	c.buf.WriteByte('\n')
}

// top writes the upper border with the title in it; a title that does not fit is cut.
func (c *Console) top(p Panel, name string, inner int) {
	name = cutWidth(name, max(inner-2, 1))
	gap := max(inner-2-textWidth(name), 0)
	left := gap / 2
	if p.TitleLeft {
		left = 0
	}
	c.styled(p.Border, "╭"+dashes(1+left)+name+dashes(gap-left+1)+"╮")
	c.buf.WriteByte('\n')
}

func (c *Console) panelLine(p Panel, l Cell, inner int) {
	c.styled(p.Border, "│")
	c.spaces(p.PadX)
	c.styled(l.Style, l.Text)
	c.spaces(inner - 2*p.PadX - textWidth(l.Text))
	c.spaces(p.PadX)
	c.styled(p.Border, "│")
	c.buf.WriteByte('\n')
}

func dashes(n int) string {
	b := make([]rune, max(n, 0))
	for i := range b {
		b[i] = '─'
	}
	return string(b)
}
