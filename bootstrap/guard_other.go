//go:build !linux

package bootstrap

// armDeathSignal: the platform has none; the pipe guard does the work alone.
func armDeathSignal() error { return nil }

func setProcessTitle(string) {}

// yieldCores: the priority of a whole process is set elsewhere than here.
func yieldCores() error { return nil }
