// Package gputelemetry collects GPU figures while a run goes on.
//
//	in:  sources from the run document, phase borders, profile_start, profile_complete
//	out: telemetry_records to the records manager, telemetry_status to the controller
//
// The engine (sources, loops, final samples) has no sockets: it hands batches to a
// function. One goroutine per source owns that source's collector while collection
// runs. Nothing that goes wrong here fails a run.
package gputelemetry
