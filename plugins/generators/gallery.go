package generators

import (
	"errors"
	"fmt"
	"image"
	"image/draw"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"aiperf/config"
	"aiperf/dataset"
)

// gallery is a directory of pictures.
type gallery struct {
	files    []string
	sampling string
	seeds    dataset.Seeds

	mu     sync.Mutex
	cycles map[int][]int // permutations of the last cycles
}

// openGallery lists the pictures of a directory by name, and looks at each one's head.
func openGallery(dir, sampling string, seeds dataset.Seeds, warn func(string, ...any)) (*gallery, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("image source: %w", err)
	}
	g := &gallery{sampling: sampling, seeds: seeds, cycles: map[int][]int{}}
	seen := 0
	for _, e := range entries { // sorted by name
		if suffix := strings.ToLower(filepath.Ext(e.Name())); !slices.Contains([]string{".png", ".jpg", ".jpeg"}, suffix) {
			continue
		}
		seen++
		path := filepath.Join(dir, e.Name())
		if err := look(path); err != nil {
			warn("picture is left out", "file", path, "err", err)
			continue
		}
		g.files = append(g.files, path)
	}
	switch {
	case seen == 0:
		return nil, fmt.Errorf("image source %s: there is no picture (.png, .jpg, .jpeg)", dir)
	case len(g.files) == 0:
		return nil, fmt.Errorf("image source %s: none of its %d pictures can be read", dir, seen)
	}
	return g, nil
}

// mostSourcePixels bounds the memory of one decoded picture.
const mostSourcePixels = 1 << 27

// look reads a picture's head.
func look(path string) error {
	f, err := openRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c, _, err := image.DecodeConfig(f)
	if err == nil && (c.Width < 1 || c.Height < 1 || c.Width > mostSourcePixels/c.Height) {
		err = fmt.Errorf("a picture of %d x %d pixels is too large", c.Width, c.Height)
	}
	return err
}

func openRegular(path string) (*os.File, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Mode()&fs.ModeType != 0 {
		return nil, errors.New("it is no regular file")
	}
	return os.Open(path)
}

// picture decodes the one for the number-th picture of the dataset.
func (g *gallery) picture(number int) (*image.RGBA, error) {
	path := g.files[g.choose(number)]
	f, err := openRegular(path)
	if err != nil {
		return nil, fmt.Errorf("image source: %w", err)
	}
	defer f.Close()
	m, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("image source %s: %w", path, err)
	}
	opaque := image.NewRGBA(image.Rect(0, 0, m.Bounds().Dx(), m.Bounds().Dy()))
	draw.Draw(opaque, opaque.Rect, image.Black, image.Point{}, draw.Src)
	draw.Draw(opaque, opaque.Rect, m, m.Bounds().Min, draw.Over)
	return opaque, nil
}

func (g *gallery) choose(number int) int {
	n := len(g.files)
	switch g.sampling {
	case config.SampleCycle:
		return number % n
	case config.SampleDeck:
		return g.cycle(number / n)[number%n]
	}
	return g.seeds.Item("dataset.image.source", number).IntN(n)
}

// cycle is the order of the pictures in the k-th round through them.
func (g *gallery) cycle(k int) []int {
	g.mu.Lock()
	defer g.mu.Unlock()
	order, known := g.cycles[k]
	if !known {
		order = g.seeds.Item("dataset.image.source", k).Perm(len(g.files))
		if len(g.cycles) > 64 { // conversations under way are near to one another
			clear(g.cycles)
		}
		g.cycles[k] = order
	}
	return order
}
