package urlselection

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestURLSelection(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "URL selection")
}
