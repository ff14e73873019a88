package plugins

import (
	"testing"

	"github.com/onsi/ginkgo/v2" // not dot-imported: this package has an Entry of its own
	. "github.com/onsi/gomega"
)

func TestPlugins(t *testing.T) {
	RegisterFailHandler(ginkgo.Fail)
	ginkgo.RunSpecs(t, "plugins")
}
