//go:build race

package clock

import "syscall"

// passedOn tells the race detector that what was written to a connection before was done
// before what follows here, as it knows of the reads of package net. Reading nothing is
// the way to say so.
func passedOn(fd int) { _, _ = syscall.Read(fd, nil) }
