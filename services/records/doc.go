// Package records keeps what the record processors computed: every record in a
// journal on disk, its numbers in columns, and one mark per credit, so that it is
// known exactly which are missing.
//
//	in:  metric_records, telemetry_records, phase borders (one ordered socket);
//	     deaths of processes, worker health
//	out: live records and progress on the bus, the per-record file, the results
//
// One goroutine, the ledger's, owns all of it; everything arrives in its inbox. It
// knows no HTTP, no tokenizer, no monotonic stamp and no summary file's format.
package records
