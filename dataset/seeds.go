package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/google/uuid"
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

// SessionID names the index-th conversation that brings no name: a number where the user
// chose the seed, else a random UUID.
func (s Seeds) SessionID(index int, numbered bool) string {
	if numbered {
		return fmt.Sprintf("session_%06d", index)
	}
	rng := s.Item("composer.conversation.session_id", index)
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], rng.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4, RFC variant
	return id.String()
}
