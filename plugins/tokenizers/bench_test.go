package tokenizers

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// BenchmarkOpenCompiled is what each process of a run does.
func BenchmarkOpenCompiled(b *testing.B) {
	for _, name := range bigNames {
		b.Run(name, func(b *testing.B) {
			dir := filepath.Join(bigTokenizers(), name)
			if _, err := os.Stat(dir); err != nil {
				b.Skip(err)
			}
			compiled, err := Prepare(dir, b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := openCompiled(compiled, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncode encodes and counts texts of one kind; MB/s are those of the text.
func BenchmarkEncode(b *testing.B) {
	RegisterTestingT(b) // for the texts, which come from the specs' own files
	for _, name := range bigNames {
		t, err := Open(filepath.Join(bigTokenizers(), name))
		if err != nil {
			b.Skip(err)
		}
		all := benchTexts()
		for _, kind := range slices.Sorted(maps.Keys(all)) {
			list := all[kind]
			text := strings.Join(list, "\n")
			b.Run(name+"/"+kind, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				var ids []uint32
				for b.Loop() {
					ids = t.EncodeAppend(ids[:0], text)
				}
			})
		}
	}
}
