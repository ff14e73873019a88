package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
)

// Seeds derives one independent random stream per purpose from the run's seed, so
// that adding a consumer of chance does not change another. 0 is a valid seed.
type Seeds struct{ root string }

// NewSeeds starts from a root seed.
func NewSeeds(seed uint64) Seeds { return Seeds{strconv.FormatUint(seed, 10)} }

// Seed is the first eight bytes, big-endian, of SHA-256("<root>:<name>").
func (s Seeds) Seed(name string) uint64 {
	sum := sha256.Sum256([]byte(s.root + ":" + name))
	return binary.BigEndian.Uint64(sum[:8])
}

// Stream is a generator for one purpose. It belongs to one goroutine.
func (s Seeds) Stream(name string) *rand.Rand {
	sum := sha256.Sum256([]byte(s.root + ":" + name))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
}

// Item is Stream for the index-th item of a purpose: items can be made in parallel
// and in any order, and come out the same.
func (s Seeds) Item(name string, index int) *rand.Rand {
	return s.Stream(name + ":" + strconv.Itoa(index))
}

// Random is a generator from one number.
func Random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }
