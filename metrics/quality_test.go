package metrics

import (
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmihailenco/msgpack/v5"
)

func f64(v float64) *float64 { return &v }

var _ = Describe("Quality", func() {
	DescribeTable("judges", func(q Quality, c Conditions, verdict string, reasons ...string) {
		q.Judge(c)
		Expect(q.Verdict).To(Equal(verdict))
		Expect(q.Reasons).To(HaveLen(len(reasons)))
		for i, want := range reasons {
			Expect(q.Reasons[i]).To(ContainSubstring(want))
		}
	},
		Entry("a clean closed loop", Quality{RecordsExpected: 9, RecordsReceived: 9}, Conditions{Complete: true}, VerdictGood),
		Entry("an incomplete run", Quality{}, Conditions{IncompleteReason: "cancelled by the user"}, VerdictInvalid, "cancelled by the user"),
		Entry("missing records", Quality{RecordsExpected: 9, RecordsReceived: 7}, Conditions{Complete: true}, VerdictInvalid, "2 of 9"),
		Entry("more than 10 % not delivered", Quality{AskedRPS: f64(100), DeliveredRPS: f64(89)}, Conditions{Complete: true}, VerdictInvalid, "11.0 %"),
		Entry("10 % not delivered", Quality{AskedRPS: f64(100), DeliveredRPS: f64(90.5)}, Conditions{Complete: true}, VerdictDegraded, "9.5 %"),
		Entry("a fraction of a percent not delivered", Quality{AskedRPS: f64(1000), DeliveredRPS: f64(995)}, Conditions{Complete: true}, VerdictGood),
		Entry("more delivered than asked", Quality{AskedRPS: f64(100), DeliveredRPS: f64(103)}, Conditions{Complete: true}, VerdictGood),
		Entry("nothing asked", Quality{AskedRPS: f64(0), DeliveredRPS: f64(3)}, Conditions{Complete: true}, VerdictGood),
		Entry("late starts of an open loop", Quality{}, Conditions{Complete: true, OpenLoop: true, StartDelayP99MS: f64(5.2)}, VerdictDegraded, "5.2 ms"),
		Entry("late timers", Quality{TimerLatenessMS: &Spread{P99: 4}}, Conditions{Complete: true, OpenLoop: true, StartDelayP99MS: f64(5.2)}, VerdictDegraded, "timers woke p99 4.0 ms late"),
		Entry("one long stall that the 99th percentile does not see", Quality{}, Conditions{Complete: true, OpenLoop: true, StartDelayP99MS: f64(0.1), StartDelayMaxMS: f64(1999)}, VerdictDegraded, "stood still: a request started 1999 ms"),
		Entry("a short stall", Quality{}, Conditions{Complete: true, OpenLoop: true, StartDelayP99MS: f64(0.1), StartDelayMaxMS: f64(450)}, VerdictGood),
		Entry("a schedule that moved", Quality{AskedRPS: f64(100), DeliveredRPS: f64(95), Reanchors: 3}, Conditions{Complete: true}, VerdictDegraded, "moved 3 time(s)): ask for less, or use more workers"),
		Entry("late starts of a closed loop, which has no schedule", Quality{}, Conditions{Complete: true, StartDelayP99MS: f64(50)}, VerdictGood),
		Entry("a start exactly at the limit", Quality{}, Conditions{Complete: true, OpenLoop: true, StartDelayP99MS: f64(5)}, VerdictGood),
		Entry("a busy worker", Quality{}, Conditions{Complete: true, HighLoadWorkers: []string{"worker_1"}}, VerdictDegraded, "worker_1"),
		Entry("a clock step", Quality{ClockSteps: 1}, Conditions{Complete: true}, VerdictDegraded, "1 time"),
		Entry("a restart", Quality{ProcessesLost: 1, ProcessesRestarted: 1}, Conditions{Complete: true}, VerdictDegraded, "1 restarted"),
		Entry("the worse verdict wins, and its reason comes first", Quality{ClockSteps: 2, RecordsExpected: 1}, Conditions{Complete: true}, VerdictInvalid, "1 of 1", "2 time"),
	)

	It("judges anew each time", func() {
		q := Quality{}
		q.Judge(Conditions{})
		q.Judge(Conditions{Complete: true})
		Expect(q.Verdict).To(Equal(VerdictGood))
		Expect(q.Reasons).To(BeEmpty())
	})

	It("has the names of the summary file and survives the wire", func() {
		q := Quality{AskedRPS: f64(10), SendDelayMS: &Spread{P50: 1, P99: 2, Max: 3}, Processes: []ProcessDeath{{ServiceID: "worker_1", How: "killed"}}}
		q.Judge(Conditions{Complete: true})
		raw, err := json.Marshal(q)
		Expect(err).NotTo(HaveOccurred())
		Expect(raw).To(ContainSubstring(`"verdict":"good","reasons":[],"asked_rps":10`))
		Expect(raw).To(ContainSubstring(`"send_delay_ms":{"p50":1,"p99":2,"max":3}`))
		Expect(raw).To(ContainSubstring(`"credits":{"issued":0,"completed":0,"failed":0,"cancelled":0,"lost":0}`))
		Expect(raw).NotTo(ContainSubstring("delivered_rps"))

		packed, err := msgpack.Marshal(q)
		Expect(err).NotTo(HaveOccurred())
		var back Quality
		Expect(msgpack.Unmarshal(packed, &back)).To(Succeed())
		Expect(back).To(Equal(q))
	})
})
