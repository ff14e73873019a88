package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// stairs lists the rooms from the door inwards. A package may import only from lower
// stairs; rooms on one stair do not import one another. The first match wins, so a
// room inside another stands before it.
var stairs = [][]string{
	{"launcher"},
	{"experiments"},
	{"services/*"},
	{"bootstrap/preflight"},
	{"bootstrap"},
	{"mockserver", "plugins/*", "telemetry", "exporters"},
	{"config"},
	{"plugins", "dataset", "metrics"},
	{"messages/bus"},
	{"messages"},
	{"clock"},
}

// outside are packages with a rule of their own.
var outside = map[string]string{
	"test":                      "sees everything",
	"plugins/internal/generate": "a build tool of the plugins package",
}

// place finds a package's stair and the room it belongs to.
func place(pkg string) (stair int, room string) {
	for i, rooms := range stairs {
		for _, r := range rooms {
			if base, open := strings.CutSuffix(r, "/*"); open {
				if rest, inside := strings.CutPrefix(pkg, base+"/"); inside {
					name, _, _ := strings.Cut(rest, "/")
					return i, base + "/" + name
				}
			} else if pkg == r || strings.HasPrefix(pkg, r+"/") && r != "plugins" && r != "messages" && r != "bootstrap" {
				return i, r
			}
		}
	}
	return -1, ""
}

// allowed tells whether the package from may import the package to.
func allowed(from, to string) bool {
	if outside[from] != "" || strings.HasPrefix(from, "test/") || strings.HasPrefix(from, "examples/") {
		return true
	}
	a, roomA := place(from)
	b, roomB := place(to)
	return a >= 0 && b >= 0 && (b > a || roomA == roomB)
}

var _ = Describe("the import order", func() {
	It("goes down one staircase", func() {
		cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
		cmd.Dir = ".."
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		Expect(err).NotTo(HaveOccurred(), stderr.String())
		seen := 0
		for dec := json.NewDecoder(bytes.NewReader(out)); ; seen++ {
			var p struct {
				ImportPath                         string
				Imports, TestImports, XTestImports []string
			}
			if err := dec.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else {
				Expect(err).NotTo(HaveOccurred())
			}
			from := strings.TrimPrefix(p.ImportPath, "aiperf/")
			for _, to := range append(append(p.Imports, p.TestImports...), p.XTestImports...) {
				if to, ours := strings.CutPrefix(to, "aiperf/"); ours {
					Expect(allowed(from, to)).To(BeTrue(), "%s may not import %s", from, to)
				}
			}
			for _, to := range p.Imports {
				if strings.Contains(to, "pebbe/zmq4") && !strings.HasPrefix(from, "examples/") {
					Expect(from).To(Equal("messages/bus"), "only the bus knows the sockets")
				}
			}
		}
		Expect(seen).To(BeNumerically(">", 20))
	})

	DescribeTable("the rule", func(from, to string, want bool) {
		Expect(allowed(from, to)).To(Equal(want))
	},
		Entry("down is fine", "services/worker", "messages/bus", true),
		Entry("a room may use its own corners", "services/worker", "services/worker/session", true),
		Entry("up is not", "metrics", "config", false),
		Entry("nor is a neighbour", "services/worker", "services/timing", false),
		Entry("nor another category", "plugins/composers", "plugins/tokenizers", false),
		Entry("nor from one step's room to another", "exporters", "telemetry", false),
		Entry("the manifest lies below the configuration", "config", "plugins", true),
		Entry("a plugin may use the registry", "plugins/ui", "plugins", true),
		Entry("an unknown room has no place", "util", "clock", false),
	)
})
