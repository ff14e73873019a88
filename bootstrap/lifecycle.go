package bootstrap

import (
	"fmt"
	"sync"
)

// State is where a service stands.
//
//	created ── initializing ── initialized ── starting ── running ── stopping ── stopped
//	any ── failed
type State string

// The states, as they appear on the wire.
const (
	Created      State = "created"
	Initializing State = "initializing"
	Initialized  State = "initialized"
	Starting     State = "starting"
	Running      State = "running"
	Stopping     State = "stopping"
	Stopped      State = "stopped"
	Failed       State = "failed"
)

// next lists the legal steps.
var next = map[State][]State{
	Created:      {Initializing, Stopping, Failed},
	Initializing: {Initialized, Stopping, Failed},
	Initialized:  {Starting, Stopping, Failed},
	Starting:     {Running, Stopping, Failed},
	Running:      {Stopping, Failed},
	Stopping:     {Stopped, Failed},
}

// lifecycle holds a state and tells of its changes.
type lifecycle struct {
	mu     sync.Mutex
	state  State
	change func(old, new State)
}

func newLifecycle(change func(old, new State)) *lifecycle {
	return &lifecycle{state: Created, change: change}
}

// State returns the current state.
func (l *lifecycle) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// to makes a step; an illegal one is an error and changes nothing.
func (l *lifecycle) to(s State) error {
	l.mu.Lock()
	old := l.state
	legal := false
	for _, n := range next[old] {
		legal = legal || n == s
	}
	if legal {
		l.state = s
	}
	l.mu.Unlock()
	if !legal {
		return fmt.Errorf("invalid state: %s cannot follow %s", s, old)
	}
	l.change(old, s)
	return nil
}
