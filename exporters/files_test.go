package exporters

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	. "github.com/onsi/gomega"
)

func writeText(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// namesIn lists a directory, hidden files too.
func namesIn(dir string) []string {
	GinkgoHelper()
	entries, err := os.ReadDir(dir)
	Expect(err).NotTo(HaveOccurred())
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

var _ = Describe("WriteFileAtomic", func() {
	var dir string
	BeforeEach(func() { dir = GinkgoT().TempDir() })

	It("creates missing directories and leaves only the whole file", func() {
		path := filepath.Join(dir, "a", "b", "x.json")
		Expect(WriteFileAtomic(path, writeText("{}"))).To(Succeed())
		Expect(os.ReadFile(path)).To(BeEquivalentTo("{}"))
		Expect(namesIn(filepath.Dir(path))).To(Equal([]string{"x.json"}))
	})

	It("replaces an older file, and what a dead run left under the temporary name", func() {
		path := filepath.Join(dir, "x")
		Expect(os.WriteFile(path, []byte("old"), fileMode)).To(Succeed())
		Expect(os.WriteFile(path+tempSuffix, []byte("torn, and longer than the new text"), fileMode)).To(Succeed())
		Expect(WriteFileAtomic(path, writeText("new"))).To(Succeed())
		Expect(os.ReadFile(path)).To(BeEquivalentTo("new"))
		Expect(namesIn(dir)).To(Equal([]string{"x"}))
	})

	It("does not follow a link under the temporary name", func() {
		victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "x")
		Expect(os.WriteFile(victim, []byte("mine"), fileMode)).To(Succeed())
		Expect(os.Symlink(victim, path+tempSuffix)).To(Succeed())
		Expect(WriteFileAtomic(path, writeText("new"))).To(Succeed())
		Expect(os.ReadFile(victim)).To(BeEquivalentTo("mine"))
	})

	It("keeps the old file and no temporary one when the text cannot be made", func() {
		path := filepath.Join(dir, "x")
		Expect(os.WriteFile(path, []byte("old"), fileMode)).To(Succeed())
		disk := errors.New("no space left on device")
		err := WriteFileAtomic(path, func(w io.Writer) error {
			_, _ = io.WriteString(w, "half of")
			return disk
		})
		Expect(err).To(MatchError(disk))
		Expect(err).To(MatchError(ContainSubstring(path)))
		Expect(os.ReadFile(path)).To(BeEquivalentTo("old"))
		Expect(namesIn(dir)).To(Equal([]string{"x"}))
	})

	It("says which file when the target is a directory", func() {
		path := filepath.Join(dir, "x")
		Expect(os.Mkdir(path, dirMode)).To(Succeed())
		Expect(WriteFileAtomic(path, writeText("new"))).To(MatchError(ContainSubstring(path)))
		Expect(namesIn(dir)).To(Equal([]string{"x"}))
	})

	It("names the file once, not as the system does too", func() {
		Expect(writeError("/x/a.json", &os.PathError{Op: "write", Path: "/x/a.json.tmp", Err: errFull})).To(MatchError("write /x/a.json: no space left on device"))
		path := filepath.Join(dir, "x")
		err := WriteFileAtomic(path, func(io.Writer) error { return &os.PathError{Op: "write", Path: path + tempSuffix, Err: errFull} })
		Expect(err).To(MatchError("write " + path + ": no space left on device"))
		Expect(err).To(MatchError(errFull))
	})

	It("fails where a directory cannot be made", func() {
		blocker := filepath.Join(dir, "file")
		Expect(os.WriteFile(blocker, nil, fileMode)).To(Succeed())
		Expect(WriteFileAtomic(filepath.Join(blocker, "x"), writeText("new"))).To(MatchError(ContainSubstring("not a directory")))
	})
})

var _ = DescribeTable("FileNames", func(base string, want Names) {
	Expect(FileNames(base)).To(Equal(want))
},
	Entry("without a prefix", "", Names{
		"profile_export_aiperf.json", "profile_export_aiperf.csv", "profile_export.jsonl", "profile_export.parquet", "profile_export_raw.jsonl", "outputs.json", "profile_export_console.txt",
		"gpu_telemetry_export.jsonl", "inputs.json", "logs/aiperf.log",
	}),
	Entry("with a prefix; inputs and the log never have it", "foo", Names{
		"foo.json", "foo.csv", "foo.jsonl", "foo.parquet", "foo_raw.jsonl", "outputs.json", "foo_console.txt", "foo_gpu_telemetry.jsonl", "inputs.json", "logs/aiperf.log",
	}),
)

var _ = Describe("the results marker", func() {
	It("is what a real run of AIPerf (Python) leaves, readable by its owner only", func() {
		for _, c := range []struct {
			name string
			m    ResultsMarker
		}{{"chat-streaming", ResultsMarker{}}, {"cancelled-run", ResultsMarker{WasCancelled: true}}} {
			dir := GinkgoT().TempDir()
			Expect(WriteResultsMarker(dir, c.m)).To(Succeed())
			path := filepath.Join(dir, MarkerName)
			Expect(os.ReadFile(path)).To(Equal(fixture(c.name + "/" + MarkerName)))
			info, err := os.Stat(path)
			Expect(err).NotTo(HaveOccurred())
			Expect(info.Mode().Perm()).To(BeEquivalentTo(privateMode))
		}
	})

	It("names what is missing", func() {
		dir := GinkgoT().TempDir()
		Expect(WriteResultsMarker(dir, ResultsMarker{TerminalPhase: "profiling", TerminalError: `the "timing_manager" died`, FailedExporters: []string{"csv"}})).To(Succeed())
		Expect(os.ReadFile(filepath.Join(dir, MarkerName))).To(BeEquivalentTo(
			`{"ready":true,"was_cancelled":false,"partial":true,"terminal_phase":"profiling","terminal_error":"the \"timing_manager\" died","failed_exporters":["csv"]}`))
	})

	It("can be taken away, also when there is none", func() {
		dir := GinkgoT().TempDir()
		Expect(RemoveResultsMarker(dir)).To(Succeed())
		Expect(WriteResultsMarker(dir, ResultsMarker{})).To(Succeed())
		Expect(RemoveResultsMarker(dir)).To(Succeed())
		Expect(namesIn(dir)).To(BeEmpty())
	})
})
