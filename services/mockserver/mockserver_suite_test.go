package mockserver

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestMockServerService(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "services/mockserver")
}
