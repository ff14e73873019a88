package bootstrap

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("a lifecycle", func() {
	It("walks from created to stopped and tells of every step", func() {
		var seen []State
		l := newLifecycle(func(_, now State) { seen = append(seen, now) })
		steps := []State{Initializing, Initialized, Starting, Running, Stopping, Stopped}
		for _, s := range steps {
			Expect(l.to(s)).To(Succeed())
		}
		Expect(seen).To(Equal(steps))
	})

	DescribeTable("refuses a step that is out of order and stays where it is",
		func(path []State, wrong State) {
			told := 0
			l := newLifecycle(func(State, State) { told++ })
			for _, s := range path {
				Expect(l.to(s)).To(Succeed())
			}
			before := l.State()
			Expect(l.to(wrong)).To(MatchError(ContainSubstring("invalid state: " + string(wrong))))
			Expect(l.State()).To(Equal(before))
			Expect(told).To(Equal(len(path)))
		},
		Entry("running without a start", []State{Initializing, Initialized}, Running),
		Entry("a second initialisation", []State{Initializing}, Initializing),
		Entry("back to life after stopping", []State{Stopping}, Running),
		Entry("stopped without stopping", []State{Initializing}, Stopped),
		Entry("anything after failed", []State{Failed}, Stopping),
	)

	It("may be stopped before it was started", func() {
		l := newLifecycle(func(State, State) {})
		Expect(l.to(Stopping)).To(Succeed())
		Expect(l.to(Stopped)).To(Succeed())
	})
})
