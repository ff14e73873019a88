//go:build !race

package tokenizers

const underRace = false

const manyCharacters = 1_000_000
