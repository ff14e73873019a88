package preflight

import (
	"aiperf/config"
	"aiperf/dataset"
	"aiperf/plugins/generators"
)

// pictures looks into the directory that pictures come from: with none that can be read,
// the dataset could not be built.
func pictures(run *config.Run) *config.Problem {
	images := run.Benchmark.Dataset.Images
	if !images.Enabled() {
		return nil
	}
	if _, err := generators.NewImages(images, dataset.NewSeeds(0), func(string, ...any) {}); err != nil {
		return &config.Problem{Where: "--image-source", Reason: err.Error(), Hint: "name a directory of PNG or JPEG pictures, or leave it out"}
	}
	return nil
}
