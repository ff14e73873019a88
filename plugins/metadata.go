package plugins

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// ServiceMetadata is what the manifest says of a service.
type ServiceMetadata struct {
	Required  *bool `json:"required"`   // losing it ends the run
	AutoStart *bool `json:"auto_start"` // started with every run
	DisableGC bool  `json:"disable_gc"` // collections kept out of its measured path
	// Background services let those that send and stamp go first when cores are short.
	Background bool `json:"background"`
	Replicable bool `json:"replicable"` // several of it may run
}

// EndpointMetadata is what the manifest says of an endpoint type.
type EndpointMetadata struct {
	MetricsTitle          *string `json:"metrics_title"`
	EndpointPath          *string `json:"endpoint_path"`
	SupportsStreaming     *bool   `json:"supports_streaming"`
	TokenizesInput        *bool   `json:"tokenizes_input"`
	ProducesTokens        *bool   `json:"produces_tokens"`
	StreamingPath         string  `json:"streaming_path"`
	ServiceKind           string  `json:"service_kind"`
	SupportsAudio         bool    `json:"supports_audio"`
	SupportsImages        bool    `json:"supports_images"`
	SupportsVideos        bool    `json:"supports_videos"`
	ProducesAudio         bool    `json:"produces_audio"`
	ProducesImages        bool    `json:"produces_images"`
	ProducesVideos        bool    `json:"produces_videos"`
	RequiresPolling       bool    `json:"requires_polling"`
	RequiresFormData      bool    `json:"requires_form_data"`
	RequiresInlineMedia   bool    `json:"requires_inline_media"`
	ConsumesSystemMessage bool    `json:"consumes_system_message"`
	SupportsCacheBust     bool    `json:"supports_cache_bust"`
}

// TransportMetadata is what the manifest says of a transport.
type TransportMetadata struct {
	TransportType string   `json:"transport_type"`
	URLSchemes    []string `json:"url_schemes"`
}

// CollectorMetadata is what the manifest says of a GPU telemetry collector.
type CollectorMetadata struct {
	// IsLocal collectors are chosen by name, take no URL, and check their host before the run.
	IsLocal bool `json:"is_local"`
}

// DatasetLoaderMetadata is what the manifest says of a type of dataset files.
type DatasetLoaderMetadata struct {
	IsTrace             bool   `json:"is_trace"`           // its records have times, which are replayed
	DefaultBlockSize    int    `json:"default_block_size"` // tokens of a hash id; 0 = 512
	DefaultPromptCorpus string `json:"default_prompt_corpus"`
	Category            string `json:"category"`
	MultiTurn           bool   `json:"multi_turn"` // its conversations have several turns
}

// shapes gives each category with metadata its form and the keys it must have.
var shapes = map[string]struct {
	form     func() any
	required []string
}{
	"service":                 {func() any { return new(ServiceMetadata) }, []string{"required", "auto_start"}},
	"endpoint":                {func() any { return new(EndpointMetadata) }, []string{"metrics_title", "endpoint_path", "supports_streaming", "tokenizes_input", "produces_tokens"}},
	"transport":               {func() any { return new(TransportMetadata) }, []string{"transport_type"}},
	"custom_dataset_loader":   {func() any { return new(DatasetLoaderMetadata) }, nil},
	"gpu_telemetry_collector": {func() any { return new(CollectorMetadata) }, nil},
}

// checkMetadata refuses unknown keys, wrong types and missing keys. A category
// without a form takes no metadata.
func checkMetadata(category string, metadata map[string]any) error {
	shape, ok := shapes[category]
	if !ok {
		if len(metadata) > 0 {
			return fmt.Errorf("category %s takes no metadata (got %v)", category, sortedKeys(metadata))
		}
		return nil
	}
	for _, key := range shape.required {
		if _, ok := metadata[key]; !ok {
			return fmt.Errorf("%s is required", key)
		}
	}
	return decodeMetadata(metadata, shape.form())
}

func decodeMetadata(metadata map[string]any, into any) error {
	b, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// Metadata decodes the metadata of an entry into its category's form.
func Metadata[T any](r *Registry, category, name string) (T, error) {
	var out T
	e, err := r.Find(category, name)
	if err != nil {
		return out, err
	}
	if err := decodeMetadata(e.Metadata, &out); err != nil {
		return out, fmt.Errorf("%s:%s: metadata: %w", category, e.Name, err)
	}
	return out, nil
}
