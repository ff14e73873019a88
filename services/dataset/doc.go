// Package dataset is the dataset manager: it makes the conversations of a run once,
// prepares their request bodies where these depend on no reply, and leaves both in
// files that every process maps.
//
//	in:  the run document; commands; questions of those who cannot map the files
//	out: the dataset's files, inputs.json, the announcement that they are there
//
// builder is the engine: plain code that composes and renders on all cores and
// writes in order, so that the files do not depend on the number of cores. server
// answers questions on its own socket. Manager wires both into the mesh. None of
// them knows a schedule, a response or a metric.
package dataset
