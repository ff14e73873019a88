package exporters

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/gomega"
)

// shortDisk is a file on a disk with a limit.
type shortDisk struct {
	text  []byte
	limit int
	syncs int
}

var errFull = errors.New("no space left on device")

func (d *shortDisk) Write(b []byte) (int, error) {
	n := min(len(b), d.limit-len(d.text))
	d.text = append(d.text, b[:n]...)
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

func (d *shortDisk) Truncate(size int64) error { d.text = d.text[:size]; return nil }
func (d *shortDisk) Sync() error               { d.syncs++; return nil }
func (d *shortDisk) Close() error              { return nil }

func add(l *lineFile, text string) error {
	l.buf = append(l.buf, text...)
	return l.line()
}

var _ = Describe("a line file", func() {
	var path string
	BeforeEach(func() { path = filepath.Join(GinkgoT().TempDir(), "sub", "x.jsonl") })

	open := func(batch int) *lineFile {
		GinkgoHelper()
		l, err := openLines(path, batch)
		Expect(err).NotTo(HaveOccurred())
		return l
	}

	It("writes batch by batch, and the rest when told", func() {
		l := open(2)
		Expect(add(l, "a")).To(Succeed())
		Expect(os.ReadFile(path)).To(BeEmpty())
		Expect(add(l, "b")).To(Succeed())
		Expect(os.ReadFile(path)).To(BeEquivalentTo("a\nb\n"))
		Expect(add(l, "c")).To(Succeed())
		Expect(l.Flush()).To(Succeed())
		Expect(os.ReadFile(path)).To(BeEquivalentTo("a\nb\nc\n"))
		Expect(l.Close()).To(Succeed())
		Expect(l.Close()).To(Succeed())
	})

	It("writes what is pending at the close", func() {
		l := open(100)
		Expect(add(l, "a")).To(Succeed())
		Expect(l.Close()).To(Succeed())
		Expect(os.ReadFile(path)).To(BeEquivalentTo("a\n"))
	})

	It("does not hold back more than a bounded amount", func() {
		l := open(1 << 20)
		Expect(add(l, strings.Repeat("x", maxPendingBytes))).To(Succeed())
		Expect(l.buf).To(BeEmpty())
		Expect(l.Close()).To(Succeed())
	})

	It("replaces the file of an earlier run, and removes its own when it got no line", func() {
		Expect(os.MkdirAll(filepath.Dir(path), dirMode)).To(Succeed())
		Expect(os.WriteFile(path, []byte("old\n"), fileMode)).To(Succeed())
		l := open(1)
		Expect(os.ReadFile(path)).To(BeEmpty())
		Expect(l.Close()).To(Succeed())
		Expect(path).NotTo(BeAnExistingFile())
		Expect(l.Close()).To(Succeed())
	})

	It("keeps whole lines only on a full disk, and says so from then on", func() {
		disk := &shortDisk{limit: 9}
		l := newLines("/x/y.jsonl", disk, 1)
		Expect(add(l, "1234")).To(Succeed())
		err := add(l, "56789")
		Expect(err).To(MatchError(errFull))
		Expect(err).To(MatchError(ContainSubstring("/x/y.jsonl")))
		Expect(string(disk.text)).To(Equal("1234\n"))
		Expect(add(l, "a")).To(MatchError(errFull))
		Expect(l.buf).To(BeEmpty(), "lines are dropped, not piled up")
		Expect(l.Flush()).To(MatchError(errFull))
		Expect(l.Close()).To(MatchError(errFull))
		Expect(string(disk.text)).To(Equal("1234\n"))
		Expect(disk.syncs).To(Equal(1), "what is there is made durable")
	})

	It("reports a device without space", func() {
		f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			Skip("needs /dev/full")
		}
		l := newLines("/dev/full", f, 1)
		Expect(add(l, "a")).To(MatchError(ContainSubstring("no space left on device")))
	})

	It("fails to open below a file", func() {
		blocker := filepath.Join(GinkgoT().TempDir(), "file")
		Expect(os.WriteFile(blocker, nil, fileMode)).To(Succeed())
		_, err := openLines(filepath.Join(blocker, "x"), 1)
		Expect(err).To(MatchError(ContainSubstring(blocker)))
	})
})
