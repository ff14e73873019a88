package config

import (
	"aiperf/dataset"
	"aiperf/messages"
)

// Opt is a value with the bit that says whether the user gave it. Only what was
// given reaches the run; everything else takes its default.
type Opt[T any] struct {
	Value T
	Set   bool
	As    string // the flag as it was typed, for messages
}

// Or is the value, or the default when none was given.
func (o Opt[T]) Or(otherwise T) T {
	if o.Set {
		return o.Value
	}
	return otherwise
}

// pointer is the value, or nil when none was given.
func (o Opt[T]) pointer() *T {
	if !o.Set {
		return nil
	}
	v := o.Value
	return &v
}

// Flags is the flat record of everything that can be said on the command line of
// `aiperf profile`. Its rows in Table say what the fields mean.
type Flags struct {
	// Endpoint
	Models              Opt[[]string]
	ModelStrategy       Opt[string]
	Path                Opt[string]
	EndpointType        Opt[string]
	Streaming           Opt[bool]
	URLs                Opt[[]string]
	URLStrategy         Opt[string]
	RequestTimeoutSec   Opt[float64]
	APIKey              Opt[string]
	Transport           Opt[string]
	UseLegacyMaxTokens  Opt[bool]
	UseServerTokenCount Opt[bool]
	ConnectionReuse     Opt[string]
	SessionHeader       Opt[string]

	// Input
	ExtraInputs Opt[[]KeyValue]
	Headers     Opt[[]Header]
	Sampling    Opt[string]
	RandomSeed  Opt[uint64]

	// Output
	ArtifactDir     Opt[string]
	ExportPrefix    Opt[string]
	ExportLevel     Opt[string]
	ShowTraceTiming Opt[bool]
	ExportTrace     Opt[bool]
	ExportOutputs   Opt[bool]
	ExportParquet   Opt[bool]

	// Tokenizer
	Tokenizer         Opt[string]
	TokenizerRevision Opt[string]
	TrustRemoteCode   Opt[bool]

	ConfigFile     Opt[string]
	SLOs           Opt[[]sloAsk]
	RateSeriesFile Opt[string]

	InputFile          Opt[string]
	CustomDatasetType  Opt[string]
	BlockSize          Opt[int]
	FixedSchedule      Opt[bool]
	NoFixedSchedule    Opt[bool]
	ScheduleAutoOffset Opt[bool]
	ScheduleStartMS    Opt[float64]
	ScheduleEndMS      Opt[float64]
	SpeedupRatio       Opt[float64]
	ApplyChatTemplate  Opt[bool]

	// Load
	Concurrency    Opt[int]
	RequestRate    Opt[float64]
	ArrivalPattern Opt[string]
	// ArrivalSmoothness is the shape of gamma arrivals, in a warmup too.
	ArrivalSmoothness  Opt[float64]
	ConcurrencyRampSec Opt[float64]
	RateRampSec        Opt[float64]
	UserCentricRate    Opt[float64]
	Users              Opt[int]
	RequestCount       Opt[int]
	DurationSec        Opt[float64]
	GraceSec           Opt[float64] // +Inf = wait for everything

	CancellationRatePct  Opt[float64]
	CancellationDelaySec Opt[float64]
	FailedThreshold      Opt[float64]

	// Warmup
	WarmupRequests           Opt[int]
	WarmupDurationSec        Opt[float64]
	WarmupSessions           Opt[int]
	WarmupConcurrency        Opt[int]
	WarmupRate               Opt[float64]
	WarmupArrivalPattern     Opt[string]
	WarmupConcurrencyRampSec Opt[float64]
	WarmupRateRampSec        Opt[float64]
	WarmupGraceSec           Opt[float64]

	// Conversations and lengths
	Sessions          Opt[int]
	DatasetEntries    Opt[int]
	TurnsMean         Opt[int]
	TurnsStddev       Opt[int]
	TurnDelayMeanMS   Opt[float64]
	TurnDelayStddevMS Opt[float64]
	TurnDelayRatio    Opt[float64]
	ISL               Opt[int]
	ISLStddev         Opt[float64]
	OSL               Opt[int]
	OSLStddev         Opt[float64]
	BatchSize         Opt[int]
	Corpus            Opt[string]
	CorpusStyle       Opt[string]
	SeqDist           Opt[[]dataset.LengthPair]
	RangeRatio        Opt[dataset.RangeRatio]

	// Prefixes
	PrefixPoolSize     Opt[int]
	PrefixLength       Opt[int]
	SharedSystemLength Opt[int]
	UserContextLength  Opt[int]
	SystemPrompt       Opt[string]
	SystemPromptFile   Opt[string]

	// Media
	ImageBatchSize      Opt[int]
	ImageWidthMean      Opt[float64]
	ImageWidthStddev    Opt[float64]
	ImageHeightMean     Opt[float64]
	ImageHeightStddev   Opt[float64]
	ImageFormat         Opt[string]
	ImageSource         Opt[string]
	ImageSourceSampling Opt[string]
	AudioBatchSize      Opt[int]
	AudioLengthMean     Opt[float64]
	AudioLengthStddev   Opt[float64]
	AudioFormat         Opt[string]
	AudioDepths         Opt[[]float64]
	AudioSampleRates    Opt[[]float64]
	AudioChannels       Opt[int]

	// Rankings
	PassagesMean        Opt[int]
	PassagesStddev      Opt[int]
	PassageTokensMean   Opt[int]
	PassageTokensStddev Opt[int]
	QueryTokensMean     Opt[int]
	QueryTokensStddev   Opt[int]

	// Telemetry
	NoServerMetrics Opt[bool]
	GPUTelemetry    Opt[[]string]
	NoGPUTelemetry  Opt[bool]

	// The program itself
	UI               Opt[string]
	LogLevel         Opt[string]
	Verbose          Opt[bool]
	ExtraVerbose     Opt[bool]
	Workers          Opt[int]
	RecordProcessors Opt[int]
	StatsIntervalSec Opt[float64]
	ZMQHost          Opt[string]
	ZMQIPCPath       Opt[string]
	Insecure         Opt[bool]
	Plugins          Opt[[]string]
	RequireQuality   Opt[string]
	DryRun           Opt[bool]

	// Help asks for help instead of a run: "" the common flags, "all", or a group.
	Help Opt[string]

	// faulty holds the names of flags that were given with a bad value: they are
	// reported, and rules that miss them keep quiet.
	faulty map[string]bool
	// What no flag can say and a configuration file can.
	datasetSeed                            Opt[uint64]
	datasetName, warmupName, profilingName string
	// rateSeries are the points that a configuration file has in itself.
	rateSeries []messages.RatePoint
	// rampStrategies are those of ramps, by the flag that gives their duration.
	rampStrategies map[string]string
	// shapes holds distributions of a configuration file that no flags could say, by the name
	// of what they are of.
	shapes map[string]dataset.Distribution
	// listed are the phases of a file that has more than a warmup and a profiling phase.
	listed []listedPhase
	// typed holds how each flag that was given is spelled, by its first name.
	typed map[string]string
}

// shape is a distribution as it was asked for: by a file, else by flags.
func (f *Flags) shape(name string, byFlags dataset.Distribution) dataset.Distribution {
	if d, ok := f.shapes[name]; ok {
		return d
	}
	return byFlags
}

// givenBadly says that one of the flags has a problem of its own already.
func (f *Flags) givenBadly(names ...string) bool {
	for _, n := range names {
		if f.faulty[n] {
			return true
		}
	}
	return false
}
