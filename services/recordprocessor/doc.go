// Package recordprocessor understands what workers bring back: it parses responses,
// counts tokens and computes the metrics of each request. Raw bytes end here.
//
//	in:  raw results of workers (one socket, bound), the mapped dataset, commands
//	out: metric records, exactly one per raw result, in batches
//
// engine is the understanding: plain code without sockets, clocks or goroutines; it
// belongs to the goroutine that feeds it. Processor feeds it and sends what it
// made. Neither knows other records of the run: what goes over the whole run is the
// records manager's.
package recordprocessor
