//go:build race

package tokenizers

// Loading the tokenizers of models takes the race detector most of a minute, and finds
// nothing that the small ones do not: they are left to the run without it, which `make
// test` makes too.
const underRace = true

// manyCharacters are compared with the reference.
const manyCharacters = 100_000
