// Package records keeps what the record processors computed: every record in a
// journal on disk, its numbers in columns, and one mark per credit, so that it is
// known exactly which are missing.
//
//	in:  metric_records, telemetry_records, phase borders (one ordered socket);
//	     deaths of processes, worker health
//	out: live records and progress on the bus, the per-record file, the results
//
// One goroutine owns all of it and feeds the ledger, which is plain code: it reads the
// records socket and an inbox of everything else. It knows no HTTP, no tokenizer, no
// monotonic stamp and no summary file's format.
//
// Start reading at ledger.go (what arrives), then completion.go (when it is enough),
// finish.go (in which order the run is closed) and summary.go.
package records
