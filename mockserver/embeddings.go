package mockserver

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"math"
	"net/http"
	"strconv"
)

// dimensions of every vector.
const dimensions = 768

// components are what vectors are made of: numbers in (−1, 1) with their text.
var components = func() (c [1024]struct {
	value float32
	text  string
}) {
	for i := range c {
		v := float32(chance{}.unit(0, uint64(i)))*2 - 1
		c[i].text = strconv.FormatFloat(float64(v), 'g', 6, 32)
		exact, _ := strconv.ParseFloat(c[i].text, 32) // the text is the number
		c[i].value = float32(exact)
	}
	return c
}()

// embed answers with vectors that depend on the input alone.
//
//	latency = base + per_input·inputs        [ms]
func (s *Server) embed(c *call) {
	if c.req.inputs == 0 {
		c.refuse(http.StatusBadRequest, "input must be a text, a list of texts, or token ids")
		return
	}
	t := s.timing.Load()
	due := c.arrival.Add(milliseconds(t.embeddingBaseMS + t.embeddingPer*float64(c.req.inputs)))
	if !s.wait(c, due) {
		return
	}
	seed := uint64(crc32.ChecksumIEEE(c.body))
	b := append([]byte(nil), `{"object":"list","data":[`...)
	for i := range c.req.inputs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"embedding":`...)
		if c.req.base64 {
			b = appendVectorBase64(b, mix(seed+uint64(i)))
		} else {
			b = appendVector(b, mix(seed+uint64(i)))
		}
		b = append(b, '}')
	}
	b = append(b, `],"model":`...)
	b = appendQuoted(b, c.req.model)
	b = append(b, `,"usage":{"prompt_tokens":`...)
	b = strconv.AppendInt(b, int64(c.promptTokens), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, int64(c.promptTokens), 10)
	b = append(b, "}}"...)
	c.whole(b, 0)
}

// component is the i-th of a vector.
func component(seed uint64, i int) int {
	return int(mix(seed+uint64(i)) % uint64(len(components)))
}

func appendVector(b []byte, seed uint64) []byte {
	b = append(b, '[')
	for i := range dimensions {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, components[component(seed, i)].text...)
	}
	return append(b, ']')
}

// appendVectorBase64 writes little-endian float32s.
func appendVectorBase64(b []byte, seed uint64) []byte {
	var raw [4 * dimensions]byte
	for i := range dimensions {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(components[component(seed, i)].value))
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, raw[:])
	return append(b, '"')
}
