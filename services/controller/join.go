package controller

import (
	"fmt"
	"sync"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/messages"
)

// join gathers what the end of the run waits for. All of it arrives on the control
// socket, never on the lossy bus alone. It is safe for concurrent use.
type join struct {
	mu              sync.Mutex
	creditsComplete chan struct{}
	allRecords      chan struct{}
	profile         chan struct{}
	creditsError    *messages.ErrorDetails
	profileResult   msgpack.RawMessage
	telemetryResult msgpack.RawMessage
	telemetryStatus *messages.TelemetryStatus
}

func newJoin() *join {
	return &join{creditsComplete: make(chan struct{}), allRecords: make(chan struct{}), profile: make(chan struct{})}
}

// take keeps one message. A repeated one changes nothing.
func (j *join) take(e messages.Envelope) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch e.Type {
	case "credits_complete":
		var m messages.CreditsComplete
		if err := e.Decode(&m); err != nil {
			return err
		}
		if once(j.creditsComplete) {
			j.creditsError = m.Error
		}
	case "all_records_received":
		once(j.allRecords)
	case "process_records_result":
		var m messages.ProcessRecordsResult
		if err := e.Decode(&m); err != nil {
			return err
		}
		if !isClosed(j.profile) {
			j.profileResult = m.Results
		}
		once(j.profile)
	case "process_telemetry_result":
		var m messages.ProcessTelemetryResult
		if err := e.Decode(&m); err != nil {
			return err
		}
		j.telemetryResult = m.TelemetryResult
	case "telemetry_status":
		var m messages.TelemetryStatus
		if err := e.Decode(&m); err != nil {
			return err
		}
		j.telemetryStatus = &m
	default:
		return fmt.Errorf("unknown message %s on the control socket", e.Type)
	}
	return nil
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// once closes c and tells whether this call did it.
func once(c chan struct{}) bool {
	if isClosed(c) {
		return false
	}
	close(c)
	return true
}

// results returns what has arrived.
func (j *join) results() (profile, telemetry msgpack.RawMessage, status *messages.TelemetryStatus, creditsError *messages.ErrorDetails) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.profileResult, j.telemetryResult, j.telemetryStatus, j.creditsError
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

// eventLog keeps the deaths of processes and the errors that services reported.
type eventLog struct {
	mu     sync.Mutex
	downs  []messages.ServiceDown
	errors []messages.ExitError
}

func (l *eventLog) add(d messages.ServiceDown) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.downs = append(l.downs, d)
}

func (l *eventLog) fail(serviceID string, e messages.ErrorDetails) {
	l.failed("service_runtime", serviceID, e)
}

func (l *eventLog) failed(operation, serviceID string, e messages.ErrorDetails) {
	l.mu.Lock()
	defer l.mu.Unlock()
	const most = 100
	if len(l.errors) < most {
		l.errors = append(l.errors, messages.ExitError{ErrorDetails: e, Operation: operation, FromService: serviceID})
	}
}

func (l *eventLog) snapshot() ([]messages.ServiceDown, []messages.ExitError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]messages.ServiceDown(nil), l.downs...), append([]messages.ExitError(nil), l.errors...)
}
