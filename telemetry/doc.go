// Package telemetry reads GPU figures: what a collector is, the table of fields with
// their units, and the collectors.
//
//	in:  a source (a URL, or the host itself)
//	out: samples, one per GPU, in display units
//
// A collector keeps no goroutine and no history beyond what it needs to tell two
// answers apart; its caller decides when it reads. The package knows nothing of
// requests, phases or sockets of the mesh.
package telemetry
