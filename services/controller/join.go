package controller

import (
	"fmt"
	"sort"
	"sync"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/messages"
)

// Result domains: what services announce that they owe.
const (
	domainProfile   = "profile"
	domainTelemetry = "telemetry"
)

// join gathers what the end of the run waits for. All of it arrives on the control
// socket, never on the lossy bus alone. It is safe for concurrent use.
type join struct {
	mu              sync.Mutex
	creditsComplete chan struct{}
	credits         *messages.CreditsComplete
	results         map[string]msgpack.RawMessage // by domain
	telemetryStatus *messages.TelemetryStatus
	changed         chan struct{} // closed and replaced at each arrival
}

func newJoin() *join {
	return &join{creditsComplete: make(chan struct{}), results: map[string]msgpack.RawMessage{}, changed: make(chan struct{})}
}

// take keeps one message. Of what comes twice the first counts.
func (j *join) take(e messages.Envelope) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch e.Type {
	case "credits_complete":
		var m messages.CreditsComplete
		if err := e.Decode(&m); err != nil {
			return err
		}
		if j.credits == nil {
			j.credits = &m
			close(j.creditsComplete)
		}
	case "all_records_received":
		// For the pulse of the wait; the result itself follows.
	case "process_records_result":
		var m messages.ProcessRecordsResult
		if err := e.Decode(&m); err != nil {
			return err
		}
		j.keep(domainProfile, m.Results)
	case "process_telemetry_result":
		var m messages.ProcessTelemetryResult
		if err := e.Decode(&m); err != nil {
			return err
		}
		j.keep(domainTelemetry, m.TelemetryResult)
	case "telemetry_status":
		var m messages.TelemetryStatus
		if err := e.Decode(&m); err != nil {
			return err
		}
		j.telemetryStatus = &m
	default:
		return fmt.Errorf("unknown message %s on the control socket", e.Type)
	}
	close(j.changed)
	j.changed = make(chan struct{})
	return nil
}

func (j *join) keep(domain string, result msgpack.RawMessage) {
	if _, repeated := j.results[domain]; !repeated {
		j.results[domain] = result
	}
}

// wait returns a channel that is closed at the next arrival.
func (j *join) wait() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}

// pending lists, of the owed domains, those whose result has not come and will.
func (j *join) pending(owed []string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	seen := map[string]bool{}
	var out []string
	for _, d := range owed {
		_, arrived := j.results[d]
		disabled := d == domainTelemetry && j.telemetryStatus != nil && !j.telemetryStatus.Enabled
		if !arrived && !disabled && !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	sort.Strings(out)
	return out
}

// result returns what a domain has delivered; empty when it has not.
func (j *join) result(domain string) msgpack.RawMessage {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.results[domain]
}

// status returns the timing manager's last word and the state of GPU telemetry, nil
// for what has not come.
func (j *join) status() (credits *messages.CreditsComplete, telemetry *messages.TelemetryStatus) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.credits, j.telemetryStatus
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// datasetGate holds configuration back until the dataset is ready or has failed.
type datasetGate struct {
	ready        chan struct{}
	once         sync.Once
	notification *messages.DatasetConfiguredNotification // nil after a failure
}

func newDatasetGate() *datasetGate { return &datasetGate{ready: make(chan struct{})} }

func (g *datasetGate) open(n *messages.DatasetConfiguredNotification) {
	g.once.Do(func() {
		g.notification = n
		close(g.ready)
	})
}

// errorLog keeps the errors that go into the run's report. It is safe for concurrent
// use.
type errorLog struct {
	mu     sync.Mutex
	errors []messages.ExitError
	fatal  *messages.ErrorDetails // the first one that ends a run which has not begun
}

// add notes an error; a fatal one ends the start-up.
func (l *errorLog) add(fatal bool, operation, serviceID string, e *messages.ErrorDetails) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if fatal && l.fatal == nil {
		l.fatal = e
	}
	const most = 100
	if len(l.errors) < most {
		l.errors = append(l.errors, messages.ExitError{ErrorDetails: *e, Operation: operation, FromService: serviceID})
	}
}

func (l *errorLog) firstFatal() *messages.ErrorDetails {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

func (l *errorLog) all() []messages.ExitError {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]messages.ExitError(nil), l.errors...)
}
