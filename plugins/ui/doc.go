// Package ui shows a running benchmark on a terminal: one progress bar, or nothing
// but log lines. It gets bus messages and the log's console lines from the
// launcher, and writes to one stream; it knows nothing of what they measure.
package ui
