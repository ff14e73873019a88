package ui

import (
	"fmt"
	"io"
	"sync"

	"aiperf/messages"
	"aiperf/plugins"
)

func init() { plugins.Register("ui", "aiperf.ui:None", NewNone) }

// None prints log lines and nothing else.
type None struct {
	mu  sync.Mutex
	out io.Writer
}

// NewNone makes it.
func NewNone(c Config) (UI, error) { return &None{out: c.Out}, nil }

// Message shows nothing.
func (*None) Message(messages.Envelope) {}

// Line prints a log line.
func (n *None) Line(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintln(n.out, line)
}

// Close has nothing to clean.
func (*None) Close() {}
