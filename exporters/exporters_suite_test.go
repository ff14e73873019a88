package exporters

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// The words of the specs by name: importing all of ginkgo's would clash with Report.
var (
	Describe      = ginkgo.Describe
	DescribeTable = ginkgo.DescribeTable
	It            = ginkgo.It
	Entry         = ginkgo.Entry
	BeforeEach    = ginkgo.BeforeEach
	Fail          = ginkgo.Fail
	Skip          = ginkgo.Skip
	GinkgoHelper  = ginkgo.GinkgoHelper
	GinkgoT       = ginkgo.GinkgoT
	RunSpecs      = ginkgo.RunSpecs
)

func TestExporters(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Exporters Suite")
}

var update = flag.Bool("update", false, "rewrite the golden files")

// expectGolden compares with testdata/<name>, or rewrites it.
func expectGolden(name string, got []byte) {
	GinkgoHelper()
	path := filepath.Join("testdata", name)
	if *update {
		Expect(os.MkdirAll(filepath.Dir(path), dirMode)).To(Succeed())
		Expect(os.WriteFile(path, got, fileMode)).To(Succeed())
	}
	want, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	if !bytes.Equal(got, want) {
		Expect(string(got)).To(Equal(string(want)))
	}
}

// fixture reads a file of a real run of AIPerf (Python) 0.13.0.
func fixture(name string) []byte {
	GinkgoHelper()
	b, err := os.ReadFile(filepath.Join("testdata", "fixtures", name))
	Expect(err).NotTo(HaveOccurred())
	return b
}
