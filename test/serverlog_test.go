package test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// answered is one line of the embedded server's log.
type answered struct {
	RequestID     string `json:"request_id"`
	CorrelationID string `json:"correlation_id"`
	Connection    int64  `json:"connection"`
	BodySHA256    string `json:"body_sha256"`
	BodyBytes     int64  `json:"body_bytes"`
	ArrivalPerfNS int64  `json:"arrival_perf_ns"`
	EndPerfNS     int64  `json:"end_perf_ns"`
	Aborted       bool   `json:"aborted"`
	// What was asked and answered is there when the server was asked to log bodies.
	Body   string `json:"body"`
	Answer string `json:"answer"`
}

// serverLog reads what the server saw, in the order in which requests arrived.
func serverLog(path string) (out []answered) {
	GinkgoHelper()
	b, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	for _, line := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
		var a answered
		Expect(json.Unmarshal(line, &a)).To(Succeed(), string(line))
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b answered) int { return int(a.ArrivalPerfNS - b.ArrivalPerfNS) })
	return out
}
