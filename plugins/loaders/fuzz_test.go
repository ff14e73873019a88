package loaders

import (
	"os"
	"path/filepath"
	"testing"

	"aiperf/plugins"
)

// FuzzLoad feeds any bytes to every type of file: an error or conversations, never a panic.
func FuzzLoad(f *testing.F) {
	types := Types()
	for _, dir := range []string{"valid", "malformed"} {
		names, _ := filepath.Glob(filepath.Join("testdata", dir, "*.*"))
		for _, name := range names {
			if b, err := os.ReadFile(name); err == nil {
				for i := range types {
					f.Add(b, uint8(i))
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, content []byte, which uint8) {
		path := filepath.Join(t.TempDir(), "x.jsonl")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		named := ""
		if i := int(which) % (len(types) + 1); i < len(types) {
			named = types[i]
		}
		set, src, err := Load(plugins.Builtin(), path, named, settings())
		if err != nil {
			return
		}
		defer src.Close()
		for i := range min(set.Len(), 20) {
			c, err := set.Compose(i)
			if err == nil && len(c.Turns) != set.Turns(i) {
				t.Fatalf("%q: conversation %d has %d turns, %d were announced", content, i, len(c.Turns), set.Turns(i))
			}
		}
	})
}
