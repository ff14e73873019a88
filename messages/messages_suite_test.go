package messages

import (
	"flag"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var update = flag.Bool("update", false, "rewrite docs/protocol.md")

func TestMessages(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "messages")
}
