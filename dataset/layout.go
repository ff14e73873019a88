package dataset

import (
	"encoding/binary"
	"math"
)

// Two files in the dataset's directory. dataset.dat holds bytes back to back:
// conversation ids, prepared request bodies, and JSON documents of conversations
// whose bodies cannot be prepared. index.dat is fixed-width, little-endian:
//
//	header        magic "AIPFIDX2", counts, size of the data file
//	conversations one row of convRow bytes each: id, turns, document
//	turns         one row of turnRow bytes each: body, output cap, delay, timestamp
//	slots         hash table from id to conversation number + 1 (0 = free), 4 bytes each
const (
	dataFile  = "dataset.dat"
	indexFile = "index.dat"

	magic     = "AIPFIDX2"
	headerLen = 64
	convRow   = 40
	turnRow   = 32
	slotLen   = 4
)

// Formats of a dataset.
const (
	FormatPayloadBytes = "payload_bytes" // every turn has its prepared body
	FormatConversation = "conversation"  // at least one conversation is a document
)

type header struct {
	conversations, turns, slots, dataBytes uint64
	payloads                               bool
}

func (h header) encode() []byte {
	b := make([]byte, 0, headerLen)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint64(b, h.conversations)
	b = binary.LittleEndian.AppendUint64(b, h.turns)
	b = binary.LittleEndian.AppendUint64(b, h.slots)
	b = binary.LittleEndian.AppendUint64(b, h.dataBytes)
	if h.payloads {
		b = append(b, 1)
	}
	return append(b, make([]byte, headerLen-len(b))...)
}

func decodeHeader(b []byte) header {
	u := binary.LittleEndian.Uint64
	return header{conversations: u(b[8:]), turns: u(b[16:]), slots: u(b[24:]), dataBytes: u(b[32:]), payloads: b[40] == 1}
}

// span is a place in the data file.
type span struct {
	off uint64
	len uint32
}

type conversation struct {
	id        span
	turns     uint32
	firstTurn uint64
	document  span // len 0: all turns are prepared
	flags     uint32
}

// flagIsolated marks conversations whose turns are complete by themselves.
const flagIsolated = 1

func (c conversation) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, c.id.off)
	b = binary.LittleEndian.AppendUint32(b, c.id.len)
	b = binary.LittleEndian.AppendUint32(b, c.turns)
	b = binary.LittleEndian.AppendUint64(b, c.firstTurn)
	b = binary.LittleEndian.AppendUint64(b, c.document.off)
	b = binary.LittleEndian.AppendUint32(b, c.document.len)
	return binary.LittleEndian.AppendUint32(b, c.flags)
}

func decodeConversation(b []byte) conversation {
	u64, u32 := binary.LittleEndian.Uint64, binary.LittleEndian.Uint32
	return conversation{
		id: span{u64(b), u32(b[8:])}, turns: u32(b[12:]), firstTurn: u64(b[16:]),
		document: span{u64(b[24:]), u32(b[32:])}, flags: u32(b[36:]),
	}
}

type turn struct {
	payload   span // len 0: not prepared
	maxTokens uint32
	delayUS   uint64
	timeNS    int64 // of the schedule; noTime
}

// noTime is the timestamp of a turn without one.
const noTime = math.MinInt64

func (t turn) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, t.payload.off)
	b = binary.LittleEndian.AppendUint32(b, t.payload.len)
	b = binary.LittleEndian.AppendUint32(b, t.maxTokens)
	b = binary.LittleEndian.AppendUint64(b, t.delayUS)
	return binary.LittleEndian.AppendUint64(b, uint64(t.timeNS))
}

func decodeTurn(b []byte) turn {
	u64, u32 := binary.LittleEndian.Uint64, binary.LittleEndian.Uint32
	return turn{payload: span{u64(b), u32(b[8:])}, maxTokens: u32(b[12:]), delayUS: u64(b[16:]), timeNS: int64(u64(b[24:]))}
}

// hashID is FNV-1a, 64 bits.
func hashID(id []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range id {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// slotCount is a power of two at least twice the number of conversations.
func slotCount(conversations int) uint64 {
	n := uint64(16)
	for n < 2*uint64(conversations) {
		n *= 2
	}
	return n
}
