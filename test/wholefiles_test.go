package test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas are the published layouts, by the name of the file that they describe.
func schemas() map[string]*jsonschema.Schema {
	GinkgoHelper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	out := map[string]*jsonschema.Schema{}
	paths, err := filepath.Glob("../docs/schemas/*.json")
	Expect(err).NotTo(HaveOccurred())
	for _, path := range paths {
		s, err := c.Compile(path)
		Expect(err).NotTo(HaveOccurred())
		name := filepath.Base(path)
		if strings.HasSuffix(name, ".jsonl.json") {
			name = strings.TrimSuffix(name, ".json")
		}
		out[name] = s
	}
	out[".aiperf_results_ready.json"] = out["aiperf_results_ready.json"]
	return out
}

var notANumber = regexp.MustCompile(`\b(NaN|[Ii]nf(inity)?)\b`)

// wholeFiles holds every file of a run against its schema: each is whole, and no number in
// it is none.
func wholeFiles(p *program) (seen map[string]bool) {
	GinkgoHelper()
	known, seen := schemas(), map[string]bool{}
	Expect(filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		Expect(err).NotTo(HaveOccurred())
		if d.IsDir() {
			return nil
		}
		Expect(path).NotTo(HaveSuffix(".tmp"))
		text, err := os.ReadFile(path)
		Expect(err).NotTo(HaveOccurred())
		seen[d.Name()] = true
		var values [][]byte
		switch filepath.Ext(path) {
		case ".json":
			values = [][]byte{text}
		case ".jsonl":
			Expect(text).To(HaveSuffix("\n"), path)
			values = bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
		case ".csv":
			r := csv.NewReader(bytes.NewReader(text))
			r.FieldsPerRecord = -1
			_, err := r.ReadAll()
			Expect(err).NotTo(HaveOccurred(), path)
			Expect(notANumber.Match(text)).To(BeFalse(), path)
			return nil
		default:
			return nil
		}
		Expect(known).To(HaveKey(d.Name()), "a file without a schema in docs/schemas")
		for _, value := range values {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
			Expect(err).NotTo(HaveOccurred(), "%s: %s", path, value)
			Expect(known[d.Name()].Validate(v)).To(Succeed(), "%s: %s", path, value)
		}
		return nil
	})).To(Succeed())
	return seen
}

var _ = Describe("the files of odd runs", Label("e2e"), func() {
	DescribeTable("are whole, as their schemas say, and have no number that is none", func(server []string, succeeds bool, more ...string) {
		p, code := aiperf(profileArgs(target(append([]string{"--ttft", "2", "--itl", "1"}, server...)...), artifacts(), append([]string{"--isl", "8", "--export-level", "raw",
			"--export-outputs-json", "--export-http-trace"}, more...)...)...)
		Expect(code == 0).To(Equal(succeeds), p.output())
		seen := wholeFiles(p)
		for _, name := range []string{"profile_export_aiperf.json", "profile_export_aiperf.csv", "profile_export.jsonl", "profile_export_raw.jsonl", "outputs.json", "inputs.json", ".aiperf_results_ready.json"} {
			Expect(seen).To(HaveKey(name))
		}
	},
		Entry("one request", nil, true, "--request-count", "1", "--osl", "4"),
		Entry("answers of one token, after a warmup", nil, true, "--request-count", "8", "--warmup-request-count", "2", "--osl", "1"),
		Entry("every request fails", []string{"--error-rate", "1"}, false, "--request-count", "5", "--osl", "4"),
		Entry("every request is cancelled", []string{"--ttft", "5000"}, true, "--request-count", "5", "--osl", "4", "--request-cancellation-rate", "100", "--request-cancellation-delay", "0.01"),
		Entry("some fail and sessions have turns", []string{"--error-rate", "0.3"}, true, "--conversation-num", "6", "--session-turns-mean", "2", "--osl", "3"),
	)

	It("are whole or absent when the disk is full while they are written, with an error that says so", func() {
		if exec.Command("unshare", "-rm", "true").Run() != nil {
			Skip("this system lets nobody make a small file system")
		}
		dir := artifacts()
		Expect(os.MkdirAll(dir, 0o755)).To(Succeed())
		args := profileArgs(target("--ttft", "2", "--itl", "1"), dir, "--isl", "8", "--osl", "60", "--request-count", "60", "--concurrency", "8", "--export-level", "raw")
		script := `mount -t tmpfs -o size=420k none "$1" || exit 77; keep=$2; shift 2; "$@"; code=$?; cp -r "$DIR"/. "$keep"; exit $code`
		kept := filepath.Join(GinkgoT().TempDir(), "kept")
		Expect(os.Mkdir(kept, 0o755)).To(Succeed())
		cmd := exec.Command("unshare", append([]string{"-rm", "sh", "-c", script, "sh", dir, kept, binary}, args...)...)
		cmd.Env, cmd.Dir = append(os.Environ(), "DIR="+dir), GinkgoT().TempDir()
		out, err := cmd.CombinedOutput()
		Expect(err).To(HaveOccurred(), string(out))
		if cmd.ProcessState.ExitCode() == 77 {
			Skip("this system lets nobody make a small file system")
		}
		Expect(cmd.ProcessState.ExitCode()).To(Equal(1), string(out))
		Expect(string(out)).To(ContainSubstring("no space left on device"))
		wholeFiles := func(name string) bool {
			text, err := os.ReadFile(filepath.Join(kept, name))
			return err != nil || json.Valid(text)
		}
		for _, name := range []string{"profile_export_aiperf.json", "inputs.json", ".aiperf_results_ready.json"} {
			Expect(wholeFiles(name)).To(BeTrue(), name)
		}
		Expect(filepath.Join(kept, "profile_export_raw.jsonl")).NotTo(BeAnExistingFile())
		temporary, err := filepath.Glob(filepath.Join(kept, "*.tmp"))
		Expect(err).NotTo(HaveOccurred())
		Expect(temporary).To(BeEmpty())
	})
})
