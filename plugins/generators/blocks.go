package generators

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"

	"aiperf/dataset"
)

// Blocks makes prompts for traces that keep no text, but ids of blocks that prompts
// share: the same id in the same trace stands for the same tokens, whatever the order
// and the process. It is safe for concurrent use.
type Blocks struct {
	prompt    *Prompt
	base      uint64 // seed of the corpus
	separator int    // id in front of every block, −1 for none
	size      int    // tokens of a block

	mu    sync.Mutex
	cache map[blockKey][]int
	held  int // ids in the cache
}

type blockKey struct {
	trace string
	id    int64
}

// mostCached bounds the ids that are kept: 8 million are 64 MB. Blocks beyond it are made
// again each time.
const mostCached = 8 << 20

// BlockSeed is the seed of a block: the first eight bytes, big-endian, of
// SHA-256("<base>:<trace>:<id>").
func BlockSeed(base uint64, trace string, id int64) uint64 {
	sum := sha256.Sum256([]byte(strconv.FormatUint(base, 10) + ":" + trace + ":" + strconv.FormatInt(id, 10)))
	return binary.BigEndian.Uint64(sum[:8])
}

// NewBlocks makes it for one block size. separator is the id that every block begins with
// (the tokenizer's beginning of sequence, else its end), or −1.
func NewBlocks(c Config, separator, blockSize int) (*Blocks, error) {
	if blockSize < 1 {
		return nil, fmt.Errorf("block size: want at least 1 token, got %d", blockSize)
	}
	g, err := NewPrompt(c)
	if err != nil {
		return nil, err
	}
	name := "dataset.prompt.corpus"
	if c.Corpus == CorpusCoding {
		name = "dataset.coding_content.corpus"
	}
	return &Blocks{
		prompt: g.(*Prompt), base: c.Seeds.Seed(name), separator: separator, size: blockSize, cache: map[blockKey][]int{},
	}, nil
}

// CheckBlocks says why ids of blocks do not make a prompt of so many tokens: the last
// block may be a part, and what goes beyond it is a tail without an id.
func CheckBlocks(length int, ids []int64, blockSize int) error {
	last := length - (len(ids)-1)*blockSize
	if length > 0 && (len(ids) == 0 || last > 0) {
		return nil
	}
	return fmt.Errorf("a length of %d tokens does not fit %d hash ids %v of %d tokens each: the last block would have %d", length, len(ids), ids, blockSize, last)
}

// Text makes a prompt of about length tokens out of blocks; the tail beyond them is drawn
// from rng. Blocks are shared token by token, so the length is not repaired.
func (b *Blocks) Text(rng *rand.Rand, trace string, length int, ids []int64) (string, error) {
	if err := CheckBlocks(length, ids, b.size); err != nil {
		return "", err
	}
	tokens := make([]int, 0, length)
	for _, id := range ids {
		block := b.block(trace, id)
		tokens = append(tokens, block[:min(len(block), length-len(tokens))]...)
	}
	if tail := length - len(tokens); tail > 0 {
		tokens = b.prompt.window(tokens, rng, tail)
	}
	return b.prompt.tokenizer.Decode(tokens), nil
}

// block is the tokens of an id.
func (b *Blocks) block(trace string, id int64) []int {
	key := blockKey{trace, id}
	b.mu.Lock()
	block, known := b.cache[key]
	b.mu.Unlock()
	if known {
		return block
	}
	block = make([]int, 0, b.size)
	if b.separator >= 0 {
		block = append(block, b.separator)
	}
	block = b.prompt.window(block, dataset.Random(BlockSeed(b.base, trace, id)), b.size-len(block))
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held+len(block) <= mostCached {
		b.cache[key] = block
		b.held += len(block)
	}
	return block
}
