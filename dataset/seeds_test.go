package dataset

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("Seeds", func() {
	It("derives the seeds that every implementation derives", func() {
		text, err := os.ReadFile("testdata/seeds.jsonl")
		Expect(err).NotTo(HaveOccurred())
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		Expect(len(lines)).To(BeNumerically(">", 5))
		for _, line := range lines {
			var v struct {
				Root       uint64
				Identifier string
				Seed       string
			}
			Expect(json.Unmarshal(line, &v)).To(Succeed())
			Expect(strconv.FormatUint(NewSeeds(v.Root).Seed(v.Identifier), 10)).To(Equal(v.Seed), "%d:%s", v.Root, v.Identifier)
		}
	})

	It("gives every purpose and every item its own stream, the same each time", func() {
		s := NewSeeds(7)
		first := func(name string, index int) uint64 { return s.Item(name, index).Uint64() }
		Expect(first("a", 1)).To(Equal(first("a", 1)))
		Expect(first("a", 1)).NotTo(Equal(first("a", 2)))
		Expect(first("a", 1)).NotTo(Equal(first("b", 1)))
		Expect(first("a", 1)).To(Equal(s.Stream("a:1").Uint64()))
		Expect(NewSeeds(8).Item("a", 1).Uint64()).NotTo(Equal(first("a", 1)))
	})
})
