package messages

import "aiperf/clock"

// PhaseStats is the state of one phase's credits. Times are wall nanoseconds, 0
// until reached; the final counts are absent before they are final.
type PhaseStats struct {
	Phase          string `msgpack:"phase"` // warmup, profiling
	PhaseName      string `msgpack:"phase_name"`
	PhaseKind      string `msgpack:"phase_kind"`
	PhaseIndex     int    `msgpack:"phase_index"`
	ProfilingIndex *int   `msgpack:"profiling_index,omitempty"`

	StartNS       clock.WallNS `msgpack:"start_ns,omitempty"`
	SentEndNS     clock.WallNS `msgpack:"sent_end_ns,omitempty"`
	RequestsEndNS clock.WallNS `msgpack:"requests_end_ns,omitempty"`

	TotalExpectedRequests  *int64   `msgpack:"total_expected_requests,omitempty"`
	ExpectedDurationSec    *float64 `msgpack:"expected_duration_sec,omitempty"`
	ExpectedNumSessions    *int64   `msgpack:"expected_num_sessions,omitempty"`
	ExpectedGracePeriodSec *float64 `msgpack:"expected_grace_period_sec,omitempty"`

	RequestsSent      int64 `msgpack:"requests_sent"`
	RequestsCompleted int64 `msgpack:"requests_completed"`
	RequestsCancelled int64 `msgpack:"requests_cancelled"`
	RequestErrors     int64 `msgpack:"request_errors"`
	SentSessions      int64 `msgpack:"sent_sessions"`
	CompletedSessions int64 `msgpack:"completed_sessions"`
	CancelledSessions int64 `msgpack:"cancelled_sessions"`
	TotalSessionTurns int64 `msgpack:"total_session_turns"`

	FinalRequestsSent      *int64 `msgpack:"final_requests_sent,omitempty"`
	FinalSentSessions      *int64 `msgpack:"final_sent_sessions,omitempty"`
	FinalRequestsCompleted *int64 `msgpack:"final_requests_completed,omitempty"`
	FinalRequestsCancelled *int64 `msgpack:"final_requests_cancelled,omitempty"`
	FinalRequestErrors     *int64 `msgpack:"final_request_errors,omitempty"`
	FinalCompletedSessions *int64 `msgpack:"final_completed_sessions,omitempty"`
	FinalCancelledSessions *int64 `msgpack:"final_cancelled_sessions,omitempty"`

	TimeoutTriggered            bool `msgpack:"timeout_triggered"`
	GracePeriodTimeoutTriggered bool `msgpack:"grace_period_timeout_triggered"`
	WasCancelled                bool `msgpack:"was_cancelled"`

	LostRequests int64 `msgpack:"lost_requests"`
	LostTicks    int64 `msgpack:"lost_ticks"`
	Reanchors    int64 `msgpack:"reanchors"`
}

// InFlight is how many requests are sent and not returned.
func (s *PhaseStats) InFlight() int64 {
	return s.RequestsSent - s.RequestsCompleted - s.RequestsCancelled
}

// PhaseConfig is what a phase was asked to do.
type PhaseConfig struct {
	Phase                 string   `msgpack:"phase"`
	PhaseName             string   `msgpack:"phase_name"`
	PhaseKind             string   `msgpack:"phase_kind"`
	PhaseIndex            int      `msgpack:"phase_index"`
	ProfilingIndex        *int     `msgpack:"profiling_index,omitempty"`
	TimingMode            string   `msgpack:"timing_mode"`
	TotalExpectedRequests *int64   `msgpack:"total_expected_requests,omitempty"`
	ExpectedNumSessions   *int64   `msgpack:"expected_num_sessions,omitempty"`
	ExpectedDurationSec   *float64 `msgpack:"expected_duration_sec,omitempty"`
	Seamless              bool     `msgpack:"seamless"`
	Concurrency           *int64   `msgpack:"concurrency,omitempty"`
	RequestRate           *float64 `msgpack:"request_rate,omitempty"` // requests/s
	ArrivalPattern        string   `msgpack:"arrival_pattern"`
	GracePeriodSec        *float64 `msgpack:"grace_period_sec,omitempty"`
	GracePeriodInfinite   bool     `msgpack:"grace_period_infinite,omitempty"`
	ExcludeFromResults    bool     `msgpack:"exclude_from_results"`
}

// CreditPhasesConfigured announces all phases before the first starts.
type CreditPhasesConfigured struct {
	Configs []PhaseConfig `msgpack:"configs"`
}

func (*CreditPhasesConfigured) MessageType() string { return "credit_phases_configured" }

// CreditPhaseStart says that a phase has started.
type CreditPhaseStart struct {
	Stats  PhaseStats  `msgpack:"stats"`
	Config PhaseConfig `msgpack:"config"`
}

func (*CreditPhaseStart) MessageType() string { return "credit_phase_start" }

// CreditPhaseProgress carries live counts, at an interval and before each border.
type CreditPhaseProgress struct {
	Stats PhaseStats `msgpack:"stats"`
}

func (*CreditPhaseProgress) MessageType() string { return "credit_phase_progress" }

// CreditPhaseSendingComplete says that the last credit is issued; sent counts are final.
type CreditPhaseSendingComplete struct {
	Stats PhaseStats `msgpack:"stats"`
}

func (*CreditPhaseSendingComplete) MessageType() string { return "credit_phase_sending_complete" }

// CreditPhaseComplete says that every credit of the phase has ended.
type CreditPhaseComplete struct {
	Stats PhaseStats `msgpack:"stats"`
	// NoRecord are the ids that have no record (cancelled before their start), as
	// ranges [first, last].
	NoRecord [][2]int64 `msgpack:"no_record,omitempty"`
}

func (*CreditPhaseComplete) MessageType() string { return "credit_phase_complete" }

// CreditsComplete is sent after the last phase, always.
type CreditsComplete struct {
	WasCancelled bool          `msgpack:"was_cancelled,omitempty"`
	Error        *ErrorDetails `msgpack:"error,omitempty"` // a phase failed
}

func (*CreditsComplete) MessageType() string { return "credits_complete" }

// WorkerStats counts a worker's records.
type WorkerStats struct {
	SuccessRecords int64 `msgpack:"success_records"`
	ErrorRecords   int64 `msgpack:"error_records"`
}

// RecordStats is the records manager's view of a phase.
type RecordStats struct {
	PhaseStats       `msgpack:",inline"`
	RecordsEndNS     clock.WallNS `msgpack:"records_end_ns,omitempty"`
	SuccessRecords   int64        `msgpack:"success_records"`
	ErrorRecords     int64        `msgpack:"error_records"`
	CancelledRecords int64        `msgpack:"cancelled_records"`
}

// ProcessingStats is published at an interval while there are records, and once at the end.
type ProcessingStats struct {
	ProcessingStats RecordStats            `msgpack:"processing_stats"`
	WorkerStats     map[string]WorkerStats `msgpack:"worker_stats"`
	RequestNS       clock.WallNS           `msgpack:"request_ns,omitempty"`
}

func (*ProcessingStats) MessageType() string { return "processing_stats" }

// AllRecordsReceived says that the record of every credit is in.
type AllRecordsReceived struct {
	FinalProcessingStats RecordStats  `msgpack:"final_processing_stats"`
	RequestNS            clock.WallNS `msgpack:"request_ns,omitempty"`
}

func (*AllRecordsReceived) MessageType() string { return "all_records_received" }
