//go:build !linux

package transports

import "errors"

// reactor exists on Linux only; elsewhere connections read for themselves.
type reactor struct{}

func newReactor() *reactor { return nil }

func (*reactor) adopt(*conn) error { return errors.ErrUnsupported }

func (*reactor) close() {}

func (c *conn) leave() {}

func (a *attempt) drain(*conn, *readBuffer, bool) bool { return false }
