package messages

import "aiperf/clock"

// PhaseStats is the state of one phase's credits. Times are wall nanoseconds, 0
// until reached; the final counts are absent before they are final.
type PhaseStats struct {
	Phase          string `msgpack:"phase"`                     // warmup, profiling
	PhaseName      string `msgpack:"phase_name"`                // warmup, profiling
	PhaseKind      string `msgpack:"phase_kind"`                // warmup, profiling
	PhaseIndex     int    `msgpack:"phase_index"`               // from 0, over all phases
	ProfilingIndex *int   `msgpack:"profiling_index,omitempty"` // from 0, over the profiling phases; absent in a warmup

	StartNS       clock.WallNS `msgpack:"start_ns,omitempty"`        // when the phase began
	SentEndNS     clock.WallNS `msgpack:"sent_end_ns,omitempty"`     // when its last credit was issued
	RequestsEndNS clock.WallNS `msgpack:"requests_end_ns,omitempty"` // when its last credit came back

	BaselineStartNS clock.WallNS `msgpack:"baseline_start_ns,omitempty"` // when the collectors had taken their samples before it; absent without any
	BaselineEndNS   clock.WallNS `msgpack:"baseline_end_ns,omitempty"`   // the same, behind it

	TotalExpectedRequests  *int64   `msgpack:"total_expected_requests,omitempty"`   // absent when another rule ends the phase, as for the next three
	ExpectedDurationSec    *float64 `msgpack:"expected_duration_sec,omitempty"`     // seconds
	ExpectedNumSessions    *int64   `msgpack:"expected_num_sessions,omitempty"`     // sessions
	ExpectedGracePeriodSec *float64 `msgpack:"expected_grace_period_sec,omitempty"` // seconds

	RequestsSent      int64 `msgpack:"requests_sent"`       // credits issued
	RequestsCompleted int64 `msgpack:"requests_completed"`  // credits that came back and were not cancelled; failed and lost ones included
	RequestsCancelled int64 `msgpack:"requests_cancelled"`  // credits that came back cancelled
	RequestErrors     int64 `msgpack:"request_errors"`      // those of requests_completed that failed
	SentSessions      int64 `msgpack:"sent_sessions"`       // sessions begun
	CompletedSessions int64 `msgpack:"completed_sessions"`  // sessions whose last turn came back
	CancelledSessions int64 `msgpack:"cancelled_sessions"`  // sessions that end before their last turn
	TotalSessionTurns int64 `msgpack:"total_session_turns"` // turns of the sessions begun

	FinalRequestsSent      *int64 `msgpack:"final_requests_sent,omitempty"` // requests_sent, once it is final; the same for the next six
	FinalSentSessions      *int64 `msgpack:"final_sent_sessions,omitempty"`
	FinalRequestsCompleted *int64 `msgpack:"final_requests_completed,omitempty"`
	FinalRequestsCancelled *int64 `msgpack:"final_requests_cancelled,omitempty"`
	FinalRequestErrors     *int64 `msgpack:"final_request_errors,omitempty"`
	FinalCompletedSessions *int64 `msgpack:"final_completed_sessions,omitempty"`
	FinalCancelledSessions *int64 `msgpack:"final_cancelled_sessions,omitempty"`

	TimeoutTriggered            bool `msgpack:"timeout_triggered"`              // the duration was over before the other stop rules were met
	GracePeriodTimeoutTriggered bool `msgpack:"grace_period_timeout_triggered"` // the grace period was over before the last credit came back
	WasCancelled                bool `msgpack:"was_cancelled"`                  // the run was interrupted

	LostRequests int64 `msgpack:"lost_requests"` // those of requests_completed whose worker died
	LostTicks    int64 `msgpack:"lost_ticks"`    // arrivals that were due and could not be sent
	Reanchors    int64 `msgpack:"reanchors"`     // how often the schedule was moved after a stall
}

// InFlight is how many requests are sent and not returned.
func (s *PhaseStats) InFlight() int64 {
	return s.RequestsSent - s.RequestsCompleted - s.RequestsCancelled
}

// PhaseConfig is what a phase was asked to do.
type PhaseConfig struct {
	Phase                 string   `msgpack:"phase"`                             // warmup, profiling
	PhaseName             string   `msgpack:"phase_name"`                        // warmup, profiling
	PhaseKind             string   `msgpack:"phase_kind"`                        // warmup, profiling
	PhaseIndex            int      `msgpack:"phase_index"`                       // from 0, over all phases
	ProfilingIndex        *int     `msgpack:"profiling_index,omitempty"`         // from 0, over the profiling phases; absent in a warmup
	TimingMode            string   `msgpack:"timing_mode"`                       // request_rate, user_centric_rate
	TotalExpectedRequests *int64   `msgpack:"total_expected_requests,omitempty"` // stop after so many requests
	ExpectedNumSessions   *int64   `msgpack:"expected_num_sessions,omitempty"`   // stop after so many sessions
	ExpectedDurationSec   *float64 `msgpack:"expected_duration_sec,omitempty"`   // stop sending after so many seconds
	Seamless              bool     `msgpack:"seamless"`                          // begins without waiting for the requests of the phase before
	Concurrency           *int64   `msgpack:"concurrency,omitempty"`             // most sessions in flight; absent = no limit
	RequestRate           *float64 `msgpack:"request_rate,omitempty"`            // requests/s; absent in a closed loop
	ArrivalPattern        string   `msgpack:"arrival_pattern"`                   // constant, poisson, gamma, concurrency_burst (a closed loop); empty for users at a pace
	NumUsers              *int64   `msgpack:"num_users,omitempty"`               // users who keep a pace each
	ArrivalSmoothness     *float64 `msgpack:"arrival_smoothness,omitempty"`      // shape of gamma arrivals; absent = 1
	ConcurrencyRampSec    *float64 `msgpack:"concurrency_ramp_sec,omitempty"`    // seconds in which the concurrency grows from 1 to its value
	RateRampSec           *float64 `msgpack:"rate_ramp_sec,omitempty"`           // seconds in which the rate grows to its value
	// RateCurve is how the rate changes, linear between points: the ramp, and a series of rates;
	// absent when it does not.
	RateCurve           []RatePoint `msgpack:"rate_curve,omitempty"`
	GracePeriodSec      *float64    `msgpack:"grace_period_sec,omitempty"`         // seconds for requests in flight after the duration
	GracePeriodInfinite bool        `msgpack:"grace_period_infinite,omitempty"`    // requests in flight are waited for without limit
	FailedThreshold     *float64    `msgpack:"failed_request_threshold,omitempty"` // share of failed requests above which the run is given up
	ExcludeFromResults  bool        `msgpack:"exclude_from_results"`               // true for a warmup

	RequestCancellation *RequestCancellation `msgpack:"request_cancellation,omitempty"` // absent: every answer is read to its end
}

// RequestCancellation simulates clients that hang up.
type RequestCancellation struct {
	Rate  float64 `msgpack:"rate"`  // share of the requests, percent
	Delay float64 `msgpack:"delay"` // seconds after all of the request is sent
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
	// LostTicksBySecond are the lost ticks as pairs [second of the phase, how many], for
	// the seconds that have any.
	LostTicksBySecond [][2]int64 `msgpack:"lost_ticks_by_second,omitempty"`
	// CutSessions are sessions whose remaining turns were given up, the first
	// MaxCutSessions of them.
	CutSessions []CutSession `msgpack:"cut_sessions,omitempty"`
	// BranchStats are absent when no conversation branches.
	BranchStats *BranchStats `msgpack:"branch_stats,omitempty"`
}

// BranchStats counts what became of branches. A child is a session that another one's
// turn started.
type BranchStats struct {
	ChildrenSpawned   int64 `msgpack:"children_spawned"`   // started
	ChildrenCompleted int64 `msgpack:"children_completed"` // ended without a failed turn
	ChildrenErrored   int64 `msgpack:"children_errored"`   // ended with one, or with their worker
	ChildrenTruncated int64 `msgpack:"children_truncated"` // refused by a stop condition, before their first turn or after
	ChildrenDelayed   int64 `msgpack:"children_delayed"`   // sent at an instant of their own
	ParentsSuspended  int64 `msgpack:"parents_suspended"`  // waits of a turn for children
	ParentsResumed    int64 `msgpack:"parents_resumed"`    // of these, those that were over

	ParentsFailedDueToChildError int64 `msgpack:"parents_failed_due_to_child_error"` // with AIPERF_DAG_FAIL_FAST
	JoinsSuppressed              int64 `msgpack:"joins_suppressed"`                  // turns that a stop condition refused after their wait
	GraphsAdmitted               int64 `msgpack:"graphs_admitted"`                   // request-less coordinators started
	GraphsCompletedToEnd         int64 `msgpack:"graphs_completed_to_end"`           // of these, those that ended
}

// Add joins the counts of another phase.
func (b *BranchStats) Add(o *BranchStats) {
	b.ChildrenSpawned += o.ChildrenSpawned
	b.ChildrenCompleted += o.ChildrenCompleted
	b.ChildrenErrored += o.ChildrenErrored
	b.ChildrenTruncated += o.ChildrenTruncated
	b.ChildrenDelayed += o.ChildrenDelayed
	b.ParentsSuspended += o.ParentsSuspended
	b.ParentsResumed += o.ParentsResumed
	b.ParentsFailedDueToChildError += o.ParentsFailedDueToChildError
	b.JoinsSuppressed += o.JoinsSuppressed
	b.GraphsAdmitted += o.GraphsAdmitted
	b.GraphsCompletedToEnd += o.GraphsCompletedToEnd
}

// MaxCutSessions bounds how many of them are named; the statistics count all.
const MaxCutSessions = 1000

// CutSession is a session that ended before its last turn because the worker that held
// its history was lost.
type CutSession struct {
	XCorrelationID string `msgpack:"x_correlation_id"` // the session
	ConversationID string `msgpack:"conversation_id"`  // entry of the dataset
	TurnsSent      int    `msgpack:"turns_sent"`       // of them
	Turns          int    `msgpack:"turns"`            // in all
	WorkerID       string `msgpack:"worker_id"`        // that was lost
}

func (*CreditPhaseComplete) MessageType() string { return "credit_phase_complete" }

// CreditsComplete is sent after the last phase, always.
type CreditsComplete struct {
	WasCancelled bool          `msgpack:"was_cancelled,omitempty"` // the run was interrupted
	Error        *ErrorDetails `msgpack:"error,omitempty"`         // a phase failed
}

func (*CreditsComplete) MessageType() string { return "credits_complete" }

// WorkerStats counts a worker's records.
type WorkerStats struct {
	SuccessRecords int64 `msgpack:"success_records"` // records without an error
	ErrorRecords   int64 `msgpack:"error_records"`   // records of failed requests
}

// RecordStats is the records manager's view of a phase.
type RecordStats struct {
	PhaseStats       `msgpack:",inline"`
	RecordsEndNS     clock.WallNS `msgpack:"records_end_ns,omitempty"` // when the last record came
	SuccessRecords   int64        `msgpack:"success_records"`          // records without an error
	ErrorRecords     int64        `msgpack:"error_records"`            // records of failed and lost requests
	CancelledRecords int64        `msgpack:"cancelled_records"`        // records of cancelled requests
}

// ProcessingStats is published at an interval while there are records, and once at the end.
type ProcessingStats struct {
	ProcessingStats RecordStats            `msgpack:"processing_stats"`
	WorkerStats     map[string]WorkerStats `msgpack:"worker_stats"`         // by worker id
	RequestNS       clock.WallNS           `msgpack:"request_ns,omitempty"` // when the counts were taken
}

func (*ProcessingStats) MessageType() string { return "processing_stats" }

// AllRecordsReceived says that the record of every credit is in.
type AllRecordsReceived struct {
	FinalProcessingStats RecordStats  `msgpack:"final_processing_stats"`
	RequestNS            clock.WallNS `msgpack:"request_ns,omitempty"` // when the counts were taken
}

func (*AllRecordsReceived) MessageType() string { return "all_records_received" }

// RatePoint is a rate at an instant of a phase.
type RatePoint struct {
	Sec    float64 `json:"time_s" msgpack:"sec"`  // seconds from the phase's start
	PerSec float64 `json:"qps" msgpack:"per_sec"` // requests/s
}
