package generators

import (
	_ "embed"
	"math/rand/v2"
	"sort"
	"strings"
)

//go:embed sonnets.txt
var sonnets string

// corpusBytes is how long the text is that windows are cut from. Prompts that begin
// at the same place would share a server's prefix cache; with a quarter of a million
// places that is rare.
const corpusBytes = 1 << 20

// verse is an endless-looking text as token ids: the lines of a small text, each
// encoded once, in as many different orders one after another as are needed for
// corpusBytes. The orders come from the run's seed.
type verse struct {
	lines [][]int  // ids of each line, with the space before it
	order []uint16 // line numbers
	ends  []int    // ids up to and including each entry of order
}

// newVerse splits text into lines, trims them and drops blank ones.
func newVerse(text string, encode func(string) []int, rng *rand.Rand) *verse {
	c := &verse{}
	bytes := 0
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			c.lines = append(c.lines, encode(" "+line))
			bytes += len(line) + 1
		}
	}
	total := 0
	for range corpusBytes/bytes + 1 {
		for _, k := range rng.Perm(len(c.lines)) {
			total += len(c.lines[k])
			c.order, c.ends = append(c.order, uint16(k)), append(c.ends, total)
		}
	}
	return c
}

// size is the number of ids.
func (c *verse) size() int { return c.ends[len(c.ends)-1] }

// appendWindow appends n ids from start on, from the beginning again at the end.
func (c *verse) appendWindow(ids []int, start, n int) []int {
	at := sort.SearchInts(c.ends, start+1)
	line := c.lines[c.order[at]]
	line = line[len(line)-(c.ends[at]-start):]
	for {
		if len(line) >= n {
			return append(ids, line[:n]...)
		}
		ids = append(ids, line...)
		n -= len(line)
		at = (at + 1) % len(c.order)
		line = c.lines[c.order[at]]
	}
}
