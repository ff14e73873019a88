//go:build !linux

package transports

import "errors"

// reactor exists on Linux only; elsewhere connections read for themselves.
type reactor struct{}

func newReactors() *reactors { return &reactors{} }

func (*reactor) adopt(*conn) error { return errors.ErrUnsupported }

func (*reactor) close() {}

func (*conn) leave() {}

func (*attempt) drain(*conn, *readBuffer, bool) bool { return false }
