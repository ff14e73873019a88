//go:build !linux

package worker

import "aiperf/messages"

// readSystem: this system tells no more than the resource usage.
func readSystem(*messages.ProcessHealth) {}
