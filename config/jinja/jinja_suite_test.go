package jinja

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestJinja(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Jinja Suite")
}
