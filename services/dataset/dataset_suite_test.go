package dataset

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestDatasetManager(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "services/dataset")
}
