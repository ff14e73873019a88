package messages

// Kinds of a baseline.
const (
	BaselineStart = "start"
	BaselineEnd   = "end"
)

// PhaseBaselineRequest asks every collector for a sample at the border of a phase.
type PhaseBaselineRequest struct {
	PhaseID        string `msgpack:"phase_id"`                  // random; the acknowledgement repeats it
	PhaseIndex     int    `msgpack:"phase_index"`               // from 0, over all phases
	ProfilingIndex *int   `msgpack:"profiling_index,omitempty"` // from 0, over the profiling phases; absent in a warmup
	PhaseName      string `msgpack:"phase_name"`                // warmup, profiling
	PhaseKind      string `msgpack:"phase_kind"`                // warmup, profiling
	Kind           string `msgpack:"kind"`                      // start: before the first request; end: after the last answer
}

func (*PhaseBaselineRequest) MessageType() string { return "phase_baseline_request" }

// PhaseBaselineAck says that a collector has taken its sample, or could not.
type PhaseBaselineAck struct {
	PhaseID string        `msgpack:"phase_id"`        // of the request
	Kind    string        `msgpack:"kind"`            // of the request
	Success bool          `msgpack:"success"`         // every source that answers was read
	Error   *ErrorDetails `msgpack:"error,omitempty"` // what went wrong
}

func (*PhaseBaselineAck) MessageType() string { return "phase_baseline_ack" }
