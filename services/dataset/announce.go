package dataset

import (
	"fmt"

	"aiperf/config"
	"aiperf/messages"
)

// announcement describes a finished dataset to the mesh.
func announcement(run *config.Run, o outcome) *messages.DatasetConfiguredNotification {
	info := o.info
	return &messages.DatasetConfiguredNotification{
		Metadata: messages.DatasetMetadata{
			Conversations:          o.announced,
			ConversationsTruncated: len(o.announced) < info.Conversations,
			ConversationCount:      info.Conversations,
			TotalTurnCount:         info.Turns,
			AverageTurnCount:       float64(info.Turns) / float64(info.Conversations),
			SamplingStrategy:       run.Benchmark.Dataset.Sampling,
			HasTimingData:          o.hasTimingData,
		},
		ClientMetadata: messages.DatasetClientMetadata{
			ClientType: "memory_map", DataFilePath: info.DataPath, IndexFilePath: info.IndexPath,
			Format: info.Format, ConversationCount: info.Conversations, TotalSizeBytes: info.DataBytes,
		},
	}
}

// repeats says how often prompts will be sent again, "" when they are not or when it
// cannot be known: a server answers a repeated prompt out of its prefix cache.
func repeats(run *config.Run, o outcome) string {
	requests, sessions := 0, 0
	for _, p := range run.Benchmark.Phases {
		switch {
		case p.Sessions != nil:
			sessions += *p.Sessions
		case p.Requests != nil:
			requests += *p.Requests
		default:
			return "" // it ends by time
		}
	}
	perPrompt := float64(requests)/float64(o.info.Turns) + float64(sessions)/float64(o.info.Conversations)
	if perPrompt <= 1 {
		return ""
	}
	return fmt.Sprintf("%d prompts for more requests: each is sent about %.1f times, and repeats may be answered out of the server's prefix cache; raise --num-dataset-entries to avoid it",
		o.info.Turns, perPrompt)
}
