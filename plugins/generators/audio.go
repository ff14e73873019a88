package generators

import (
	"encoding/base64"
	"encoding/binary"
	"math"

	"aiperf/config"
	"aiperf/dataset"
)

// Sounds makes noise of drawn length as WAV. Sound n is the same each time.
type Sounds struct {
	c     config.Audio
	seeds dataset.Seeds
}

// NewSounds makes it.
func NewSounds(c config.Audio, seeds dataset.Seeds) *Sounds { return &Sounds{c, seeds} }

// Sound is the number-th sound of the dataset: `wav,<base64>`, and its length.
func (g *Sounds) Sound(number int) (content string, seconds float64) {
	format := g.seeds.Item("dataset.audio.format", number)
	depth := g.c.Depths[format.IntN(len(g.c.Depths))]
	rate := int(math.Round(1000 * g.c.SampleRatesKHz[format.IntN(len(g.c.SampleRatesKHz))]))
	seconds = g.c.LengthSec.Sample(g.seeds.Item("dataset.audio.duration", number))
	frames := min(int(seconds*float64(rate)), mostFrames(depth, g.c.Channels))
	b := wavHead(frames, depth, rate, g.c.Channels)
	rng := g.seeds.Item("dataset.audio.data", number)
	full := math.Exp2(float64(depth-1)) - 1
	for range frames * g.c.Channels {
		v := int64(math.Round(min(max(0.3*rng.NormFloat64(), -1), 1) * full))
		switch depth {
		case 8: // the one depth without a sign
			b = append(b, byte(v+128))
		case 16:
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		case 24:
			b = append(b, byte(v), byte(v>>8), byte(v>>16))
		default:
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
	}
	if len(b)%2 == 1 {
		b = append(b, 0) // chunks are padded to even length
	}
	const head = "wav,"
	out := make([]byte, len(head), len(head)+base64.StdEncoding.EncodedLen(len(b)))
	copy(out, head)
	return string(base64.StdEncoding.AppendEncode(out, b)), float64(frames) / float64(rate)
}

// mostFrames keeps a file's size within what its head can say.
func mostFrames(depth, channels int) int { return (1<<31 - 64) / (channels * depth / 8) }

const wavHeadBytes = 44

// wavHead is everything before the samples of a PCM file.
func wavHead(frames, depth, rate, channels int) []byte {
	data := frames * channels * depth / 8
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	b := make([]byte, 0, wavHeadBytes+data+1)
	b = u32(append(b, "RIFF"...), uint32(wavHeadBytes-8+data+data%2))
	b = u32(append(b, "WAVEfmt "...), 16)
	b = u16(u16(b, 1), uint16(channels)) // PCM
	b = u32(u32(b, uint32(rate)), uint32(rate*channels*depth/8))
	b = u16(u16(b, uint16(channels*depth/8)), uint16(depth))
	return u32(append(b, "data"...), uint32(data))
}
