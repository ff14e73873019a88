package main

// What this program is made of: every package that registers plugins or services.
// `aiperf plugins validate` holds the list against the manifest.
import (
	_ "aiperf/exporters"
	_ "aiperf/plugins/arrivals"
	_ "aiperf/plugins/composers"
	_ "aiperf/plugins/endpoints"
	_ "aiperf/plugins/generators"
	_ "aiperf/plugins/samplers"
	_ "aiperf/plugins/tokenizers"
	_ "aiperf/plugins/transports"
	_ "aiperf/plugins/ui"
	_ "aiperf/plugins/urlselection"
	_ "aiperf/services/controller"
	_ "aiperf/services/dataset"
	_ "aiperf/services/gputelemetry"
	_ "aiperf/services/mockserver"
	_ "aiperf/services/recordprocessor"
	_ "aiperf/services/records"
	_ "aiperf/services/timing"
	_ "aiperf/services/worker"
	_ "aiperf/telemetry"
)
