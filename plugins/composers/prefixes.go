package composers

import "math/rand/v2"

// prefixes stand in front of the prompts of a dataset. They are made once and only read
// afterwards.
type prefixes struct {
	pool   [][]int // token ids
	system string  // message that all conversations share
	// contextLength is how many tokens each conversation's own context has, 0 for none.
	contextLength int
}

func newPrefixes(c *Config) prefixes {
	d := &c.Dataset
	p := prefixes{system: d.SystemPrompt, contextLength: d.PrefixPrompts.UserContextLength}
	for i := range d.PrefixPrompts.PoolSize {
		p.pool = append(p.pool, c.Prompts.Prefix(c.Seeds.Item(streamPrefix, i), d.PrefixPrompts.Length))
	}
	if n := d.PrefixPrompts.SharedSystemLength; n > 0 {
		p.system = c.Prompts.Text(c.Seeds.Stream(streamSystem), n)
	}
	return p
}

// pick draws one of the pool, nil when there is none.
func (p *prefixes) pick(rng *rand.Rand) []int {
	if len(p.pool) == 0 {
		return nil
	}
	return p.pool[rng.IntN(len(p.pool))]
}
