package telemetry

import (
	"context"

	"aiperf/messages"
)

// Collector reads one source of GPU figures. It belongs to one goroutine at a time.
type Collector interface {
	// Source is the URL or the id of what is read; it is telemetry_source_url of every sample.
	Source() string

	// Reachable returns nil when the source answers; ctx bounds the try.
	Reachable(ctx context.Context) error

	// Collect reads one sample per GPU, ordered by index. Unless it is forced, an answer
	// that is the same as the one before counts as not refreshed: no samples, no error.
	Collect(ctx context.Context, forced bool) ([]messages.GPUSample, error)

	// Close lets go of what the collector holds. It may be called twice.
	Close() error
}

// EnvironmentValidator is an ability of local collectors: to say before anything
// starts what the host lacks.
type EnvironmentValidator interface {
	ValidateEnvironment() error
}

// Config is what a collector is made from. Local collectors have no URL.
type Config struct {
	URL string // normalised
}

// Constructor makes a collector; plugins of category "gpu_telemetry_collector"
// register one. It touches neither network nor host.
type Constructor = func(Config) (Collector, error)
