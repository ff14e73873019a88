package generators

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/dataset"
)

func images(c config.Images) *Images {
	GinkgoHelper()
	g, err := NewImages(c, dataset.NewSeeds(7), func(string, ...any) {})
	Expect(err).NotTo(HaveOccurred())
	return g
}

func decodeURL(url string) (image.Image, string) {
	GinkgoHelper()
	head, data, ok := strings.Cut(url, ";base64,")
	Expect(ok).To(BeTrue())
	raw, err := base64.StdEncoding.DecodeString(data)
	Expect(err).NotTo(HaveOccurred())
	m, format, err := image.Decode(bytes.NewReader(raw))
	Expect(err).NotTo(HaveOccurred())
	Expect(head).To(Equal("data:image/" + format))
	return m, format
}

func drawn(g *Images, n int) string {
	GinkgoHelper()
	url, err := g.Image(n)
	Expect(err).NotTo(HaveOccurred())
	return url
}

var _ = Describe("Images", func() {
	It("makes noise of the asked size and format, the same each time", func() {
		for _, format := range []string{config.FormatPNG, config.FormatJPEG} {
			g := images(config.Images{Width: dataset.Fixed(33), Height: dataset.Fixed(17), Format: format, Source: config.ImageNoise})
			m, got := decodeURL(drawn(g, 3))
			Expect(got).To(Equal(format))
			Expect(m.Bounds().Size()).To(Equal(image.Pt(33, 17)))
			Expect(drawn(g, 3)).To(Equal(drawn(g, 3)))
			Expect(drawn(g, 4)).NotTo(Equal(drawn(g, 3)))
		}
	})
	It("writes PNG without an alpha channel", func() {
		url := drawn(images(config.Images{Width: dataset.Fixed(8), Height: dataset.Fixed(8), Format: config.FormatPNG}), 0)
		raw, err := base64.StdEncoding.DecodeString(url[len("data:image/png;base64,"):])
		Expect(err).NotTo(HaveOccurred())
		Expect(raw[25]).To(Equal(byte(2)), "color type RGB")
	})
	It("draws sizes and formats", func() {
		g := images(config.Images{Width: dataset.Normal(40, 10), Height: dataset.Normal(40, 10), Format: config.FormatRand})
		sizes, formats := map[image.Point]bool{}, map[string]bool{}
		for n := range 40 {
			m, format := decodeURL(drawn(g, n))
			sizes[m.Bounds().Size()], formats[format] = true, true
		}
		Expect(len(sizes)).To(BeNumerically(">", 20))
		Expect(formats).To(HaveLen(2))
	})

	Context("from a directory", func() {
		var dir string
		BeforeEach(func() {
			dir = GinkgoT().TempDir()
			for i, name := range []string{"a.png", "b.jpg", "c.PNG"} {
				m := image.NewRGBA(image.Rect(0, 0, 20, 10))
				for p := range m.Pix {
					m.Pix[p] = byte(60 + 60*i)
					if p%4 == 3 {
						m.Pix[p] = 255
					}
				}
				f, err := os.Create(filepath.Join(dir, name))
				Expect(err).NotTo(HaveOccurred())
				if strings.HasSuffix(name, "jpg") {
					Expect(jpeg.Encode(f, m, nil)).To(Succeed())
				} else {
					Expect(png.Encode(f, m)).To(Succeed())
				}
				Expect(f.Close()).To(Succeed())
			}
			Expect(os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("no picture"), 0o600)).To(Succeed())
			Expect(os.WriteFile(filepath.Join(dir, "broken.png"), []byte("no picture"), 0o600)).To(Succeed())
		})
		grey := func(url string) int {
			m, _ := decodeURL(url)
			Expect(m.Bounds().Size()).To(Equal(image.Pt(7, 9)))
			return int(color.GrayModel.Convert(m.At(3, 4)).(color.Gray).Y+10) / 60 // 1, 2, 3
		}
		from := func(sampling string) *Images {
			return images(config.Images{Width: dataset.Fixed(7), Height: dataset.Fixed(9), Format: config.FormatPNG, Source: dir, SourceSampling: sampling})
		}
		It("scales pictures, in order", func() {
			g := from(config.SampleCycle)
			for n := range 7 {
				Expect(grey(drawn(g, n))).To(Equal(n%3 + 1))
			}
		})
		It("deals each picture once per round", func() {
			g, orders := from(config.SampleDeck), map[[3]int]bool{}
			for round := range 12 {
				order := [3]int{grey(drawn(g, 3*round)), grey(drawn(g, 3*round+1)), grey(drawn(g, 3*round+2))}
				Expect(order[:]).To(ConsistOf(1, 2, 3))
				orders[order] = true
			}
			Expect(len(orders)).To(BeNumerically(">", 1))
		})
		It("draws with replacement", func() {
			g, counts := from(config.SampleDraw), map[int]int{}
			for n := range 60 {
				counts[grey(drawn(g, n))]++
			}
			Expect(counts).To(HaveLen(3))
		})
		It("warns of pictures that cannot be read, and fails when none is left", func() {
			var warned []any
			c := config.Images{Width: dataset.Fixed(7), Height: dataset.Fixed(9), Source: dir}
			_, err := NewImages(c, dataset.NewSeeds(7), func(_ string, args ...any) { warned = append(warned, args[1]) })
			Expect(err).NotTo(HaveOccurred())
			Expect(warned).To(ConsistOf(HaveSuffix("broken.png")))
			for _, name := range []string{"a.png", "b.jpg", "c.PNG"} {
				Expect(os.Remove(filepath.Join(dir, name))).To(Succeed())
			}
			_, err = NewImages(c, dataset.NewSeeds(7), func(string, ...any) {})
			Expect(err).To(MatchError(ContainSubstring("none of its 1 pictures can be read")))
			Expect(os.Remove(filepath.Join(dir, "broken.png"))).To(Succeed())
			_, err = NewImages(c, dataset.NewSeeds(7), func(string, ...any) {})
			Expect(err).To(MatchError(And(ContainSubstring(dir), ContainSubstring("no picture"))))
		})
	})
})

var _ = DescribeTable("scaling keeps an even picture even", func(width, height int) {
	m := image.NewRGBA(image.Rect(0, 0, 13, 11))
	for i := range m.Pix {
		m.Pix[i] = []byte{200, 100, 50, 255}[i%4]
	}
	out := resize(m, width, height)
	Expect(out.Rect.Size()).To(Equal(image.Pt(width, height)))
	for i := range out.Pix {
		Expect(out.Pix[i]).To(Equal([]byte{200, 100, 50, 255}[i%4]))
	}
}, Entry("larger", 40, 50), Entry("smaller", 3, 2), Entry("one pixel", 1, 1), Entry("mixed", 50, 2), Entry("the same", 13, 11))

var _ = Describe("Sounds", func() {
	sound := func(c config.Audio, n int) (raw []byte, seconds float64) {
		GinkgoHelper()
		content, seconds := NewSounds(c, dataset.NewSeeds(7)).Sound(n)
		data, isWAV := strings.CutPrefix(content, "wav,")
		Expect(isWAV).To(BeTrue())
		raw, err := base64.StdEncoding.DecodeString(data)
		Expect(err).NotTo(HaveOccurred())
		return raw, seconds
	}
	DescribeTable("makes noise of any depth at full scale", func(depth, channels int) {
		raw, seconds := sound(config.Audio{LengthSec: dataset.Fixed(0.25), Depths: []int{depth}, SampleRatesKHz: []float64{16}, Channels: channels}, 0)
		Expect(seconds).To(Equal(0.25))
		Expect(string(raw[:4]) + string(raw[8:16]) + string(raw[36:40])).To(Equal("RIFFWAVEfmt data"))
		u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
		Expect(u32(raw[4:])).To(Equal(uint32(len(raw) - 8)))
		Expect([]int{int(u16(raw[22:])), int(u32(raw[24:])), int(u32(raw[28:])), int(u16(raw[32:])), int(u16(raw[34:]))}).To(
			Equal([]int{channels, 16000, 16000 * channels * depth / 8, channels * depth / 8, depth}))
		Expect(int(u32(raw[40:]))).To(Equal(4000 * channels * depth / 8))
		power, samples := 0.0, raw[44:]
		for i := 0; i+depth/8 <= len(samples); i += depth / 8 {
			v := 0
			switch s := samples[i:]; depth {
			case 8:
				v = int(s[0]) - 128
			case 16:
				v = int(int16(u16(s)))
			case 24:
				v = int(int32(uint32(s[0])<<8|uint32(s[1])<<16|uint32(s[2])<<24) >> 8)
			case 32:
				v = int(int32(u32(s)))
			}
			x := float64(v) / float64(int(1)<<(depth-1))
			power += x * x / float64(4000*channels)
		}
		Expect(power).To(BeNumerically("~", 0.09, 0.01), "a deviation of 0.3")
	}, Entry(nil, 8, 1), Entry(nil, 16, 1), Entry(nil, 16, 2), Entry(nil, 24, 1), Entry(nil, 32, 2))

	It("draws length, depth and rate, the same each time", func() {
		c := config.Audio{LengthSec: dataset.Normal(0.1, 0.05), Depths: []int{8, 16}, SampleRatesKHz: []float64{8, 16}, Channels: 1}
		kinds := map[[2]int]bool{}
		for n := range 30 {
			raw, seconds := sound(c, n)
			again, _ := sound(c, n)
			Expect(again).To(Equal(raw))
			Expect(seconds).To(BeNumerically("~", 0.1, 0.3))
			kinds[[2]int{int(raw[34]), int(binary.LittleEndian.Uint32(raw[24:]))}] = true
		}
		Expect(kinds).To(HaveLen(4))
	})
})

func BenchmarkImage(b *testing.B) {
	g, err := NewImages(config.Images{Width: dataset.Fixed(512), Height: dataset.Fixed(512), Format: config.FormatJPEG}, dataset.NewSeeds(7), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Image(1); err != nil {
			b.Fatal(err)
		}
	}
}
