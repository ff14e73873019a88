package mockserver

import (
	"fmt"
	"strings"
	"sync"

	"aiperf/plugins"
	"aiperf/plugins/tokenizers"
)

// Counter counts tokens with a vocabulary that is loaded when it is first needed:
// the server starts without waiting for it. It is safe for concurrent use.
type Counter struct {
	load func() (tokenizers.Tokenizer, error)
}

// NewCounter makes the counter of a tokenizer plugin; nothing is loaded yet.
func NewCounter(registry *plugins.Registry, name, encoding string) *Counter {
	return &Counter{load: sync.OnceValues(func() (tokenizers.Tokenizer, error) {
		constructor, err := plugins.Constructor[tokenizers.Constructor](registry, "tokenizer", name)
		if err != nil {
			return nil, err
		}
		t, err := constructor(tokenizers.Config{Encoding: encoding})
		if err != nil {
			return nil, fmt.Errorf("load tokenizer %s: %w", encoding, err)
		}
		return t, nil
	})}
}

// Load loads the vocabulary, or waits for whoever does.
func (c *Counter) Load() error {
	_, err := c.load()
	return err
}

// Count is the number of tokens of a text; of white-space separated pieces when
// there is no vocabulary.
func (c *Counter) Count(text string) int {
	t, err := c.load()
	if err != nil {
		return len(strings.Fields(text))
	}
	return t.Count(text)
}
