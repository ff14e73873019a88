// Package experiments is the place for many runs as one: repeats, sweeps, searches,
// their aggregation and comparison. An experiment starts whole runs through
// bootstrap and reads what they left behind; it never looks inside one.
//
// There is one so far: calibrate.
package experiments
