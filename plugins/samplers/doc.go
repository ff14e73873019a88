// Package samplers holds the strategies that decide which conversation of the
// dataset is executed next. Samplers are endless and belong to one goroutine.
package samplers

import (
	"errors"
	"math/rand/v2"
)

// Sampler yields conversation numbers.
type Sampler interface {
	Next() int
}

// Config is what a sampler is made from.
type Config struct {
	Conversations int        // how many there are, at least 1
	Rand          *rand.Rand // the sampler's own stream; unused by sequential
}

// Constructor makes a sampler; plugins of category "dataset_sampler" register one.
type Constructor = func(Config) (Sampler, error)

var errEmpty = errors.New("sample conversations: the dataset is empty")
