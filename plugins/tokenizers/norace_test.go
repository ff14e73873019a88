//go:build !race

package tokenizers

const manyCharacters = 1_000_000
