package dataset

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func write(dir string, build func(w *Writer)) (Info, error) {
	w, err := NewWriter(dir)
	if err != nil {
		return Info{}, err
	}
	build(w)
	return w.Finish()
}

func conv(id string, turns int) *Conversation {
	c := &Conversation{SessionID: id, Turns: make([]Turn, turns)}
	for i := range c.Turns {
		c.Turns[i] = Turn{Model: "m", MaxTokens: 10 * i, DelayMS: 1.5 * float64(i), Texts: []Media{{Name: "text", Contents: []string{fmt.Sprint(id, " ", i)}}}}
	}
	return c
}

func body(id string, turn int) []byte { return fmt.Appendf(nil, `{"prompt":"%s %d"}`, id, turn) }

var _ = Describe("a dataset with prepared bodies", func() {
	var dir string
	var store *Store
	BeforeEach(func() {
		dir = filepath.Join(GinkgoT().TempDir(), "set")
		info, err := write(dir, func(w *Writer) {
			for i := range 100 {
				id := fmt.Sprintf("session_%06d", i)
				Expect(w.Add(conv(id, 2), [][]byte{body(id, 0), body(id, 1)})).To(Succeed())
			}
		})
		Expect(err).NotTo(HaveOccurred())
		data, err := os.Stat(info.DataPath)
		Expect(err).NotTo(HaveOccurred())
		Expect(info.DataBytes).To(Equal(data.Size()))
		info.DataBytes = 0
		Expect(info).To(Equal(Info{
			DataPath: filepath.Join(dir, "dataset.dat"), IndexPath: filepath.Join(dir, "index.dat"),
			Format: FormatPayloadBytes, Conversations: 100, Turns: 200,
		}))
		store, err = Open(dir)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { store.Close() })
	})

	It("gives back ids, turns, bodies, caps and delays", func() {
		Expect(store.Len()).To(Equal(100))
		Expect(store.TotalTurns()).To(Equal(200))
		Expect(store.Format()).To(Equal(FormatPayloadBytes))
		Expect(store.ID(42)).To(Equal("session_000042"))
		Expect(store.NumTurns(42)).To(Equal(2))
		Expect(store.Payload(42, 1)).To(Equal(body("session_000042", 1)))
		Expect(store.MaxTokens(42, 1)).To(Equal(10))
		Expect(store.DelayMS(42, 1)).To(Equal(1.5))
	})

	It("finds every id, and none that is not there", func() {
		for i := range store.Len() {
			n, ok := store.Find(store.ID(i))
			Expect(ok).To(BeTrue())
			Expect(n).To(Equal(i))
		}
		_, ok := store.Find("session_000100")
		Expect(ok).To(BeFalse())
		_, ok = store.Find("")
		Expect(ok).To(BeFalse())
	})

	It("numbers turns through the dataset", func() {
		n, ok := store.TurnNumber(3, 1)
		Expect([]any{n, ok}).To(Equal([]any{7, true}))
		for _, at := range [][2]int{{-1, 0}, {100, 0}, {3, 2}, {3, -1}} {
			_, ok := store.TurnNumber(at[0], at[1])
			Expect(ok).To(BeFalse())
		}
	})

	It("has nothing for a turn that there is not", func() {
		Expect(store.Payload(0, 2)).To(BeNil())
		Expect(store.Payload(0, -1)).To(BeNil())
		Expect(store.MaxTokens(0, 2)).To(BeZero())
	})

	It("keeps no documents beside the bodies", func() {
		_, err := store.Conversation(0)
		Expect(err).To(MatchError(ContainSubstring("session_000000: the dataset holds its request bodies only")))
	})

	It("serves many readers at once", func() {
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				defer GinkgoRecover()
				for i := range store.Len() {
					Expect(store.Payload(i, 0)).To(Equal(body(store.ID(i), 0)))
				}
			})
		}
		wg.Wait()
	})

	It("is empty after Close, which may be called twice", func() {
		store.Close()
		store.Close()
		Expect(store.Len()).To(BeZero())
		_, ok := store.Find("session_000001")
		Expect(ok).To(BeFalse())
	})

	It("is private to its user", func() {
		st, err := os.Stat(dir)
		Expect(err).NotTo(HaveOccurred())
		Expect(st.Mode().Perm()).To(Equal(os.FileMode(0o700)))
		st, err = os.Stat(filepath.Join(dir, "dataset.dat"))
		Expect(err).NotTo(HaveOccurred())
		Expect(st.Mode().Perm()).To(Equal(os.FileMode(0o600)))
	})
})

var _ = Describe("a dataset of documents", func() {
	It("gives back the conversations", func() {
		dir := GinkgoT().TempDir()
		want := conv("a", 3)
		want.SystemMessage, want.UserContextMessage = "sys", "ctx"
		info, err := write(dir, func(w *Writer) {
			Expect(w.Add(want, nil)).To(Succeed())
			Expect(w.Add(conv("b", 1), [][]byte{body("b", 0)})).To(Succeed())
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(info.Format).To(Equal(FormatConversation))
		s, err := Open(dir)
		Expect(err).NotTo(HaveOccurred())
		defer s.Close()
		got, err := s.Conversation(0)
		Expect(err).NotTo(HaveOccurred())
		Expect(&got).To(Equal(want))
		Expect(s.Payload(0, 0)).To(BeNil())
		Expect(s.Payload(1, 0)).To(Equal(body("b", 0)))
	})
})

var _ = Describe("what schedulers look at", func() {
	It("keeps timestamps with their fractions, and that turns have none", func() {
		at := func(ms float64) *float64 { return &ms }
		dir := GinkgoT().TempDir()
		_, err := write(dir, func(w *Writer) {
			c := conv("a", 4)
			c.ContextMode = MessageArrayWithResponses
			c.Turns[0].TimestampMS, c.Turns[1].TimestampMS, c.Turns[2].TimestampMS = at(0), at(55.5), at(1.7e12+0.25)
			Expect(w.Add(c, nil)).To(Succeed())
			Expect(w.Add(conv("b", 1), nil)).To(Succeed())
		})
		Expect(err).NotTo(HaveOccurred())
		s, err := Open(dir)
		Expect(err).NotTo(HaveOccurred())
		defer s.Close()
		for turn, want := range []int64{0, 55_500_000, 1_700_000_000_000_250_000} {
			ns, ok := s.TimestampNS(0, turn)
			Expect([]any{ns, ok}).To(Equal([]any{want, true}))
		}
		for _, none := range [][2]int{{0, 3}, {0, 4}, {1, 0}} {
			_, ok := s.TimestampNS(none[0], none[1])
			Expect(ok).To(BeFalse())
		}
		Expect([]bool{s.Isolated(0), s.Isolated(1)}).To(Equal([]bool{true, false}))
	})

	It("refuses a fork of a conversation that would not use its history", func() {
		dir := GinkgoT().TempDir()
		_, err := write(dir, func(w *Writer) {
			a, b := conv("a", 1), conv("b", 1)
			a.Branches = []Branch{{ID: "a:0", Mode: BranchFork, Children: []string{"b"}, JoinAt: NoJoin}}
			b.ContextMode = MessageArrayWithResponses
			Expect(w.Add(a, nil)).To(Succeed())
			Expect(w.Add(b, nil)).To(Succeed())
		})
		Expect(err).NotTo(HaveOccurred())
		s, err := Open(dir)
		Expect(err).NotTo(HaveOccurred())
		defer s.Close()
		_, err = s.Graph()
		Expect(err).To(MatchError(ContainSubstring("session 'b' is a FORK target with context_mode")))
	})
})

var _ = Describe("Writer", func() {
	It("refuses an empty dataset", func() {
		_, err := write(GinkgoT().TempDir(), func(*Writer) {})
		Expect(err).To(MatchError(ErrEmpty))
		_, err = write(GinkgoT().TempDir(), func(w *Writer) { Expect(w.Add(conv("a", 0), nil)).To(Succeed()) })
		Expect(err).To(MatchError(ErrEmpty))
	})

	DescribeTable("refuses", func(bad func(w *Writer) error, reason string) {
		_, err := write(GinkgoT().TempDir(), func(w *Writer) {
			Expect(w.Add(conv("a", 1), nil)).To(Succeed())
			Expect(bad(w)).To(MatchError(ContainSubstring(reason)))
			Expect(w.Add(conv("z", 1), nil)).To(MatchError(ContainSubstring(reason)), "the first error stays")
		})
		Expect(err).To(MatchError(ContainSubstring(reason)))
	},
		Entry("an id twice", func(w *Writer) error { return w.Add(conv("a", 1), nil) }, "conversation a: the id is taken"),
		Entry("fewer bodies than turns", func(w *Writer) error { return w.Add(conv("b", 2), [][]byte{body("b", 0)}) }, "1 bodies for 2 turns"),
		Entry("an empty body", func(w *Writer) error { return w.Add(conv("b", 1), [][]byte{nil}) }, "the body of turn 0 is empty"),
	)

	It("takes nothing after its end", func() {
		w, err := NewWriter(GinkgoT().TempDir())
		Expect(err).NotTo(HaveOccurred())
		Expect(w.Add(conv("a", 1), nil)).To(Succeed())
		_, err = w.Finish()
		Expect(err).NotTo(HaveOccurred())
		Expect(w.Add(conv("b", 1), nil)).To(MatchError(ContainSubstring("it is finished")))
		_, err = w.Finish()
		Expect(err).To(MatchError(ContainSubstring("it is finished")))
	})

	It("removes what it wrote when it is aborted", func() {
		dir := filepath.Join(GinkgoT().TempDir(), "set")
		w, err := NewWriter(dir)
		Expect(err).NotTo(HaveOccurred())
		w.Abort()
		Expect(dir).NotTo(BeADirectory())
	})

	DescribeTable("stores delays as whole microseconds", func(ms float64, want uint64) {
		Expect(microseconds(ms)).To(Equal(want))
	},
		Entry("exact", 1.5, uint64(1500)), Entry("rounded, not cut", 0.0579, uint64(58)), Entry("none", 0.0, uint64(0)),
		Entry("negative", -3.0, uint64(0)), Entry("no number", math.NaN(), uint64(0)), Entry("endless", math.Inf(1), uint64(1<<53)),
	)
})

// files writes a small dataset and returns its two files.
func files(t interface{ TempDir() string }) (index, data []byte) {
	dir := t.TempDir()
	_, err := write(dir, func(w *Writer) {
		_ = w.Add(conv("a", 1), [][]byte{body("a", 0)})
		_ = w.Add(conv("b", 2), nil)
	})
	if err != nil {
		panic(err)
	}
	index, _ = os.ReadFile(filepath.Join(dir, "index.dat"))
	data, _ = os.ReadFile(filepath.Join(dir, "dataset.dat"))
	return index, data
}

func openBytes(dir string, index, data []byte) (*Store, error) {
	if err := os.WriteFile(filepath.Join(dir, "index.dat"), index, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "dataset.dat"), data, 0o600); err != nil {
		return nil, err
	}
	return Open(dir)
}

var _ = Describe("Open", func() {
	DescribeTable("names what is damaged", func(damage func(index, data []byte) ([]byte, []byte), reason string) {
		index, data := damage(files(GinkgoT()))
		_, err := openBytes(GinkgoT().TempDir(), index, data)
		Expect(err).To(MatchError(ContainSubstring(reason)))
	},
		Entry("another file's index", func(i, d []byte) ([]byte, []byte) { return []byte("hello"), d }, "index.dat is no dataset index"),
		Entry("an index cut short", func(i, d []byte) ([]byte, []byte) { return i[:len(i)-1], d }, "index.dat has"),
		Entry("absurd counts", func(i, d []byte) ([]byte, []byte) { i[15] = 0xff; return i, d }, "counts out of range"),
		Entry("a table that is no power of two", func(i, d []byte) ([]byte, []byte) { i[24] = 15; return i, d }, "a table of 15 slots"),
		Entry("data cut short", func(i, d []byte) ([]byte, []byte) { return i, d[:len(d)-1] }, "dataset.dat has"),
		Entry("empty data", func(i, d []byte) ([]byte, []byte) { return i, nil }, "it is empty"),
		Entry("a conversation beyond the data", func(i, d []byte) ([]byte, []byte) { i[headerLen+7] = 0x7f; return i, d }, "conversation 0"),
		Entry("turns beyond the index", func(i, d []byte) ([]byte, []byte) { i[headerLen+12] = 200; return i, d }, "conversation 0"),
		Entry("a body beyond the data", func(i, d []byte) ([]byte, []byte) { i[headerLen+2*convRow+8] = 0xff; return i, d }, "turn 0"),
	)

	It("names a file that is missing", func() {
		_, err := Open(GinkgoT().TempDir())
		Expect(err).To(MatchError(And(ContainSubstring("index.dat"), ContainSubstring("no such file"))))
	})
})

// use reads all there is, as workers and record processors do.
func use(s *Store) {
	for i := range s.Len() {
		_, _ = s.Find(s.ID(i))
		_, _ = s.Conversation(i)
		for k := range min(s.NumTurns(i), 4) {
			_ = append([]byte(nil), s.Payload(i, k)...)
			s.MaxTokens(i, k)
			s.DelayMS(i, k)
			_, _ = s.TurnNumber(i, k)
		}
	}
	_, _ = s.Find("none")
}

func FuzzOpen(f *testing.F) {
	index, data := files(f)
	f.Add(index, data)
	f.Add(index[:headerLen], []byte("x"))
	f.Add([]byte("AIPFIDX1"), []byte{})
	f.Fuzz(func(t *testing.T, index, data []byte) {
		if s := (&Store{index: index, data: data}); s.read() == nil {
			use(s)
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	w, err := NewWriter(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer w.Abort()
	payload := make([]byte, 2500)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		c := Conversation{SessionID: fmt.Sprint(i), Turns: make([]Turn, 1)}
		if err := w.Add(&c, [][]byte{payload}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkFindAndPayload(b *testing.B) {
	dir := b.TempDir()
	_, err := write(dir, func(w *Writer) {
		for i := range 10_000 {
			_ = w.Add(conv(fmt.Sprint("session_", i), 1), [][]byte{body("a", 0)})
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		n, _ := s.Find("session_4711")
		if len(s.Payload(n, 0)) == 0 {
			b.Fatal("no body")
		}
	}
}
