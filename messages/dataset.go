package messages

import "github.com/vmihailenco/msgpack/v5"

// MaxAnnouncedConversations bounds the list in a dataset announcement; a longer
// one is cut and says so. The store has them all.
const MaxAnnouncedConversations = 1000

// TurnMetadata is what a scheduler needs of a turn.
type TurnMetadata struct {
	DelayMS float64 `msgpack:"delay_ms,omitempty"` // milliseconds between the answer before and this turn
	// TimestampMS is when the turn goes, in milliseconds of the schedule; absent: it has no time.
	TimestampMS *float64 `msgpack:"timestamp_ms,omitempty"`
}

// ConversationMetadata is a conversation without its contents.
type ConversationMetadata struct {
	ConversationID string         `msgpack:"conversation_id"`
	Turns          []TurnMetadata `msgpack:"turns"`
}

// DatasetMetadata describes the dataset as a whole.
type DatasetMetadata struct {
	Conversations          []ConversationMetadata `msgpack:"conversations"`                     // at most 1000 of them
	ConversationsTruncated bool                   `msgpack:"conversations_truncated,omitempty"` // there are more than are listed
	ConversationCount      int                    `msgpack:"conversation_count"`
	TotalTurnCount         int                    `msgpack:"total_turn_count"`
	AverageTurnCount       float64                `msgpack:"average_turn_count"` // turns per conversation
	SamplingStrategy       string                 `msgpack:"sampling_strategy"`  // sequential, random, shuffle
	HasTimingData          bool                   `msgpack:"has_timing_data"`    // some turn has a delay or a timestamp
}

// DatasetClientMetadata says where the mapped files are.
type DatasetClientMetadata struct {
	ClientType        string `msgpack:"client_type"`     // memory_map
	DataFilePath      string `msgpack:"data_file_path"`  // the contents
	IndexFilePath     string `msgpack:"index_file_path"` // where each conversation begins
	Format            string `msgpack:"format"`          // conversation, payload_bytes
	ConversationCount int    `msgpack:"conversation_count"`
	TotalSizeBytes    int64  `msgpack:"total_size_bytes"` // of the data file
	Compressed        bool   `msgpack:"compressed"`       // never, in this version
}

// DatasetConfiguredNotification says that the dataset is ready to be opened.
type DatasetConfiguredNotification struct {
	Metadata       DatasetMetadata       `msgpack:"metadata"`
	ClientMetadata DatasetClientMetadata `msgpack:"client_metadata"`
}

func (*DatasetConfiguredNotification) MessageType() string { return "dataset_configured_notification" }

// DatasetConfigurationFailed wakes those who wait for the dataset; the failed
// command is what ends the run.
type DatasetConfigurationFailed struct {
	Error string `msgpack:"error"`
}

func (*DatasetConfigurationFailed) MessageType() string { return "dataset_configuration_failed" }

// ConversationRequest asks the dataset manager for a conversation, by a client
// that cannot map the files.
type ConversationRequest struct {
	ConversationID string `msgpack:"conversation_id"`
	CreditPhase    string `msgpack:"credit_phase,omitempty"`
}

func (*ConversationRequest) MessageType() string { return "conversation_request" }

// ConversationResponse is the answer: the stored document.
type ConversationResponse struct {
	Conversation msgpack.RawMessage `msgpack:"conversation"`
}

func (*ConversationResponse) MessageType() string { return "conversation_response" }

// ConversationTurnRequest asks for one turn.
type ConversationTurnRequest struct {
	ConversationID string `msgpack:"conversation_id"`
	TurnIndex      int    `msgpack:"turn_index"`
}

func (*ConversationTurnRequest) MessageType() string { return "conversation_turn_request" }

// ConversationTurnResponse is the answer.
type ConversationTurnResponse struct {
	Turn msgpack.RawMessage `msgpack:"turn"`
}

func (*ConversationTurnResponse) MessageType() string { return "conversation_turn_response" }

// DatasetConfigStatusRequest is a late joiner's question.
type DatasetConfigStatusRequest struct{}

func (*DatasetConfigStatusRequest) MessageType() string { return "dataset_config_status_request" }

// DatasetConfigStatusResponse carries the last announcement, if there was one.
type DatasetConfigStatusResponse struct {
	Notification *DatasetConfiguredNotification `msgpack:"notification,omitempty"`
}

func (*DatasetConfigStatusResponse) MessageType() string { return "dataset_config_status_response" }

// RequestError answers a request that could not be served.
type RequestError struct {
	Error ErrorDetails `msgpack:"error"`
}

func (*RequestError) MessageType() string { return "error" }
