package test

import (
	"os"
	"os/exec"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("the console of a run", Label("e2e"), func() {
	It("may go away, as in `| head`: the run goes on for its files", func() {
		dir := artifacts()
		read, write, err := os.Pipe()
		Expect(err).NotTo(HaveOccurred())
		Expect(read.Close()).To(Succeed())
		p := &program{cmd: exec.Command(binary, "profile", "--model", "m", "--tokenizer", "builtin", "--url", target("--fast"), "--isl", "8",
			"--request-count", "20", "--artifact-dir", dir), stdout: &lockedBuffer{}, stderr: &lockedBuffer{}, dir: dir}
		p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = write, p.stderr, GinkgoT().TempDir()
		Expect(p.cmd.Run()).To(Succeed(), p.output())
		Expect(write.Close()).To(Succeed())
		Expect(number(p.summary(), "request_count", "avg")).To(Equal(20.0))
		Expect(p.lines()).To(HaveLen(20))
		Expect(filepath.Join(dir, ".aiperf_results_ready.json")).To(BeAnExistingFile())
		Expect(p.stderr.String()).To(BeEmpty(), "nothing is wrong")
	})

	It("shows the figures of a live run, and so does its log", func() {
		p, code := aiperf("profile", "--model", "m", "--tokenizer", "builtin", "--url", target("--ttft", "20"), "--isl", "8", "--request-count", "60",
			"--ui", "none", "--stats-interval", "0.1", "--artifact-dir", artifacts())
		Expect(code).To(Equal(0), p.output())
		for _, text := range []string{p.stdout.String(), p.log()} {
			Expect(text).To(MatchRegexp(`INFO +-? ?\[realtime \d\d:\d\d profiling\]\n`))
			Expect(text).To(MatchRegexp(`e2e +p50= +\d+ms  p75=`))
		}
		Expect(p.stdout.String()).NotTo(ContainSubstring("\x1b"))
	})
})
