package transports

import (
	"bytes"
	"fmt"
	"io"
)

// Bounds of the framing of a chunked body.
const (
	maxChunkLine    = 16 << 10 // size and extensions
	maxTrailerBytes = 64 << 10
	maxChunkDigits  = 15 // of the size, in hexadecimal
)

// bodyReader takes a body out of its framing, wherever the reads cut it.
//
//	fixed        so many bytes
//	chunked      size [;extension] CRLF, data CRLF, ...; 0 CRLF, trailers, CRLF
//	until close  all that comes
//
// A line of the framing may end at LF alone. Extensions and trailers are passed over.
type bodyReader struct {
	state bodyState
	left  int64 // of the body, or of the chunk
	digit int   // of the size, so far
	line  int   // bytes of a line that is passed over, or of all trailers
	blank bool  // nothing but CR on the trailer line so far
}

type bodyState uint8

const (
	bodyDone bodyState = iota
	bodyFixed
	bodyUntilClose
	chunkSize
	chunkExtension
	chunkData
	chunkDataCR // the line end behind the data
	chunkDataLF
	chunkTrailer
)

// begin readies the reader for the body that a head announces.
func (b *bodyReader) begin(h *head) {
	*b = bodyReader{}
	switch {
	case h.chunked:
		b.state = chunkSize
	case h.length > 0:
		b.state, b.left = bodyFixed, h.length
	case h.length < 0:
		b.state = bodyUntilClose
	}
}

// done tells that the body is complete.
func (b *bodyReader) done() bool { return b.state == bodyDone }

// piece takes the next piece of the body from p; rest is what follows it. The piece is
// empty when p holds no more of the body.
//
// hot: once or twice per chunk. Budget: no allocation. BenchmarkChunks.
func (b *bodyReader) piece(p []byte) (piece, rest []byte, err error) {
	for len(p) > 0 {
		switch b.state {
		case bodyDone:
			return nil, p, nil
		case bodyUntilClose:
			return p, nil, nil
		case bodyFixed:
			n := int(min(b.left, int64(len(p))))
			if b.left -= int64(n); b.left == 0 {
				b.state = bodyDone
			}
			return p[:n], p[n:], nil
		case chunkData:
			n := int(min(b.left, int64(len(p))))
			if b.left -= int64(n); b.left == 0 {
				b.state = chunkDataCR
			}
			return p[:n], p[n:], nil
		default:
			if p, err = b.framing(p); err != nil {
				return nil, nil, err
			}
		}
	}
	return nil, nil, nil
}

// framing takes bytes that are no data.
func (b *bodyReader) framing(p []byte) (rest []byte, err error) {
	switch b.state {
	case chunkSize:
		return b.size(p)
	case chunkExtension:
		lf := bytes.IndexByte(p, '\n')
		if lf < 0 {
			lf = len(p) - 1
		} else {
			b.begun()
		}
		if b.line += lf + 1; b.line > maxChunkLine {
			return nil, malformed("a chunk's first line is longer than 16 KiB")
		}
		return p[lf+1:], nil
	case chunkDataCR:
		b.state = chunkDataLF
		if p[0] == '\r' {
			return p[1:], nil
		}
		return p, nil
	case chunkDataLF:
		if p[0] != '\n' {
			return nil, malformed("a chunk is longer than its length says")
		}
		b.state, b.left, b.digit, b.line = chunkSize, 0, 0, 0
		return p[1:], nil
	}
	return b.trailer(p)
}

// size reads the digits of a chunk's size.
func (b *bodyReader) size(p []byte) (rest []byte, err error) {
	for i, c := range p {
		v := hexadecimal(c)
		if v >= 0 {
			if b.digit++; b.digit > maxChunkDigits {
				return nil, malformed("a chunk length has too many digits")
			}
			b.left = b.left<<4 | int64(v)
			continue
		}
		if b.digit == 0 || c != '\r' && c != '\n' && c != ';' && !isBlank(c) {
			return nil, malformed(fmt.Sprintf("bad chunk length: unexpected %q", c))
		}
		b.state, b.line = chunkExtension, 0
		if c == '\n' {
			b.begun()
		}
		return p[i+1:], nil
	}
	return nil, nil
}

// begun goes on after a chunk's first line.
func (b *bodyReader) begun() {
	b.state, b.line = chunkData, 0
	if b.left == 0 { // the last one
		b.state, b.blank = chunkTrailer, true
	}
}

func hexadecimal(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// trailer passes over trailers; an empty line ends the body.
func (b *bodyReader) trailer(p []byte) (rest []byte, err error) {
	for i, c := range p {
		if b.line++; b.line > maxTrailerBytes {
			return nil, malformed("the trailers are longer than 64 KiB")
		}
		switch {
		case c == '\n' && b.blank:
			b.state = bodyDone
			return p[i+1:], nil
		case c == '\n':
			b.blank = true
		case c != '\r':
			b.blank = false
		}
	}
	return nil, nil
}

// ended is told that the connection has ended: the body is complete, or cut short.
func (b *bodyReader) ended() error {
	if b.state == bodyUntilClose {
		b.state = bodyDone
	}
	if b.state != bodyDone {
		return io.ErrUnexpectedEOF
	}
	return nil
}
