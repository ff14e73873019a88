package config

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("what a ramp of the rate leaves out, in seconds at the full rate",
	func(r *Ramp, phaseSec, want float64) { Expect(r.Missing(phaseSec)).To(BeNumerically("~", want, 1e-12)) },
	Entry("without one", nil, 10.0, 0.0),
	Entry("half of it", &Ramp{DurationSec: 4}, 10.0, 2.0),
	Entry("half of the phase, when it is as long", &Ramp{DurationSec: 10}, 10.0, 5.0),
	Entry("more, when the phase ends on the way", &Ramp{DurationSec: 20}, 10.0, 7.5))
