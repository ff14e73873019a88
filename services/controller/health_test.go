package controller

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/clock"
	"aiperf/messages"
)

var _ = Describe("worker statuses", func() {
	const second = clock.MonoNS(time.Second)
	type reading struct {
		at                       clock.MonoNS
		cpu                      float64
		total, failed, completed int64
	}
	DescribeTable("by the first rule that matches",
		func(want string, readings ...reading) {
			b := newHealthBoard(testRun("/nowhere").Environment)
			for _, r := range readings {
				b.hear("w", &messages.WorkerHealth{
					Health: messages.ProcessHealth{CPUUsage: r.cpu}, TaskStats: messages.TaskStats{Total: r.total, Failed: r.failed, Completed: r.completed},
				}, r.at)
			}
			Expect(b.summary(readings[len(readings)-1].at).WorkerStatuses).To(Equal(map[string]string{"w": want}))
		},
		Entry("nothing done yet", statusIdle, reading{at: second}),
		Entry("all done", statusIdle, reading{at: second, total: 5, completed: 5}),
		Entry("busy", statusHealthy, reading{at: second, total: 5, completed: 3}),
		Entry("failures in the first message count", statusError, reading{at: second, total: 5, failed: 1, completed: 4}),
		Entry("a failure a moment ago", statusError, reading{at: second, total: 5, failed: 1}, reading{at: 3 * second, total: 6, failed: 1}),
		Entry("a failure long ago", statusHealthy, reading{at: second, total: 5, failed: 1}, reading{at: 9 * second, total: 6, failed: 1}),
		Entry("under load, although failures are old", statusHighLoad, reading{at: second, cpu: 90, total: 5, completed: 5}),
		Entry("under load a moment ago", statusHighLoad, reading{at: second, cpu: 90}, reading{at: 4 * second, cpu: 10}),
		Entry("a failure outranks load", statusError, reading{at: second, cpu: 90, total: 2, failed: 1}),
	)

	It("calls a silent worker stale", func() {
		b := newHealthBoard(testRun("/nowhere").Environment)
		b.startup("w", messages.WorkerReady)
		b.hear("w", &messages.WorkerHealth{}, second)
		s := b.summary(30 * second)
		Expect(s.WorkerStatuses["w"]).To(Equal(statusStale))
		Expect(s.WorkerStartupStates["w"]).To(Equal(messages.WorkerReady))
	})

	It("has nothing to say without workers, and forgets those that died", func() {
		b := newHealthBoard(testRun("/nowhere").Environment)
		b.startup("w", messages.WorkerStarting)
		b.forget("w")
		Expect(b.summary(second)).To(BeNil())
	})

	It("warns of high load once", func() {
		b := newHealthBoard(testRun("/nowhere").Environment)
		busy := &messages.WorkerHealth{Health: messages.ProcessHealth{CPUUsage: 99}}
		Expect(b.hear("w", busy, second)).To(BeTrue())
		Expect(b.hear("w", busy, 2*second)).To(BeFalse())
	})
})
