package generators

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"

	"aiperf/config"
	"aiperf/dataset"
)

// Images makes pictures of drawn size. Picture n is the same each time and for any number
// of goroutines; every property has a random stream of its own.
type Images struct {
	c       config.Images
	seeds   dataset.Seeds
	gallery *gallery // nil: noise
}

// mostSidePixels bounds a drawn side: the largest that both formats can encode.
const mostSidePixels = 1<<16 - 1

// NewImages makes it. With a directory as the source, pictures that cannot be read are
// left out, and told of by warn.
func NewImages(c config.Images, seeds dataset.Seeds, warn func(msg string, args ...any)) (*Images, error) {
	g := &Images{c: c, seeds: seeds}
	if c.Source == config.ImageNoise || c.Source == "" {
		return g, nil
	}
	var err error
	g.gallery, err = openGallery(c.Source, c.SourceSampling, seeds, warn)
	return g, err
}

// Image is the number-th picture of the dataset as a data URL.
func (g *Images) Image(number int) (string, error) {
	size := g.seeds.Item("dataset.image.dimensions", number)
	width, height := min(g.c.Width.Int(size), mostSidePixels), min(g.c.Height.Int(size), mostSidePixels)
	format := g.c.Format
	if format == config.FormatRand {
		format = config.FormatPNG
		if g.seeds.Item("dataset.image.format", number).IntN(2) == 1 {
			format = config.FormatJPEG
		}
	}
	var picture image.Image
	if g.gallery == nil {
		picture = noise(g.seeds.Item("dataset.image.noise", number), width, height)
	} else {
		source, err := g.gallery.picture(number)
		if err != nil {
			return "", err
		}
		picture = resize(source, width, height)
	}
	return encodeImage(picture, format)
}

// noise is uniform random color.
func noise(rng *rand.Rand, width, height int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := 0; i < len(m.Pix); i += 8 {
		x := rng.Uint64()
		if i+8 <= len(m.Pix) {
			binary.LittleEndian.PutUint64(m.Pix[i:], x|0xff000000_ff000000)
		} else {
			binary.LittleEndian.PutUint32(m.Pix[i:], uint32(x)|0xff000000)
		}
	}
	return m
}

func encodeImage(m image.Image, format string) (string, error) {
	var b bytes.Buffer
	var err error
	if format == config.FormatPNG {
		err = png.Encode(&b, m) // opaque pictures are written as RGB
	} else {
		format, err = config.FormatJPEG, jpeg.Encode(&b, m, &jpeg.Options{Quality: 85})
	}
	if err != nil {
		return "", fmt.Errorf("encode picture: %w", err)
	}
	head := "data:image/" + format + ";base64,"
	out := make([]byte, len(head), len(head)+base64.StdEncoding.EncodedLen(b.Len()))
	copy(out, head)
	return string(base64.StdEncoding.AppendEncode(out, b.Bytes())), nil
}

// resize scales to an exact size: by bicubic interpolation, and, where it shrinks, by the
// mean of what falls into a pixel.
func resize(m *image.RGBA, width, height int) *image.RGBA {
	if m.Rect.Dx() == width && m.Rect.Dy() == height {
		return m
	}
	columns := weightsOf(m.Rect.Dx(), width)
	wide := image.NewRGBA(image.Rect(0, 0, width, m.Rect.Dy()))
	for y := range m.Rect.Dy() {
		for x := range width {
			mix(wide.Pix[wide.PixOffset(x, y):], m.Pix[m.PixOffset(0, y):], 4, &columns[x])
		}
	}
	rows := weightsOf(m.Rect.Dy(), height)
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			mix(out.Pix[out.PixOffset(x, y):], wide.Pix[4*x:], wide.Stride, &rows[y])
		}
	}
	return out
}

// taps are the pixels along one axis that make one new pixel.
type taps struct {
	first   int
	weights []float32
}

func mix(dst, src []byte, step int, t *taps) {
	var sum [4]float32
	for i, w := range t.weights {
		p := src[(t.first+i)*step:]
		for c := range sum {
			sum[c] += w * float32(p[c])
		}
	}
	for c, v := range sum {
		dst[c] = byte(min(max(v+0.5, 0), 255))
	}
}

// weightsOf gives the taps for each pixel of an axis that becomes n long.
func weightsOf(from, n int) []taps {
	scale := float64(from) / float64(n)
	stretch := max(scale, 1) // the kernel widens when the picture shrinks
	out := make([]taps, n)
	for i := range out {
		center := (float64(i)+0.5)*scale - 0.5
		first := max(0, int(math.Ceil(center-2*stretch)))
		last := min(from-1, int(math.Floor(center+2*stretch)))
		t := taps{first: first, weights: make([]float32, last-first+1)}
		sum := 0.0
		for k := range t.weights {
			w := cubic((float64(first+k) - center) / stretch)
			t.weights[k] = float32(w)
			sum += w
		}
		for k := range t.weights {
			t.weights[k] /= float32(sum)
		}
		out[i] = t
	}
	return out
}

// cubic is the Catmull-Rom kernel.
func cubic(x float64) float64 {
	switch x = math.Abs(x); {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((-0.5*x+2.5)*x-4)*x + 2
	}
	return 0
}
