package tokenizers

import (
	"errors"
	"fmt"
	"strings"

	"aiperf/plugins"
)

func init() { plugins.Register("tokenizer", "aiperf.tokenizers:File", Constructor(NewFile)) }

// NewFile opens the tokenizer of a model: a compiled one, which Prepare has checked, or the
// files themselves.
func NewFile(c Config) (Tokenizer, error) {
	if c.Path == "" {
		return nil, errors.New("a tokenizer of a file needs the file's path")
	}
	var t *Pipeline
	var err error
	if strings.HasSuffix(c.Path, compiledSuffix) {
		t, err = openCompiled(c.Path, false)
	} else {
		t, err = Open(c.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("load tokenizer %s: %w", c.Path, err)
	}
	if t.name = c.Name; t.name == "" {
		t.name = c.Path
	}
	return t, nil
}
