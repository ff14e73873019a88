//go:build race

package tokenizers

// manyCharacters are compared with the reference: a tenth under the race detector, which
// makes all of it ten times as long.
const manyCharacters = 100_000
