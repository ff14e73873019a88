// Package dataset holds conversations and turns, and the store that carries them
// to every process: a data file and a fixed-width binary index, written once by the
// dataset manager and memory-mapped by workers and record processors.
//
//	in:  conversations from a composer or loader, prepared request bodies
//	out: zero-copy reads by conversation number and turn
//
// It knows no endpoint, no tokenizer and no socket.
package dataset
