package records

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"aiperf/config"
	"aiperf/metrics"
)

var _ = Describe("a load beside the calibration", func() {
	calibrated := func(streaming bool) *config.Run {
		run := &config.Run{Calibration: &config.Calibration{
			Requests: config.CalibrationLadder{Unit: "requests/s", Max: 1000, FailedAt: 2000},
			Events:   config.CalibrationLadder{Unit: "events/s", Max: 40000, FailedAt: 50000},
			Streams:  config.CalibrationLadder{Unit: "streams", Max: 8000},
		}}
		run.Benchmark.Endpoint.Streaming = streaming
		return run
	}
	of := func(concurrency int64) []*phase {
		p := &phase{}
		p.config.Concurrency = &concurrency
		return []*phase{p, {}}
	}
	osl := []metrics.Result{{Tag: "output_sequence_length", Stats: metrics.Stats{Avg: ptr(100.0)}}}

	It("has no sides on a machine that was never calibrated", func() {
		Expect(loads(&config.Run{}, of(5), &metrics.Quality{AskedRPS: ptr(9.0)}, osl)).To(BeEmpty())
	})
	It("counts streamed events and streams", func() {
		Expect(loads(calibrated(true), of(64), &metrics.Quality{AskedRPS: ptr(300.0), DeliveredRPS: ptr(200.0)}, osl)).To(Equal([]metrics.Load{
			{Unit: "requests/s", Asked: 300, Max: 1000, FailedAt: 2000},
			{Unit: "events/s", Asked: 30000, Max: 40000, FailedAt: 50000},
			{Unit: "streams", Asked: 64, Max: 8000},
		}))
	})
	It("counts requests alone when answers come in one piece, delivered ones without a rate", func() {
		Expect(loads(calibrated(false), of(64), &metrics.Quality{DeliveredRPS: ptr(200.0)}, osl)).To(Equal([]metrics.Load{
			{Unit: "requests/s", Asked: 200, Max: 1000, FailedAt: 2000},
		}))
	})
	It("is not known without requests", func() {
		Expect(loads(calibrated(false), nil, &metrics.Quality{}, nil)).To(BeEmpty())
	})
})
