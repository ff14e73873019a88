package tokenizers

import (
	"errors"
	"fmt"
	"math/bits"
)

// vocabulary maps the bytes of a token to its id and back. An id is also the
// token's rank: of two possible merges the one with the smaller id comes first.
//
// It is made for a short start: two flat arrays and one hash table with linear
// probing, filled once, instead of two hundred thousand map entries and strings.
// After it is filled it is read-only.
type vocabulary struct {
	blob    []byte   // bytes of all tokens, in file order
	offsets []uint32 // by id: where its bytes begin in blob
	lengths []uint8  // by id; 0 = no such token
	slots   []uint32 // low idBits: id + 1 (0 = free); high bits: tag of the hash
	longest int      // bytes of the longest token
}

const (
	idBits  = 18
	idMask  = 1<<idBits - 1
	mostIDs = idMask - 1
)

var errVocabulary = errors.New("damaged vocabulary")

// newVocabulary makes room for n tokens of about total bytes.
func newVocabulary(n, total int) *vocabulary {
	return &vocabulary{
		blob: make([]byte, 0, total), offsets: make([]uint32, n), lengths: make([]uint8, n),
		slots: make([]uint32, 1<<bits.Len(uint(2*n))),
	}
}

// add enters the token whose bytes were appended to blob from start on.
func (v *vocabulary) add(id int, start int) error {
	token := v.blob[start:]
	if id < 0 || id > mostIDs || len(token) == 0 || len(token) > 255 {
		return fmt.Errorf("%w: token %d has %d bytes", errVocabulary, id, len(token))
	}
	for id >= len(v.offsets) {
		v.offsets, v.lengths = append(v.offsets, 0), append(v.lengths, 0)
	}
	if v.lengths[id] != 0 {
		return fmt.Errorf("%w: id %d comes twice", errVocabulary, id)
	}
	h := hash(token)
	tag := h >> (64 - (32 - idBits)) << idBits
	mask := uint64(len(v.slots) - 1)
	at := h & mask
	for v.slots[at] != 0 {
		at = (at + 1) & mask
	}
	v.slots[at] = uint32(tag) | uint32(id+1)
	v.offsets[id], v.lengths[id] = uint32(start), uint8(len(token))
	v.longest = max(v.longest, len(token))
	return nil
}

// find returns the id of a token, −1 when the bytes are none.
//
// hot: once per piece of text and per possible merge. Budget: no allocation.
func (v *vocabulary) find(token []byte) int {
	if len(token) > v.longest || len(token) == 0 {
		return -1
	}
	h := hash(token)
	tag := uint32(h >> (64 - (32 - idBits)) << idBits)
	mask := uint64(len(v.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		slot := v.slots[at]
		if slot == 0 {
			return -1
		}
		if slot&^idMask == tag {
			if id := int(slot&idMask) - 1; string(v.bytes(id)) == string(token) {
				return id
			}
		}
	}
}

// bytes is the text of a token; nil for an id that is none.
func (v *vocabulary) bytes(id int) []byte {
	if id < 0 || id >= len(v.lengths) {
		return nil
	}
	from := v.offsets[id]
	return v.blob[from : from+uint32(v.lengths[id])]
}

// hash mixes eight bytes at a time by multiplication; its quality matters for
// the length of probe chains only.
func hash(b []byte) uint64 {
	const k0, k1 = 0x9e3779b97f4a7c15, 0xe7037ed1a0b428db
	h := uint64(len(b)) * k1
	for ; len(b) >= 8; b = b[8:] {
		h = mix(h^le64(b), k0)
	}
	var tail uint64
	for i := len(b) - 1; i >= 0; i-- {
		tail = tail<<8 | uint64(b[i])
	}
	return mix(h^tail, k1)
}

func le64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
