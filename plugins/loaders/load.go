package loaders

import (
	"cmp"
	"fmt"
	"slices"

	"aiperf/dataset"
	"aiperf/plugins"
)

// Category is the plugins' category.
const Category = "custom_dataset_loader"

// Load opens the dataset of a run: of the type that was named, else of the one it looks like.
// Whoever is done with the set closes the source.
func Load(registry *plugins.Registry, path, named string, c Config) (Set, *Source, error) {
	src, err := Open(path)
	if err != nil {
		return nil, nil, err
	}
	set, err := load(registry, src, named, c)
	if err != nil {
		src.Close()
		return nil, nil, err
	}
	return set, src, nil
}

func load(registry *plugins.Registry, src *Source, named string, c Config) (Set, error) {
	name := named
	if name == "" {
		var err error
		if name, err = Detect(src); err != nil {
			return nil, err
		}
	}
	if !registry.Has(Category, name) {
		return nil, fmt.Errorf("%s: datasets of type %s are not supported in this version", src.Path, name)
	}
	construct, err := plugins.Constructor[Constructor](registry, Category, name)
	if err != nil {
		return nil, err
	}
	if src.Folder && !slices.Contains([]string{"random_pool", "raw_payload", "sagemaker_data_capture"}, name) {
		return nil, fmt.Errorf("%s: a dataset of type %s is one file, not a folder", src.Path, name)
	}
	about, err := plugins.Metadata[plugins.DatasetLoaderMetadata](registry, Category, name)
	if err != nil {
		return nil, err
	}
	if c.BlockSize == 0 {
		c.BlockSize = cmp.Or(about.DefaultBlockSize, 512)
	}
	if name != "random_pool" && !slices.ContainsFunc(src.files, func(f *file) bool { return len(f.data) > 0 }) {
		return nil, empty(src, 0)
	}
	set, err := construct(src, c)
	if err != nil {
		return nil, err
	}
	return described{set, about.IsTrace, c.BlockSize}, nil
}

// described is a set with what the manifest says of its type.
type described struct {
	Set
	trace     bool
	blockSize int
}

// Outline implements Outliner.
func (d described) Outline(i int, o *dataset.Outline) bool {
	outliner, ok := d.Set.(Outliner)
	return ok && outliner.Outline(i, o)
}

func (d described) Facts() Facts {
	f := d.Set.Facts()
	f.Trace, f.BlockSize = d.trace, d.blockSize
	return f
}
