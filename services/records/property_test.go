package records

import (
	"fmt"
	"math/rand/v2"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/messages"
)

// A reference for the books: what becomes of each credit of one random run, decided
// beforehand, told to the ledger in random order.
var _ = Describe("conservation of credits", func() {
	It("puts every credit into exactly one count, whatever the order and whoever dies", func() {
		for seed := range uint64(300) {
			rng := rand.New(rand.NewPCG(seed, 7))
			b := newFixture(testRun(1))
			sent := rng.Int64N(60)
			var ms []messages.Message
			var noRecord [][2]int64
			withRecord, workerDied, processorDied := int64(0), false, false
			for id := range sent {
				r := b.record(0, id)
				switch rng.IntN(8) {
				case 0:
					withError("HTTPError", fmt.Sprint("status ", id))(&r)
				case 1:
					withCancel(&r)
				case 2: // never sent
					noRecord = append(noRecord, [2]int64{id, id})
					continue
				case 3: // its worker died; perhaps the record had left it
					workerDied = true
					ms = append(ms, batch(b.record(0, id, lostWith("worker_b"))))
					if rng.IntN(2) == 0 {
						withRecord++
						continue
					}
				case 4: // its record processor died
					processorDied = true
					withRecord++
					continue
				}
				withRecord++
				ms = append(ms, batch(r))
				if rng.IntN(10) == 0 {
					ms = append(ms, batch(r)) // sent twice
				}
			}
			rng.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
			borders := []messages.Message{b.phaseStart(0), b.phaseEnd(0, sent, noRecord...), &messages.CreditsComplete{}}
			for _, m := range borders { // in order among themselves, anywhere among the records
				at := max(rng.IntN(len(ms)+1), lastBorder(ms)+1)
				ms = append(ms[:at], append([]messages.Message{m}, ms[at:]...)...)
			}
			if workerDied {
				b.onServiceDown(died("worker", "worker_b"))
			}
			if processorDied {
				b.onServiceDown(died("record_processor", "record_processor_b"))
			}
			for _, m := range ms {
				b.hear(m)
				b.pass(time.Duration(rng.IntN(300)) * time.Millisecond)
			}
			b.pass(5 * time.Second)
			b.answer(nil)
			p := b.result()
			note := fmt.Sprintf("seed %d", seed)
			Expect(p).NotTo(BeNil(), note)
			c := p.Quality.Credits
			Expect(c.Issued).To(Equal(sent), note)
			Expect(c.Completed+c.Failed+c.Cancelled+c.Lost).To(Equal(c.Issued), note)
			Expect(p.Completed).To(Equal(withRecord), note)
			Expect(p.Quality.RecordsReceived).To(Equal(p.Quality.RecordsExpected), note)
			expectLines(b, note)
		}
	})
})

// expectLines holds the record file against the result.
func expectLines(b *fixture, note string) {
	p := b.result()
	var success, failed, cancelled int64
	seen := map[int64]bool{}
	for _, r := range b.lines.records {
		Expect(seen[r.Metadata.SessionNum]).To(BeFalse(), note)
		seen[r.Metadata.SessionNum] = true
		switch {
		case r.Metadata.WasCancelled:
			cancelled++
		case r.Error != nil:
			failed++
		default:
			success++
		}
	}
	Expect([]int64{success, failed, cancelled}).To(Equal([]int64{p.SuccessfulRequestCount, p.ErrorRequestCount, p.CancelledRequestCount}), note)
	Expect(b.store.Len()).To(Equal(len(b.lines.records)), note)
}

// lastBorder is where the last message that is no record stands; −1 without one.
func lastBorder(ms []messages.Message) int {
	last := -1
	for i, m := range ms {
		if _, isRecord := m.(*messages.MetricRecords); !isRecord {
			last = i
		}
	}
	return last
}
