// Package exporters shows finished results: files that people's scripts read and the
// report on the console.
//
//	in:  a Report in display units, the run document, a directory
//	out: files (whole or absent), text
//
// One file per exporter; each registers itself with the plugin registry. An exporter
// knows no socket, no process and no clock, and not where a number came from.
package exporters
