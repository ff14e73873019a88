package messages

import (
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/clock"
)

// Registration is a service's first word to the controller, repeated until acknowledged.
type Registration struct {
	ServiceType     string   `msgpack:"service_type"`
	State           string   `msgpack:"state"`
	ProtocolVersion int      `msgpack:"protocol_version"`
	Capabilities    []string `msgpack:"capabilities,omitempty"` // such as result_producer:profile
	Token           string   `msgpack:"token"`                  // of the run; a wrong one is refused
	PID             int      `msgpack:"pid"`
}

func (*Registration) MessageType() string { return "registration" }

// RegistrationAck answers the registration with the same request id.
type RegistrationAck struct {
	Refused string `msgpack:"refused,omitempty"` // reason; empty = accepted
}

func (*RegistrationAck) MessageType() string { return "registration_ack" }

// ReregisterRequest says that the controller does not know the sender.
type ReregisterRequest struct{}

func (*ReregisterRequest) MessageType() string { return "reregister_request" }

// Heartbeat tells that a service lives; on the control socket and on the bus.
type Heartbeat struct {
	ServiceType string       `msgpack:"service_type"`
	State       string       `msgpack:"state"`                // created, initializing, initialized, starting, running, stopping, stopped, failed
	RequestNS   clock.WallNS `msgpack:"request_ns,omitempty"` // when it was taken
}

func (*Heartbeat) MessageType() string { return "heartbeat" }

// StatusUpdate tells of a lifecycle change.
type StatusUpdate struct {
	ServiceType string `msgpack:"service_type"`
	State       string `msgpack:"state"`
}

func (*StatusUpdate) MessageType() string { return "status_update" }

// Command names.
const (
	CommandProfileConfigure  = "profile_configure"
	CommandProfileStart      = "profile_start"
	CommandProfileComplete   = "profile_complete"
	CommandProfileCancel     = "profile_cancel"
	CommandFinalizeArtifacts = "finalize_artifacts"
	CommandShutdown          = "shutdown"
	CommandServiceDown       = "service_down"
	CommandServiceUp         = "service_up"
	CommandRealtimeMetrics   = "realtime_metrics"
)

// Command asks a service for something; both ways between a service and the controller.
type Command struct {
	CommandID string             `msgpack:"command_id"`
	Command   string             `msgpack:"command"`
	Payload   msgpack.RawMessage `msgpack:"payload,omitempty"` // the command's own map
}

func (*Command) MessageType() string { return "command" }

// Command outcomes.
const (
	StatusAcknowledged = "acknowledged"
	StatusSuccess      = "success"
	StatusFailure      = "failure"
	StatusUnhandled    = "unhandled"
)

// CommandResponse pairs with its command by the command id alone.
type CommandResponse struct {
	CommandID string             `msgpack:"command_id"`
	Command   string             `msgpack:"command"`
	Status    string             `msgpack:"status"`
	Payload   msgpack.RawMessage `msgpack:"payload,omitempty"`
	Error     *ErrorDetails      `msgpack:"error,omitempty"`
}

func (*CommandResponse) MessageType() string { return "command_response" }

// ConnectionProbe is sent to oneself over the bus to prove the way through it.
type ConnectionProbe struct {
	TargetServiceID string `msgpack:"target_service_id"`
}

func (*ConnectionProbe) MessageType() string { return "connection_probe" }

// System states, in order; the state only advances.
const (
	SystemInitializing = "initializing"
	SystemConfiguring  = "configuring"
	SystemReady        = "ready"
	SystemProfiling    = "profiling"
	SystemProcessing   = "processing"
	SystemStopping     = "stopping"
	SystemShutdown     = "shutdown"
)

// SystemStateChanged tells of a step of the run.
type SystemStateChanged struct {
	State string `msgpack:"state"` // initializing, configuring, ready, profiling, processing, stopping, shutdown
}

func (*SystemStateChanged) MessageType() string { return "system_state_changed" }

// ServiceError is an error that a service could not handle itself.
type ServiceError struct {
	Error ErrorDetails `msgpack:"error"`
}

func (*ServiceError) MessageType() string { return "service_error" }

// ServiceDown says that a process has ended without being asked to.
type ServiceDown struct {
	DownServiceID string `msgpack:"down_service_id"`          // which process
	ServiceType   string `msgpack:"service_type"`             // such as worker
	ExitCode      *int   `msgpack:"exit_code,omitempty"`      // absent when a signal ended it
	Signal        string `msgpack:"signal,omitempty"`         // such as killed
	Restarting    bool   `msgpack:"restarting"`               // another one is started instead
	ReplacementID string `msgpack:"replacement_id,omitempty"` // id of the process started instead
	StderrTail    string `msgpack:"stderr_tail,omitempty"`    // the last lines that it wrote to stderr
}

func (*ServiceDown) MessageType() string { return "service_down" }

// ResultsExported says that every artifact is whole.
type ResultsExported struct {
	WasCancelled bool `msgpack:"was_cancelled"` // the run was interrupted
}

func (*ResultsExported) MessageType() string { return "results_exported" }

// BenchmarkComplete is the last word of a run.
type BenchmarkComplete struct {
	WasCancelled bool `msgpack:"was_cancelled"` // the run was interrupted
}

func (*BenchmarkComplete) MessageType() string { return "benchmark_complete" }

// ProfileCompletePayload is the payload of profile_complete: the profiling window.
type ProfileCompletePayload struct {
	StartNS       clock.WallNS `msgpack:"start_ns"`
	EndNS         clock.WallNS `msgpack:"end_ns"`
	WarmupStartNS clock.WallNS `msgpack:"warmup_start_ns,omitempty"`
	WarmupEndNS   clock.WallNS `msgpack:"warmup_end_ns,omitempty"`
}

// ProfileCancelPayload is the payload of profile_cancel.
type ProfileCancelPayload struct {
	OriginServiceID string `msgpack:"origin_service_id,omitempty"`
	Reason          string `msgpack:"reason,omitempty"`
}
