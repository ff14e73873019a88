// Package metrics says what is measured and how: every metric's names, units, flags
// and formula, the values of one request, and the statistics of a run.
//
//	in:  one Record per finished request; later, the values of all requests
//	out: values in base units per request; results in display units per summary
//
// The way of a number: NewSet picks the metrics that exist for a run. AppendValues
// computes those of one record. A Store keeps them column by column, together with
// the stamps of the request, and Summarise turns the selected rows into results.
//
// A metric is a package variable made by declare, with its formula in it. A metric
// that needs another names its variable, so the order in which Go initialises them is
// the order in which they can be computed, and a cycle does not compile.
//
// The package knows no wire, no file and no process. "No value" is an ordinary
// outcome: an absent entry here, never a 0 and never a NaN outside a column.
package metrics
