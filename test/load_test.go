package test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// mostAtOnce is the largest number of requests that were at the server together.
func mostAtOnce(log []answered) int {
	type border struct {
		at    int64
		delta int
	}
	var borders []border
	for _, a := range log {
		borders = append(borders, border{a.ArrivalPerfNS, 1}, border{a.EndPerfNS, -1})
	}
	slices.SortFunc(borders, func(a, b border) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.delta - b.delta
	})
	now, most := 0, 0
	for _, b := range borders {
		now += b.delta
		most = max(most, now)
	}
	return most
}

var _ = Describe("loads, as the server sees them", Label("e2e"), func() {
	run := func(latency string, args ...string) []answered {
		GinkgoHelper()
		log := filepath.Join(GinkgoT().TempDir(), "requests.jsonl")
		url := target("--ttft", latency, "--itl", "1", "--request-log", log)
		p, code := aiperf(append([]string{"profile", "--model", "m", "--tokenizer", "builtin", "--url", url, "--isl", "20", "--osl", "2",
			"--random-seed", "5", "--ui", "none", "--workers-max", "2", "--artifact-dir", artifacts()}, args...)...)
		Expect(code).To(Equal(0), p.output())
		return serverLog(log)
	}

	It("let users begin in the order of a load that goes on, each with the turns that are left", func() {
		log := run("1", "--user-centric-rate", "30", "--num-users", "15", "--session-turns-mean", "20", "--num-dataset-entries", "20", "--request-count", "30")
		Expect(log).To(HaveLen(30))
		var users []string
		for _, a := range log {
			user := strings.TrimPrefix(a.CorrelationID, "0-")
			if !slices.Contains(users, user) {
				users = append(users, user)
			}
		}
		Expect(strings.Join(users[:15], " ")).To(Equal("16 5 9 13 2 6 10 14 3 7 11 15 4 8 12"))
	})

	It("raise the concurrency step by step, to its value and no further", func() {
		log := run("100", "--streaming", "--concurrency", "6", "--concurrency-ramp-duration", "2", "--benchmark-duration", "3")
		Expect(mostAtOnce(log)).To(Equal(6))
		begin, end := log[0].ArrivalPerfNS, log[len(log)-1].ArrivalPerfNS
		early, late := 0, 0
		for _, a := range log {
			switch third := (a.ArrivalPerfNS - begin) * 3 / (end - begin + 1); third {
			case 0:
				early++
			case 2:
				late++
			}
		}
		Expect(early).To(BeNumerically("<", late), "2 sessions on average come before 6")
	})

	It("end when more requests fail than are put up with, with what there is by then", func() {
		url := target("--fast", "--error-rate", "1")
		p, code := aiperf("profile", "--model", "m", "--tokenizer", "builtin", "--url", url, "--isl", "20", "--concurrency", "2", "--request-count", "5000",
			"--failed-request-threshold", "0.5", "--ui", "none", "--artifact-dir", artifacts())
		Expect(code).To(Equal(1), p.output())
		Expect(p.output()).To(ContainSubstring("FailedRequestThresholdError"))
		Expect(p.output()).To(ContainSubstring("a larger share than 0.5 (--failed-request-threshold)"))
		records, err := os.ReadFile(filepath.Join(p.dir, "profile_export.jsonl"))
		Expect(err).NotTo(HaveOccurred())
		Expect(strings.Count(string(records), "\n")).To(And(BeNumerically(">=", 10), BeNumerically("<", 5000)))
	})

	It("raise the rate, so that most of the requests come late", func() {
		log := run("1", "--request-rate", "60", "--arrival-pattern", "constant", "--request-rate-ramp-duration", "2", "--benchmark-duration", "2")
		Expect(len(log)).To(BeNumerically("~", 62, 6), "half of 2 s at 60/s, and a little for its start")
		begin, end := log[0].ArrivalPerfNS, log[len(log)-1].ArrivalPerfNS
		early := 0
		for _, a := range log {
			if a.ArrivalPerfNS-begin < (end-begin)/2 {
				early++
			}
		}
		Expect(early).To(BeNumerically("<", len(log)*2/5))
	})
})
