package tokenizers

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestTokenizers(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "tokenizers")
}
