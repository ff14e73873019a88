package recordprocessor

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestRecordProcessor(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "services/recordprocessor")
}
