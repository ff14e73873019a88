package composers

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestComposers(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "composers")
}
