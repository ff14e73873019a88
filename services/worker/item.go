package worker

import (
	"encoding/hex"
	"math/rand/v2"

	"aiperf/messages"
	"aiperf/plugins/transports"
)

// item is one request with its memory, from the credit to the batch that carries its
// record away; then it is used again.
type item struct {
	record   messages.RequestRecord
	exchange transports.Exchange
	request  transports.Request
	body     []byte // built here; empty when the dataset holds the body
	size     int    // bytes of the record that count, about
}

// reset empties the item and keeps its memory.
func (it *item) reset() {
	it.exchange.Reset()
	body := it.body[:0]
	if cap(body) > maxKeptBody {
		body = nil
	}
	it.record, it.request, it.body, it.size = messages.RequestRecord{}, transports.Request{}, body, 0
}

// maxKeptBody is the largest built body whose memory is kept for the next request.
const maxKeptBody = 64 << 10

// measure notes how much room the record will take.
func (it *item) measure() {
	const fixed = 1 << 10
	it.size = fixed + len(it.record.PayloadBytes)
	for i := range it.record.Responses {
		it.size += len(it.record.Responses[i].Bytes) + 32
	}
}

// newRequestID makes a random UUID (version 4). It needs to be unique, not secret.
func newRequestID() string {
	var b [16]byte
	hi, lo := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		b[i], b[8+i] = byte(hi>>(8*i)), byte(lo>>(8*i))
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], b[0:4])
	hex.Encode(text[9:13], b[4:6])
	hex.Encode(text[14:18], b[6:8])
	hex.Encode(text[19:23], b[8:10])
	hex.Encode(text[24:36], b[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
