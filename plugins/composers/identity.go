package composers

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"

	"aiperf/config"
)

// sessionID is a number for a seeded run, else a random UUID.
func (c *Config) sessionID(i int) string {
	if c.Seeded {
		return fmt.Sprintf("session_%06d", i)
	}
	rng := c.Seeds.Item(streamSessionID, i)
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], rng.Uint64())
	binary.BigEndian.PutUint64(id[8:], rng.Uint64())
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4, RFC variant
	return id.String()
}

// modelOf deals out the models turn by turn over the whole dataset, or draws one.
func modelOf(m config.Models, turnNumber int, rng *rand.Rand) string {
	if m.Strategy == "random" {
		return m.Names[rng.IntN(len(m.Names))]
	}
	return m.Names[turnNumber%len(m.Names)]
}
