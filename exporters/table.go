package exporters

import "strings"

// Cell is text with a style; line feeds start a new line inside the cell.
type Cell struct {
	Text  string
	Style Style // empty: that of the column
}

// Column is one column of a table.
type Column struct {
	Header string
	Left   bool // text starts at the left; numbers and names end at the right
	Style  Style
}

// Table is a grid with a title above it. Columns are as wide as their widest cell;
// when the whole does not fit, the widest columns give way first and their text is
// broken.
type Table struct {
	Title   []Cell // one line each, centred
	Columns []Column
	Rows    [][]Cell
}

// Table adds a table.
func (c *Console) Table(t Table) {
	widths := t.widths(c.width)
	total := 1
	for _, w := range widths {
		total += w + 3
	}
	for _, line := range t.Title {
		c.centred(line, total)
	}
	c.rule("┏", "━", "┳", "┓", widths)
	header := make([]Cell, len(t.Columns))
	for i, col := range t.Columns {
		header[i] = Cell{col.Header, Bold}
	}
	c.row(t.Columns, header, widths, "┃")
	c.rule("┡", "━", "╇", "┩", widths)
	for _, row := range t.Rows {
		c.row(t.Columns, row, widths, "│")
	}
	c.rule("└", "─", "┴", "┘", widths)
}

// centred writes a title line, broken at the width of its table.
func (c *Console) centred(line Cell, width int) {
	for _, part := range wrapText(cleanText(line.Text), width) {
		if part != "" {
			c.spaces((width - textWidth(part)) / 2)
			c.styled(line.Style, part)
		}
		c.buf.WriteByte('\n')
	}
}

func (c *Console) rule(left, line, join, right string, widths []int) {
	c.buf.WriteString(left)
	for i, w := range widths {
		if i > 0 {
			c.buf.WriteString(join)
		}
		c.repeat(line, w+2)
	}
	c.buf.WriteString(right)
	c.buf.WriteByte('\n')
}

// row writes one row, as many lines high as its highest cell.
func (c *Console) row(columns []Column, row []Cell, widths []int, border string) {
	cells := make([][]string, len(columns))
	height := 1
	for i := range columns {
		if i < len(row) {
			cells[i] = wrapText(cleanText(row[i].Text), widths[i])
		}
		height = max(height, len(cells[i]))
	}
	for line := range height {
		for i, col := range columns {
			c.buf.WriteString(border)
			c.buf.WriteByte(' ')
			text, style := "", col.Style
			if line < len(cells[i]) {
				text = cells[i][line]
			}
			if i < len(row) && row[i].Style != Plain {
				style = row[i].Style
			}
			gap := widths[i] - textWidth(text)
			if !col.Left {
				c.spaces(gap)
			}
			c.styled(style, text)
			if col.Left {
				c.spaces(gap)
			}
			c.buf.WriteByte(' ')
		}
		c.buf.WriteString(border)
		c.buf.WriteByte('\n')
	}
}

// widths gives each column its columns of text, borders and padding not counted.
func (t *Table) widths(available int) []int {
	widths := make([]int, len(t.Columns))
	total := 1
	for i, col := range t.Columns {
		widths[i] = textWidth(col.Header)
		for _, row := range t.Rows {
			if i >= len(row) {
				continue
			}
			for _, line := range strings.Split(cleanText(row[i].Text), "\n") {
				widths[i] = max(widths[i], textWidth(line))
			}
		}
		total += widths[i] + 3
	}
	shrink(widths, total-available)
	return widths
}

// shrink takes excess columns off the widest ones, down to one column each.
func shrink(widths []int, excess int) {
	for ; excess > 0; excess-- {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if len(widths) == 0 || widths[widest] <= 1 {
			return
		}
		widths[widest]--
	}
}
