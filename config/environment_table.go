package config

import "sync"

// Setting is one row of the table of environment variables.
type Setting struct {
	Name    string
	Default string // as it would be written in the variable; "" = unset
	Range   span
	Choices []string
	Help    string
	at      func(*Environment) any // *int, *int64, *float64, *bool, *string or *[]string
}

// Settings is every environment variable that takes part in a run, by section.
var Settings = sync.OnceValue(func() []Setting {
	var all []Setting
	for _, section := range [][]Setting{
		httpSettings(), serviceSettings(), zmqSettings(), workerSettings(), recordSettings(), timingSettings(), datasetSettings(),
		metricsSettings(), gpuSettings(), uiSettings(), devSettings(),
	} {
		all = append(all, section...)
	}
	return all
})

func httpSettings() []Setting {
	return []Setting{
		{"AIPERF_HTTP_CONNECTION_LIMIT", "2500", within(1, 65000), nil, "Connections of one worker; raised to the run's largest concurrency unless set", func(e *Environment) any { return &e.HTTP.ConnectionLimit }},
		{"AIPERF_HTTP_KEEPALIVE_TIMEOUT", "300", within(0, 10000), nil, "Idle life of a pooled connection in seconds; 0 = no end", func(e *Environment) any { return &e.HTTP.KeepaliveTimeoutSec }},
		{"AIPERF_HTTP_FORCE_CLOSE", "false", span{}, nil, "Close the connection after every response", func(e *Environment) any { return &e.HTTP.ForceClose }},
		{"AIPERF_HTTP_SSL_VERIFY", "true", span{}, nil, "Verify the certificate chain and the host name", func(e *Environment) any { return &e.HTTP.SSLVerify }},
		{"AIPERF_HTTP_TRUST_ENV", "false", span{}, nil, "Honour HTTP_PROXY, HTTPS_PROXY and NO_PROXY", func(e *Environment) any { return &e.HTTP.TrustEnv }},
		{"AIPERF_HTTP_IP_VERSION", "4", span{}, []string{"4", "6", "auto"}, "Address family of host names", func(e *Environment) any { return &e.HTTP.IPVersion }},
		{"AIPERF_HTTP_SO_RCVBUF", "0", span{min: 0, hasMin: true}, nil, "Socket receive buffer in bytes, at least 1024; 0 = the kernel tunes it", func(e *Environment) any { return &e.HTTP.SORcvbuf }},
		{"AIPERF_HTTP_SO_SNDBUF", "0", span{min: 0, hasMin: true}, nil, "Socket send buffer in bytes, at least 1024; 0 = the kernel tunes it", func(e *Environment) any { return &e.HTTP.SOSndbuf }},
		{"AIPERF_HTTP_TCP_KEEPIDLE", "60", within(1, 100000), nil, "Seconds of idleness before keep-alive probes", func(e *Environment) any { return &e.HTTP.TCPKeepIdleSec }},
		{"AIPERF_HTTP_TCP_KEEPINTVL", "30", within(1, 100000), nil, "Seconds between keep-alive probes", func(e *Environment) any { return &e.HTTP.TCPKeepIntvlSec }},
		{"AIPERF_HTTP_TCP_KEEPCNT", "1", within(1, 100), nil, "Keep-alive probes before a connection counts as dead", func(e *Environment) any { return &e.HTTP.TCPKeepCnt }},
		{"AIPERF_HTTP_TCP_USER_TIMEOUT", "30000", within(1, 1000000), nil, "Milliseconds that sent data may stay unacknowledged (Linux)", func(e *Environment) any { return &e.HTTP.TCPUserTimeoutMS }},
		{"AIPERF_HTTP_USE_DNS_CACHE", "true", span{}, nil, "Cache resolved names per worker", func(e *Environment) any { return &e.HTTP.UseDNSCache }},
		{"AIPERF_HTTP_TTL_DNS_CACHE", "300", within(0, 1000000), nil, "Life of a cached name in seconds; 0 = no end", func(e *Environment) any { return &e.HTTP.TTLDNSCacheSec }},
		{"AIPERF_HTTP_X_SESSION_AFFINITY_FROM_CORRELATION_ID", "true", span{}, nil, "Send X-Session-Affinity with the session's id", func(e *Environment) any { return &e.HTTP.SessionAffinityHeader }},
		{"AIPERF_HTTP_X_SESSION_ID_FROM_CORRELATION_ID", "false", span{}, nil, "Send X-Session-ID with the session's id", func(e *Environment) any { return &e.HTTP.SessionIDHeader }},
		{"AIPERF_HTTP_X_SMG_ROUTING_KEY_FROM_CORRELATION_ID", "false", span{}, nil, "Send X-SMG-Routing-Key with the session's id", func(e *Environment) any { return &e.HTTP.SMGRoutingKeyHeader }},
		{"AIPERF_HTTP_X_DYNAMO_SESSION_ID_FROM_CORRELATION_ID", "false", span{}, nil, "Send X-Dynamo-Session-ID with the session's id", func(e *Environment) any { return &e.HTTP.DynamoSessionIDHeader }},
		{"AIPERF_HTTP_VERIFY_STREAM_COMPLETION", "true", span{}, nil, "Count a chat stream that ends without its last message as failed", func(e *Environment) any { return &e.HTTP.VerifyStreamCompletion }},
		{"AIPERF_HTTP_METRICS_SCRAPE_READ_TIMEOUT", "30", within(1, 3600), nil, "Limit for reading a metrics page, in seconds", func(e *Environment) any { return &e.HTTP.ScrapeReadTimeoutSec }},
		{"AIPERF_ENDPOINT_FORCE_CONTENT_PARTS", "false", span{}, nil, "Always send message content as a list of parts", func(e *Environment) any { return &e.HTTP.ForceContentParts }},
	}
}

func serviceSettings() []Setting {
	return []Setting{
		{"AIPERF_SERVICE_REGISTRATION_TIMEOUT", "30", within(1, 100000), nil, "Seconds in which every process must have registered", func(e *Environment) any { return &e.Service.RegistrationTimeoutSec }},
		{"AIPERF_SERVICE_REGISTRATION_INTERVAL", "1", within(0.01, 1000), nil, "Seconds between registration attempts", func(e *Environment) any { return &e.Service.RegistrationIntervalSec }},
		{"AIPERF_SERVICE_START_TIMEOUT", "30", within(1, 100000), nil, "Seconds for a process to start, and for a phase to get its first worker", func(e *Environment) any { return &e.Service.StartTimeoutSec }},
		{"AIPERF_SERVICE_COMMAND_RESPONSE_TIMEOUT", "30", within(1, 1000), nil, "Seconds for the answer to a command", func(e *Environment) any { return &e.Service.CommandResponseTimeoutSec }},
		{"AIPERF_SERVICE_COMMS_REQUEST_TIMEOUT", "90", within(1, 1000), nil, "Seconds for the answer to a request between processes", func(e *Environment) any { return &e.Service.RequestTimeoutSec }},
		{"AIPERF_SERVICE_CONNECTION_PROBE_INTERVAL", "0.1", within(0.001, 1000), nil, "Seconds between probes of the event bus at start", func(e *Environment) any { return &e.Service.ConnectionProbeIntervalSec }},
		{"AIPERF_SERVICE_CONNECTION_PROBE_TIMEOUT", "90", within(1, 100000), nil, "Seconds in which a probe must come back", func(e *Environment) any { return &e.Service.ConnectionProbeTimeoutSec }},
		{"AIPERF_SERVICE_HEARTBEAT_INTERVAL", "5", within(0.1, 1000), nil, "Seconds between heartbeats", func(e *Environment) any { return &e.Service.HeartbeatIntervalSec }},
		{"AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT", "600", within(1, 100000), nil, "Seconds for all processes to get ready; at least AIPERF_DATASET_CONFIGURATION_TIMEOUT", func(e *Environment) any { return &e.Service.ProfileConfigureTimeoutSec }},
		{"AIPERF_SERVICE_PROFILE_START_TIMEOUT", "60", within(1, 100000), nil, "Seconds for all processes to confirm the start", func(e *Environment) any { return &e.Service.ProfileStartTimeoutSec }},
		{"AIPERF_SERVICE_PROFILE_CANCEL_TIMEOUT", "10", within(1, 1000), nil, "Seconds for an interrupted run to be summarised", func(e *Environment) any { return &e.Service.ProfileCancelTimeoutSec }},
		{"AIPERF_SERVICE_CREDIT_PROGRESS_REPORT_INTERVAL", "2", within(0.01, 1000), nil, "Seconds between progress reports of a phase", func(e *Environment) any { return &e.Service.CreditProgressIntervalSec }},
		{"AIPERF_SERVICE_WARMUP_PROGRESS_LOG_INTERVAL", "30", within(0, 100000), nil, "Seconds between progress lines of the warmup; 0 = off", func(e *Environment) any { return &e.Service.WarmupProgressIntervalSec }},
		{"AIPERF_SERVICE_FAILURE_SHUTDOWN_TIMEOUT", "30", within(1, 100000), nil, "Seconds for a failed start to be torn down", func(e *Environment) any { return &e.Service.FailureShutdownTimeoutSec }},
	}
}

func zmqSettings() []Setting {
	return []Setting{
		{"AIPERF_ZMQ_RECONNECT_IVL", "100", within(1, 1000000), nil, "Milliseconds before a lost connection is tried again", func(e *Environment) any { return &e.ZMQ.ReconnectIvlMS }},
		{"AIPERF_ZMQ_RECONNECT_IVL_MAX", "5000", within(0, 1000000), nil, "Longest such pause; 0 = always the same", func(e *Environment) any { return &e.ZMQ.ReconnectIvlMaxMS }},
		{"AIPERF_ZMQ_TCP_KEEPALIVE_IDLE", "60", within(1, 100000), nil, "Seconds of idleness before keep-alive probes", func(e *Environment) any { return &e.ZMQ.TCPKeepaliveIdleSec }},
		{"AIPERF_ZMQ_TCP_KEEPALIVE_INTVL", "10", within(1, 100000), nil, "Seconds between keep-alive probes", func(e *Environment) any { return &e.ZMQ.TCPKeepaliveIntvlSec }},
		{"AIPERF_ZMQ_EVENT_BUS_PROXY_FRONTEND_PORT", "5663", within(0, 65535), nil, "Port where processes publish, with --zmq-host; 0 = any free one", func(e *Environment) any { return &e.ZMQ.EventBusFrontendPort }},
		{"AIPERF_ZMQ_EVENT_BUS_PROXY_BACKEND_PORT", "5664", within(0, 65535), nil, "Port where processes and watchers subscribe, with --zmq-host; 0 = any free one", func(e *Environment) any { return &e.ZMQ.EventBusBackendPort }},
		{"AIPERF_ZMQ_CURVE_DIR", "", span{}, nil, "Directory with the key pair that encrypts the mesh (`aiperf keys` makes one)", func(e *Environment) any { return &e.ZMQ.CurveDir }},
		{"AIPERF_ZMQ_PUSH_DRAIN_TIMEOUT", "2", within(0.01, 1000), nil, "Seconds to send what is queued when a process ends", func(e *Environment) any { return &e.ZMQ.PushDrainTimeoutSec }},
	}
}

func workerSettings() []Setting {
	return []Setting{
		{"AIPERF_WORKER_CPU_UTILIZATION_FACTOR", "0.75", within(0.1, 1), nil, "Share of the CPUs that the default number of workers takes", func(e *Environment) any { return &e.Worker.CPUUtilizationFactor }},
		{"AIPERF_WORKER_MAX_WORKERS_CAP", "32", within(1, 1000), nil, "Most workers that are started unless --workers-max says more", func(e *Environment) any { return &e.Worker.MaxWorkersCap }},
		{"AIPERF_WORKER_HEALTH_CHECK_INTERVAL", "2", within(0.1, 1000), nil, "Seconds between the health reports of a worker", func(e *Environment) any { return &e.Worker.HealthCheckIntervalSec }},
		{"AIPERF_WORKER_STATUS_SUMMARY_INTERVAL", "0.5", within(0.1, 1000), nil, "Seconds between summaries of all workers", func(e *Environment) any { return &e.Worker.StatusSummaryIntervalSec }},
		{"AIPERF_WORKER_HIGH_LOAD_CPU_USAGE", "85", within(50, 100), nil, "CPU usage in percent above which a worker counts as overloaded", func(e *Environment) any { return &e.Worker.HighLoadCPUUsagePct }},
		{"AIPERF_WORKER_HIGH_LOAD_RECOVERY_TIME", "5", within(0.1, 1000), nil, "Seconds that an overloaded worker stays marked", func(e *Environment) any { return &e.Worker.HighLoadRecoverySec }},
		{"AIPERF_WORKER_ERROR_RECOVERY_TIME", "3", within(0.1, 1000), nil, "Seconds that a worker with failed requests stays marked", func(e *Environment) any { return &e.Worker.ErrorRecoverySec }},
		{"AIPERF_WORKER_STALE_TIME", "10", within(0.1, 1000), nil, "Seconds of silence after which a worker counts as stale", func(e *Environment) any { return &e.Worker.StaleTimeSec }},
		{"AIPERF_WORKER_MIN_ALIVE_FRACTION", "0", within(0, 1), nil, "Share of the workers below which the run ends when there are fewer for AIPERF_WORKER_STALE_TIME; 0 = it goes on", func(e *Environment) any { return &e.Worker.MinAliveFraction }},
		{"AIPERF_WORKER_SESSION_CACHE_MAX_ENTRIES", "100000", within(1, 100000000), nil, "Sessions whose history a worker keeps", func(e *Environment) any { return &e.Worker.SessionCacheMaxEntries }},
		{"AIPERF_WORKER_RETURN_PROBE_BUDGET", "30", within(0, 100000), nil, "Seconds in which the return channel must come up; 0 = no probe", func(e *Environment) any { return &e.Worker.ReturnProbeBudgetSec }},
		{"AIPERF_WORKER_RETURN_PROBE_RETRY_DELAY", "0.1", within(0.001, 1000), nil, "Seconds between probes of the return channel", func(e *Environment) any { return &e.Worker.ReturnProbeDelaySec }},
	}
}

func recordSettings() []Setting {
	return []Setting{
		{"AIPERF_RECORD_PROCESSOR_SCALE_FACTOR", "4", within(1, 100), nil, "Workers per record processor", func(e *Environment) any { return &e.Record.ProcessorScaleFactor }},
		{"AIPERF_RECORD_EXPORT_BATCH_SIZE", "100", within(1, 1000000), nil, "Lines that are written to the record file at once", func(e *Environment) any { return &e.Record.ExportBatchSize }},
		{"AIPERF_RECORD_RAW_EXPORT_BATCH_SIZE", "10", within(1, 1000000), nil, "Lines that are written to the raw file at once", func(e *Environment) any { return &e.Record.RawExportBatchSize }},
		{"AIPERF_RECORD_PROGRESS_REPORT_INTERVAL", "2", within(0.1, 600), nil, "Seconds between progress reports of record processing", func(e *Environment) any { return &e.Record.ProgressReportIntervalSec }},
		{"AIPERF_RECORD_PROCESS_RECORDS_TIMEOUT", "300", within(1, 100000), nil, "Seconds for the final summary", func(e *Environment) any { return &e.Record.ProcessRecordsTimeoutSec }},
		{"AIPERF_RECORD_COMPLETION_STALL_TIMEOUT", "60", within(0, 100000), nil, "Seconds without a new record, after the last request, until the run ends as degraded; 0 = never", func(e *Environment) any { return &e.Record.CompletionStallTimeoutSec }},
	}
}

func timingSettings() []Setting {
	return []Setting{
		{"AIPERF_TIMING_CANCEL_DRAIN_TIMEOUT", "10", within(1, 300), nil, "Seconds to wait for cancelled requests", func(e *Environment) any { return &e.Timing.CancelDrainTimeoutSec }},
		{"AIPERF_TIMING_MAX_CATCHUP_SECONDS", "0.01", within(0, 10), nil, "Backlog that is sent late before the schedule is anchored anew, in seconds", func(e *Environment) any { return &e.Timing.MaxCatchupSec }},
		{"AIPERF_TIMING_DISPATCH_LEAD_MS", "5", within(0, 1000), nil, "Milliseconds that a request is handed out before its time", func(e *Environment) any { return &e.Timing.DispatchLeadMS }},
		{"AIPERF_TIMING_RATE_RAMP_UPDATE_INTERVAL", "0.1", within(0.01, 10), nil, "A ramp of the rate begins with the rate that it has after so many seconds", func(e *Environment) any { return &e.Timing.RateRampUpdateSec }},
		{"AIPERF_TIMING_HIGH_RES_TIMER", "true", span{}, nil, "Wait for exact instants with a precise timer", func(e *Environment) any { return &e.Timing.HighResTimer }},
		{"AIPERF_DAG_FAIL_FAST", "false", span{}, nil, "A child of a conversation that fails ends its parent and all that the tree has started", func(e *Environment) any { return &e.Timing.DAGFailFast }},
	}
}

func datasetSettings() []Setting {
	return []Setting{
		{"AIPERF_DATASET_CONFIGURATION_TIMEOUT", "300", within(1, 100000), nil, "Seconds in which the dataset must be ready", func(e *Environment) any { return &e.Dataset.ConfigurationTimeoutSec }},
		{"AIPERF_DATASET_MMAP_BASE_PATH", "", span{}, nil, "Directory of the memory-mapped dataset; unset = the system's temporary one", func(e *Environment) any { return &e.Dataset.MmapBasePath }},
		{"AIPERF_TOKENIZER_PRELOAD_TIMEOUT", "120", within(1, 100000), nil, "Seconds in which a tokenizer must be fetched from the model hub", func(e *Environment) any { return &e.Tokenizer.PreloadTimeoutSec }},
		{"AIPERF_DATASET_PREFORMAT_PAYLOADS", "true", span{}, nil, "Build request bodies before the run where they depend on nothing else", func(e *Environment) any { return &e.Dataset.PreformatPayloads }},
	}
}

func metricsSettings() []Setting {
	return []Setting{
		{"AIPERF_METRICS_EXPORT_FLUSH_INTERVAL", "1", within(0.05, 60), nil, "Seconds between flushes of record files", func(e *Environment) any { return &e.Metrics.ExportFlushIntervalSec }},
		{"AIPERF_METRICS_USAGE_PCT_DIFF_THRESHOLD", "10", within(0, 100), nil, "Percent by which the token counts of server and client may differ", func(e *Environment) any { return &e.Metrics.UsagePctDiffThreshold }},
		{"AIPERF_METRICS_OSL_MISMATCH_PCT_THRESHOLD", "5", within(0, 100), nil, "Percent by which an output may miss the length asked for", func(e *Environment) any { return &e.Metrics.OSLMismatchPctThreshold }},
		{"AIPERF_METRICS_OSL_MISMATCH_MAX_TOKEN_THRESHOLD", "50", from(1), nil, "Tokens by which it may; the smaller of the two counts", func(e *Environment) any { return &e.Metrics.OSLMismatchMaxTokens }},
	}
}

func gpuSettings() []Setting {
	return []Setting{
		{"AIPERF_GPU_COLLECTION_INTERVAL", "0.333", within(0.01, 300), nil, "Seconds between GPU samples", func(e *Environment) any { return &e.GPU.CollectionIntervalSec }},
		{"AIPERF_GPU_DEFAULT_DCGM_ENDPOINTS", "http://localhost:9400/metrics,http://localhost:9401/metrics", span{}, nil, "DCGM exporters that are tried in every run", func(e *Environment) any { return &e.GPU.DefaultDCGMEndpoints }},
		{"AIPERF_GPU_REACHABILITY_TIMEOUT", "10", within(1, 300), nil, "Seconds for a source of GPU figures to answer at start", func(e *Environment) any { return &e.GPU.ReachabilityTimeoutSec }},
		{"AIPERF_GPU_EXPORT_BATCH_SIZE", "100", within(1, 1000000), nil, "Lines that are written to the GPU file at once", func(e *Environment) any { return &e.GPU.ExportBatchSize }},
		{"AIPERF_GPU_FINAL_SCRAPE_GRACE_NS", "666000000", within(0, 60000000000), nil, "Nanoseconds after the last request in which samples still count", func(e *Environment) any { return &e.GPU.FinalScrapeGraceNS }},
	}
}

func uiSettings() []Setting {
	return []Setting{
		{"AIPERF_UI_CONSOLE_EXPORT_WIDTH", "140", within(40, 10000), nil, "Columns of saved tables, and of those on no terminal", func(e *Environment) any { return &e.UI.ConsoleExportWidth }},
		{"AIPERF_UI_MIN_UPDATE_PERCENT", "1", within(0.01, 100), nil, "Percent of progress between redraws of a bar", func(e *Environment) any { return &e.UI.MinUpdatePercent }},
		{"AIPERF_UI_REALTIME_METRICS_INTERVAL", "30", within(0, 1000), nil, "Seconds between live summaries: on the event bus, and in the log; 0 = none in the log", func(e *Environment) any { return &e.UI.RealtimeMetricsIntervalSec }},
		{"AIPERF_LOGGING_QUEUE_MAXSIZE", "1000", within(1, 1000000), nil, "Log records that a process may have waiting; beyond it they are dropped and counted", func(e *Environment) any { return &e.Logging.QueueMaxSize }},
		{"AIPERF_LOGGING_STREAM", "stdout", span{}, []string{"stdout", "stderr"}, "Where log lines of the console go", func(e *Environment) any { return &e.Logging.Stream }},
		{"NO_COLOR", "false", span{}, nil, "No escape sequences on the console, whatever the value", func(e *Environment) any { return &e.NoColor }},
		{"AIPERF_PLUGINS", "", span{}, nil, "Plugin manifests to merge over the built-in one", func(e *Environment) any { return &e.Plugins }},
	}
}

func devSettings() []Setting {
	return []Setting{
		{"AIPERF_DEV_MODE", "false", span{}, nil, "Developer mode; unlocks the next two", func(e *Environment) any { return &e.Dev.Mode }},
		{"AIPERF_DEV_SHOW_INTERNAL_METRICS", "false", span{}, nil, "Export internal metrics too", func(e *Environment) any { return &e.Dev.ShowInternal }},
		{"AIPERF_DEV_SHOW_EXPERIMENTAL_METRICS", "false", span{}, nil, "Export experimental metrics too", func(e *Environment) any { return &e.Dev.ShowExperimental }},
		{"AIPERF_DEV_DEBUG_SERVICES", "", span{}, nil, "Service types whose log level is debug", func(e *Environment) any { return &e.Dev.DebugServices }},
		{"AIPERF_DEV_TRACE_SERVICES", "", span{}, nil, "Service types whose log level is trace", func(e *Environment) any { return &e.Dev.TraceServices }},
	}
}

// silentSettings are accepted because AIPerf has them, and stand for things that do
// not exist here: nothing would change whatever their value.
var silentSettings = map[string]bool{
	"AIPERF_SERVICE_REGISTRATION_MAX_ATTEMPTS": true, "AIPERF_GPU_SHUTDOWN_DELAY": true, "AIPERF_SERVER_METRICS_SHUTDOWN_DELAY": true,
	"AIPERF_SERVICE_DISABLE_UVLOOP": true, "AIPERF_HTTP_ENABLE_CLEANUP_CLOSED": true, "AIPERF_METRICS_ARRAY_INITIAL_CAPACITY": true,
}
