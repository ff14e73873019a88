package config

// Environment holds the AIPERF_* settings that take part in a run, parsed and
// checked once by the launcher and carried in the run document. Times are seconds
// unless the name says otherwise. Each field names its variable; default and range
// stand in the table of settings beside the loader.
type Environment struct {
	HTTP struct {
		ConnectionLimit        int     `json:"connection_limit" env:"AIPERF_HTTP_CONNECTION_LIMIT"`
		ConnectionLimitSet     bool    `json:"connection_limit_set"`
		KeepaliveTimeoutSec    float64 `json:"keepalive_timeout" env:"AIPERF_HTTP_KEEPALIVE_TIMEOUT"`
		ForceClose             bool    `json:"force_close" env:"AIPERF_HTTP_FORCE_CLOSE"`
		SSLVerify              bool    `json:"ssl_verify" env:"AIPERF_HTTP_SSL_VERIFY"`
		TrustEnv               bool    `json:"trust_env" env:"AIPERF_HTTP_TRUST_ENV"`
		IPVersion              string  `json:"ip_version" env:"AIPERF_HTTP_IP_VERSION"`
		SORcvbuf               int     `json:"so_rcvbuf" env:"AIPERF_HTTP_SO_RCVBUF"`
		SOSndbuf               int     `json:"so_sndbuf" env:"AIPERF_HTTP_SO_SNDBUF"`
		TCPKeepIdleSec         int     `json:"tcp_keepidle" env:"AIPERF_HTTP_TCP_KEEPIDLE"`
		TCPKeepIntvlSec        int     `json:"tcp_keepintvl" env:"AIPERF_HTTP_TCP_KEEPINTVL"`
		TCPKeepCnt             int     `json:"tcp_keepcnt" env:"AIPERF_HTTP_TCP_KEEPCNT"`
		TCPUserTimeoutMS       int     `json:"tcp_user_timeout" env:"AIPERF_HTTP_TCP_USER_TIMEOUT"`
		UseDNSCache            bool    `json:"use_dns_cache" env:"AIPERF_HTTP_USE_DNS_CACHE"`
		TTLDNSCacheSec         float64 `json:"ttl_dns_cache" env:"AIPERF_HTTP_TTL_DNS_CACHE"`
		SessionAffinityHeader  bool    `json:"x_session_affinity" env:"AIPERF_HTTP_X_SESSION_AFFINITY_FROM_CORRELATION_ID"`
		SessionIDHeader        bool    `json:"x_session_id" env:"AIPERF_HTTP_X_SESSION_ID_FROM_CORRELATION_ID"`
		SMGRoutingKeyHeader    bool    `json:"x_smg_routing_key" env:"AIPERF_HTTP_X_SMG_ROUTING_KEY_FROM_CORRELATION_ID"`
		DynamoSessionIDHeader  bool    `json:"x_dynamo_session_id" env:"AIPERF_HTTP_X_DYNAMO_SESSION_ID_FROM_CORRELATION_ID"`
		VerifyStreamCompletion bool    `json:"verify_stream_completion" env:"AIPERF_HTTP_VERIFY_STREAM_COMPLETION"`
		ScrapeReadTimeoutSec   float64 `json:"metrics_scrape_read_timeout" env:"AIPERF_HTTP_METRICS_SCRAPE_READ_TIMEOUT"`
		ForceContentParts      bool    `json:"force_content_parts" env:"AIPERF_ENDPOINT_FORCE_CONTENT_PARTS"`
	} `json:"http"`
	Service struct {
		RegistrationTimeoutSec     float64 `json:"registration_timeout" env:"AIPERF_SERVICE_REGISTRATION_TIMEOUT"`
		RegistrationIntervalSec    float64 `json:"registration_interval" env:"AIPERF_SERVICE_REGISTRATION_INTERVAL"`
		StartTimeoutSec            float64 `json:"start_timeout" env:"AIPERF_SERVICE_START_TIMEOUT"`
		CommandResponseTimeoutSec  float64 `json:"command_response_timeout" env:"AIPERF_SERVICE_COMMAND_RESPONSE_TIMEOUT"`
		RequestTimeoutSec          float64 `json:"comms_request_timeout" env:"AIPERF_SERVICE_COMMS_REQUEST_TIMEOUT"`
		ConnectionProbeIntervalSec float64 `json:"connection_probe_interval" env:"AIPERF_SERVICE_CONNECTION_PROBE_INTERVAL"`
		ConnectionProbeTimeoutSec  float64 `json:"connection_probe_timeout" env:"AIPERF_SERVICE_CONNECTION_PROBE_TIMEOUT"`
		HeartbeatIntervalSec       float64 `json:"heartbeat_interval" env:"AIPERF_SERVICE_HEARTBEAT_INTERVAL"`
		ProfileConfigureTimeoutSec float64 `json:"profile_configure_timeout" env:"AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT"`
		ProfileStartTimeoutSec     float64 `json:"profile_start_timeout" env:"AIPERF_SERVICE_PROFILE_START_TIMEOUT"`
		ProfileCancelTimeoutSec    float64 `json:"profile_cancel_timeout" env:"AIPERF_SERVICE_PROFILE_CANCEL_TIMEOUT"`
		CreditProgressIntervalSec  float64 `json:"credit_progress_report_interval" env:"AIPERF_SERVICE_CREDIT_PROGRESS_REPORT_INTERVAL"`
		WarmupProgressIntervalSec  float64 `json:"warmup_progress_log_interval" env:"AIPERF_SERVICE_WARMUP_PROGRESS_LOG_INTERVAL"`
		FailureShutdownTimeoutSec  float64 `json:"failure_shutdown_timeout" env:"AIPERF_SERVICE_FAILURE_SHUTDOWN_TIMEOUT"`
	} `json:"service"`
	ZMQ struct {
		ReconnectIvlMS       int     `json:"reconnect_ivl" env:"AIPERF_ZMQ_RECONNECT_IVL"`
		ReconnectIvlMaxMS    int     `json:"reconnect_ivl_max" env:"AIPERF_ZMQ_RECONNECT_IVL_MAX"`
		TCPKeepaliveIdleSec  int     `json:"tcp_keepalive_idle" env:"AIPERF_ZMQ_TCP_KEEPALIVE_IDLE"`
		TCPKeepaliveIntvlSec int     `json:"tcp_keepalive_intvl" env:"AIPERF_ZMQ_TCP_KEEPALIVE_INTVL"`
		EventBusFrontendPort int     `json:"event_bus_frontend_port" env:"AIPERF_ZMQ_EVENT_BUS_PROXY_FRONTEND_PORT"`
		EventBusBackendPort  int     `json:"event_bus_backend_port" env:"AIPERF_ZMQ_EVENT_BUS_PROXY_BACKEND_PORT"`
		CurveDir             string  `json:"curve_dir" env:"AIPERF_ZMQ_CURVE_DIR"`
		PushDrainTimeoutSec  float64 `json:"push_drain_timeout" env:"AIPERF_ZMQ_PUSH_DRAIN_TIMEOUT"`
	} `json:"zmq"`
	Worker struct {
		CPUUtilizationFactor     float64 `json:"cpu_utilization_factor" env:"AIPERF_WORKER_CPU_UTILIZATION_FACTOR"`
		MaxWorkersCap            int     `json:"max_workers_cap" env:"AIPERF_WORKER_MAX_WORKERS_CAP"`
		HealthCheckIntervalSec   float64 `json:"health_check_interval" env:"AIPERF_WORKER_HEALTH_CHECK_INTERVAL"`
		StatusSummaryIntervalSec float64 `json:"status_summary_interval" env:"AIPERF_WORKER_STATUS_SUMMARY_INTERVAL"`
		HighLoadCPUUsagePct      float64 `json:"high_load_cpu_usage" env:"AIPERF_WORKER_HIGH_LOAD_CPU_USAGE"`
		HighLoadRecoverySec      float64 `json:"high_load_recovery_time" env:"AIPERF_WORKER_HIGH_LOAD_RECOVERY_TIME"`
		ErrorRecoverySec         float64 `json:"error_recovery_time" env:"AIPERF_WORKER_ERROR_RECOVERY_TIME"`
		StaleTimeSec             float64 `json:"stale_time" env:"AIPERF_WORKER_STALE_TIME"`
		MinAliveFraction         float64 `json:"min_alive_fraction" env:"AIPERF_WORKER_MIN_ALIVE_FRACTION"`
		SessionCacheMaxEntries   int     `json:"session_cache_max_entries" env:"AIPERF_WORKER_SESSION_CACHE_MAX_ENTRIES"`
		ReturnProbeBudgetSec     float64 `json:"return_probe_budget" env:"AIPERF_WORKER_RETURN_PROBE_BUDGET"`
		ReturnProbeDelaySec      float64 `json:"return_probe_retry_delay" env:"AIPERF_WORKER_RETURN_PROBE_RETRY_DELAY"`
	} `json:"worker"`
	Record struct {
		ProcessorScaleFactor      int     `json:"processor_scale_factor" env:"AIPERF_RECORD_PROCESSOR_SCALE_FACTOR"`
		ExportBatchSize           int     `json:"export_batch_size" env:"AIPERF_RECORD_EXPORT_BATCH_SIZE"`
		RawExportBatchSize        int     `json:"raw_export_batch_size" env:"AIPERF_RECORD_RAW_EXPORT_BATCH_SIZE"`
		ProgressReportIntervalSec float64 `json:"progress_report_interval" env:"AIPERF_RECORD_PROGRESS_REPORT_INTERVAL"`
		ProcessRecordsTimeoutSec  float64 `json:"process_records_timeout" env:"AIPERF_RECORD_PROCESS_RECORDS_TIMEOUT"`
		CompletionStallTimeoutSec float64 `json:"completion_stall_timeout" env:"AIPERF_RECORD_COMPLETION_STALL_TIMEOUT"`
	} `json:"record"`
	Timing struct {
		CancelDrainTimeoutSec float64 `json:"cancel_drain_timeout" env:"AIPERF_TIMING_CANCEL_DRAIN_TIMEOUT"`
		MaxCatchupSec         float64 `json:"max_catchup_seconds" env:"AIPERF_TIMING_MAX_CATCHUP_SECONDS"`
		DispatchLeadMS        float64 `json:"dispatch_lead_ms" env:"AIPERF_TIMING_DISPATCH_LEAD_MS"`
		RateRampUpdateSec     float64 `json:"rate_ramp_update_interval" env:"AIPERF_TIMING_RATE_RAMP_UPDATE_INTERVAL"`
		HighResTimer          bool    `json:"high_res_timer" env:"AIPERF_TIMING_HIGH_RES_TIMER"`
		DAGFailFast           bool    `json:"dag_fail_fast" env:"AIPERF_DAG_FAIL_FAST"`
	} `json:"timing"`
	Dataset struct {
		ConfigurationTimeoutSec float64 `json:"configuration_timeout" env:"AIPERF_DATASET_CONFIGURATION_TIMEOUT"`
		MmapBasePath            string  `json:"mmap_base_path" env:"AIPERF_DATASET_MMAP_BASE_PATH"`
		PreformatPayloads       bool    `json:"preformat_payloads" env:"AIPERF_DATASET_PREFORMAT_PAYLOADS"`
	} `json:"dataset"`
	Tokenizer struct {
		PreloadTimeoutSec float64 `json:"preload_timeout" env:"AIPERF_TOKENIZER_PRELOAD_TIMEOUT"`
	} `json:"tokenizer"`
	Metrics struct {
		ExportFlushIntervalSec  float64 `json:"export_flush_interval" env:"AIPERF_METRICS_EXPORT_FLUSH_INTERVAL"`
		UsagePctDiffThreshold   float64 `json:"usage_pct_diff_threshold" env:"AIPERF_METRICS_USAGE_PCT_DIFF_THRESHOLD"`
		OSLMismatchPctThreshold float64 `json:"osl_mismatch_pct_threshold" env:"AIPERF_METRICS_OSL_MISMATCH_PCT_THRESHOLD"`
		OSLMismatchMaxTokens    float64 `json:"osl_mismatch_max_token_threshold" env:"AIPERF_METRICS_OSL_MISMATCH_MAX_TOKEN_THRESHOLD"`
	} `json:"metrics"`
	GPU struct {
		CollectionIntervalSec  float64  `json:"collection_interval" env:"AIPERF_GPU_COLLECTION_INTERVAL"`
		DefaultDCGMEndpoints   []string `json:"default_dcgm_endpoints" env:"AIPERF_GPU_DEFAULT_DCGM_ENDPOINTS"`
		ReachabilityTimeoutSec float64  `json:"reachability_timeout" env:"AIPERF_GPU_REACHABILITY_TIMEOUT"`
		ExportBatchSize        int      `json:"export_batch_size" env:"AIPERF_GPU_EXPORT_BATCH_SIZE"`
		FinalScrapeGraceNS     int64    `json:"final_scrape_grace_ns" env:"AIPERF_GPU_FINAL_SCRAPE_GRACE_NS"`
	} `json:"gpu"`
	UI struct {
		ConsoleExportWidth         int     `json:"console_export_width" env:"AIPERF_UI_CONSOLE_EXPORT_WIDTH"`
		MinUpdatePercent           float64 `json:"min_update_percent" env:"AIPERF_UI_MIN_UPDATE_PERCENT"`
		RealtimeMetricsIntervalSec float64 `json:"realtime_metrics_interval" env:"AIPERF_UI_REALTIME_METRICS_INTERVAL"`
	} `json:"ui"`
	Logging struct {
		QueueMaxSize int    `json:"queue_maxsize" env:"AIPERF_LOGGING_QUEUE_MAXSIZE"`
		Stream       string `json:"stream" env:"AIPERF_LOGGING_STREAM"` // stdout, stderr
	} `json:"logging"`
	Dev struct {
		Mode             bool     `json:"mode" env:"AIPERF_DEV_MODE"`
		ShowInternal     bool     `json:"show_internal_metrics" env:"AIPERF_DEV_SHOW_INTERNAL_METRICS"`
		ShowExperimental bool     `json:"show_experimental_metrics" env:"AIPERF_DEV_SHOW_EXPERIMENTAL_METRICS"`
		DebugServices    []string `json:"debug_services" env:"AIPERF_DEV_DEBUG_SERVICES"`
		TraceServices    []string `json:"trace_services" env:"AIPERF_DEV_TRACE_SERVICES"`
	} `json:"dev"`
	Plugins []string `json:"plugins" env:"AIPERF_PLUGINS"`
	NoColor bool     `json:"no_color" env:"NO_COLOR"`
}
