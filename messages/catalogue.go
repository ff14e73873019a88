package messages

import "sort"

// Plane is where a message type travels.
type Plane string

// The planes.
const (
	OnEventBus Plane = "event bus"
	OnControl  Plane = "control"
	OnCredits  Plane = "credit sockets"
	OnRecords  Plane = "records path"
	OnDataset  Plane = "dataset"
	OnLogPipe  Plane = "log pipe"
)

// Kind is one message type of the protocol: the one place where its name, its
// fields (the type itself), its way and its meaning stand together.
type Kind struct {
	New      func() Message
	Planes   []Plane
	From, To string
	About    string
	// Public types are the stable surface for programs outside.
	Public bool
}

// Name is the type's message_type.
func (k Kind) Name() string { return k.New().MessageType() }

func kind[T any, M interface {
	*T
	Message
}](from, to, about string, public bool, planes ...Plane) Kind {
	return Kind{New: func() Message { return M(new(T)) }, Planes: planes, From: from, To: to, About: about, Public: public}
}

// Catalogue lists every message type of the mesh.
func Catalogue() []Kind {
	return []Kind{
		kind[MetricRecords]("record processor; records manager", "records manager; consumers", "A batch of finished requests in numbers: the live stream. Numbers are in base units (ns for latencies).", true, OnEventBus, OnRecords),
		kind[CreditPhasesConfigured]("timing manager", "consumers", "All phases of the run, before the first starts.", true, OnEventBus),
		kind[CreditPhaseStart]("timing manager", "records manager; consumers", "A phase has started.", true, OnEventBus, OnRecords),
		kind[CreditPhaseProgress]("timing manager", "consumers", "Live counts of the running phase: every 2 s, and before each border.", true, OnEventBus),
		kind[CreditPhaseSendingComplete]("timing manager", "consumers", "The last credit of the phase is issued; the sent counts are final.", true, OnEventBus),
		kind[CreditPhaseComplete]("timing manager", "records manager; consumers", "Every credit of the phase has ended.", true, OnEventBus, OnRecords),
		kind[PhaseBaselineRequest]("timing manager", "collectors; consumers", "A phase is about to begin, or has its last answer: collectors take a sample.", true, OnEventBus),
		kind[PhaseBaselineAck]("collector", "timing manager; consumers", "The sample is taken. A phase waits for it at most 2 s.", true, OnEventBus),
		kind[CreditsComplete]("timing manager", "controller; records manager; consumers", "The last phase has ended.", true, OnEventBus, OnControl, OnRecords),
		kind[ProcessingStats]("records manager", "consumers", "Counts of records, every 2 s while there are records and once at the end.", true, OnEventBus),
		kind[AllRecordsReceived]("records manager", "controller; consumers", "The record of every credit is in.", true, OnEventBus, OnControl),
		kind[RealtimeMetrics]("records manager", "consumers", "The running phase summarised so far, in display units.", true, OnEventBus),
		kind[ProcessRecordsResult]("records manager", "controller; consumers", "The results of the run.", true, OnEventBus, OnControl),
		kind[ProcessTelemetryResult]("records manager", "controller; consumers", "The GPU results of the run.", true, OnEventBus, OnControl),
		kind[TelemetryStatus]("GPU telemetry manager", "controller; consumers", "Which GPU sources answer.", true, OnEventBus, OnControl),
		kind[DatasetConfiguredNotification]("dataset manager", "services; consumers", "The dataset is ready: what it holds and where it is mapped.", true, OnEventBus),
		kind[DatasetConfigurationFailed]("dataset manager", "services; consumers", "There will be no dataset.", true, OnEventBus),
		kind[SystemStateChanged]("controller", "consumers", "A step of the run: initializing, configuring, ready, profiling, processing, stopping, shutdown.", true, OnEventBus),
		kind[ServiceDown]("launcher; controller", "consumers", "A process ended without being asked to.", true, OnEventBus),
		kind[ServiceError]("any service", "controller; consumers", "An error that a service could not handle.", true, OnEventBus),
		kind[WorkerHealth]("worker", "controller; consumers", "CPU, memory and task counts of a worker, every 2 s.", true, OnEventBus),
		kind[WorkerStartupState]("worker", "controller; consumers", "How far a worker's start has come.", true, OnEventBus),
		kind[WorkerStatusSummary]("controller", "consumers", "The status of every worker, every 0.5 s.", true, OnEventBus),
		kind[ResultsExported]("controller", "consumers", "Every artifact is whole on disk.", true, OnEventBus),
		kind[BenchmarkComplete]("controller", "consumers", "The run is over and its files are whole; only the farewells of single processes come after it.", true, OnEventBus),
		kind[Heartbeat]("any service", "controller; consumers", "A service lives, every 5 s.", true, OnEventBus, OnControl),
		kind[ConnectionProbe]("any service", "itself", "Proves the way through the bus at start.", false, OnEventBus),

		kind[Registration]("any service", "controller", "First word of a service; repeated until answered.", false, OnControl),
		kind[RegistrationAck]("controller", "service", "Admits or refuses.", false, OnControl),
		kind[ReregisterRequest]("controller", "service", "The controller does not know the sender.", false, OnControl),
		kind[StatusUpdate]("any service", "controller", "A lifecycle change.", false, OnControl),
		kind[Command]("controller; service", "service; controller", "Asks for something.", false, OnControl),
		kind[CommandResponse]("service; controller", "controller; service", "Answers a command.", false, OnControl),
		kind[RunReport]("controller", "launcher", "How the run ended and what to show.", false, OnControl),

		kind[Credits]("timing manager", "worker", "Permission to send requests, a batch.", false, OnCredits),
		kind[CancelCredits]("timing manager", "worker", "Abort these.", false, OnCredits),
		kind[CreditReturns]("worker", "timing manager", "How credits ended, a batch.", false, OnCredits),
		kind[WorkerConnected]("worker", "timing manager", "The return path is up.", false, OnCredits),
		kind[WorkerDispatchable]("worker", "timing manager", "Credits may be sent.", false, OnCredits),
		kind[WorkerUndispatchable]("worker", "timing manager", "No more credits, please.", false, OnCredits),
		kind[WorkerShutdown]("worker", "timing manager", "Leaves, after its last return.", false, OnCredits),

		kind[RawResults]("worker", "record processor", "Finished requests as they came from the wire, a batch.", false, OnRecords),
		kind[TelemetryRecords]("GPU telemetry manager", "records manager", "GPU samples, a batch.", false, OnRecords),

		kind[ConversationRequest]("any service", "dataset manager", "Asks for a conversation.", false, OnDataset),
		kind[ConversationResponse]("dataset manager", "asker", "The conversation.", false, OnDataset),
		kind[ConversationTurnRequest]("any service", "dataset manager", "Asks for one turn.", false, OnDataset),
		kind[ConversationTurnResponse]("dataset manager", "asker", "The turn.", false, OnDataset),
		kind[DatasetConfigStatusRequest]("any service", "dataset manager", "Asks whether the dataset is ready.", false, OnDataset),
		kind[DatasetConfigStatusResponse]("dataset manager", "asker", "The announcement, if there was one.", false, OnDataset),
		kind[RequestError]("dataset manager", "asker", "The request could not be served.", false, OnDataset),

		kind[LogRecord]("any service", "launcher", "One log line.", false, OnLogPipe),
		kind[ExitError]("any service", "launcher", "An error that ended a service's work.", false, OnLogPipe),
	}
}

// BusTypes lists the message types of the event bus, sorted.
func BusTypes() []string {
	var names []string
	for _, k := range Catalogue() {
		for _, p := range k.Planes {
			if p == OnEventBus {
				names = append(names, k.Name())
			}
		}
	}
	sort.Strings(names)
	return names
}

// OnBus tells whether a message type travels on the event bus.
func OnBus(messageType string) bool {
	names := BusTypes()
	i := sort.SearchStrings(names, messageType)
	return i < len(names) && names[i] == messageType
}
