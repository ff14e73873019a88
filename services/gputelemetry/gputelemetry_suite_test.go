package gputelemetry

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestGPUTelemetry(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "gputelemetry")
}
