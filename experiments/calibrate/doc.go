// Package calibrate measures how far this machine's figures can be trusted.
//
//	in:  the program itself, as instrument and as server; ladders of growing loads
//	out: a config.Calibration: what was delivered at each load, and how far the
//	     instrument's figures lay from the server's own stamps
//
// The embedded server runs as one process for all steps and writes a log of what really
// happened. Each rung of a ladder is one whole run against it, everything on; afterwards
// the run's records are laid beside the log, request by request. A ladder ends at the
// first load that is not delivered or not measured within bounds.
//
// ladder.go is the climbing, pure and tested with made-up runs; run.go makes the real
// ones.
package calibrate
