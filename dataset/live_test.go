package dataset

import (
	"fmt"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a dataset that is read while it is written", func() {
	outline := func(i int, o *Outline) error {
		at := float64(i) * 1.5
		o.ID = fmt.Sprint("c", i)
		for range 1 + i%2 {
			o.Turns = append(o.Turns, TurnOutline{TimestampMS: &at, DelayMS: 3})
		}
		return nil
	}
	body := func(i, k int) []byte { return []byte(fmt.Sprintf(`{"conversation":%d,"turn":%d}`, i, k)) }
	conversation := func(i int) (*Conversation, [][]byte) {
		c := &Conversation{SessionID: fmt.Sprint("c", i), Turns: make([]Turn, 1+i%2), ContextMode: MessageArrayWithResponses}
		var bodies [][]byte
		for k := range c.Turns {
			c.Turns[k].MaxTokens = i + 1
			bodies = append(bodies, body(i, k))
		}
		return c, bodies
	}

	It("knows names and times at once, and waits for the rest", func() {
		dir := GinkgoT().TempDir()
		live, err := NewLive(dir, 100, 150, true, outline)
		Expect(err).NotTo(HaveOccurred())
		s, err := Open(dir)
		Expect(err).NotTo(HaveOccurred())
		defer s.Close()
		Expect(s.Len()).To(Equal(100))
		Expect(s.Format()).To(Equal(FormatPayloadBytes))
		ns, ok := s.TimestampNS(99, 1)
		Expect(ok).To(BeTrue())
		Expect(ns).To(BeEquivalentTo(148_500_000))
		Expect(s.DelayMS(3, 1)).To(Equal(3.0))
		at, ok := s.Find("c42")
		Expect(ok).To(BeTrue())
		Expect(at).To(Equal(42))

		var readers sync.WaitGroup
		got := make([]string, 100)
		for i := range got {
			readers.Go(func() { got[i] = string(s.Payload(i, i%2)) })
		}
		for i := 99; i >= 0; i-- { // in any order
			c, bodies := conversation(i)
			Expect(live.Put(i, c, bodies)).To(Succeed())
		}
		live.Close()
		readers.Wait()
		for i := range got {
			Expect(got[i]).To(Equal(string(body(i, i%2))))
		}
		Expect(s.MaxTokens(7, 0)).To(Equal(8))
		Expect(s.Isolated(7)).To(BeTrue())
	})

	It("keeps documents where answers matter", func() {
		dir := GinkgoT().TempDir()
		live, err := NewLive(dir, 1, 1, false, outline)
		Expect(err).NotTo(HaveOccurred())
		defer live.Close()
		c := &Conversation{SessionID: "c0", Turns: []Turn{{Texts: []Media{{Contents: []string{"hi"}}}}}}
		Expect(live.Put(0, c, nil)).To(Succeed())
		s, err := Open(dir)
		Expect(err).NotTo(HaveOccurred())
		defer s.Close()
		Expect(s.Payload(0, 0)).To(BeNil())
		Expect(s.Conversation(0)).To(Equal(*c))
	})

	It("tells those who wait when there will be no more", func() {
		dir := GinkgoT().TempDir()
		live, err := NewLive(dir, 2, 3, true, outline)
		Expect(err).NotTo(HaveOccurred())
		s, err := Open(dir)
		Expect(err).NotTo(HaveOccurred())
		defer s.Close()
		failed := make(chan error)
		go func() { _, err := s.Conversation(1); failed <- err }()
		live.Close()
		Expect(<-failed).To(MatchError("read conversation c1: the dataset could not be made"))
		Expect(s.Payload(1, 0)).To(BeNil())
	})

	It("refuses what was not announced", func() {
		_, err := NewLive(GinkgoT().TempDir(), 0, 0, true, outline)
		Expect(err).To(MatchError(ErrEmpty))
		_, err = NewLive(GinkgoT().TempDir(), 2, 2, true, outline)
		Expect(err).To(MatchError(ContainSubstring("more turns than were announced")))
		_, err = NewLive(GinkgoT().TempDir(), 2, 9, true, outline)
		Expect(err).To(MatchError(ContainSubstring("3 turns, 9 were announced")))
		_, err = NewLive(GinkgoT().TempDir(), 2, 2, true, func(_ int, o *Outline) error {
			o.ID, o.Turns = "same", append(o.Turns, TurnOutline{})
			return nil
		})
		Expect(err).To(MatchError("add conversation same: the id is taken by an earlier one"))
		live, err := NewLive(GinkgoT().TempDir(), 1, 1, true, outline)
		Expect(err).NotTo(HaveOccurred())
		defer live.Close()
		Expect(live.Put(0, &Conversation{SessionID: "c0", Turns: make([]Turn, 2)}, nil)).To(MatchError(ContainSubstring("2 turns, 1 were announced")))
	})
})
