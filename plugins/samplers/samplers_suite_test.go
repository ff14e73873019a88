package samplers

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestSamplers(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Samplers")
}
