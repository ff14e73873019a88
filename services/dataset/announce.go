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

// repeats says how often prompts will be sent again, "" when they are not: a server may
// answer a repeated prompt out of its prefix cache. How many requests a closed loop
// sends in a given time is not known beforehand.
func repeats(run *config.Run, o outcome) string {
	requests, sessions, open := 0.0, 0.0, false
	for _, p := range run.Benchmark.Phases {
		switch {
		case p.Sessions != nil:
			sessions += float64(*p.Sessions)
		case p.Requests != nil:
			requests += float64(*p.Requests)
		case p.DurationSec != nil && p.RatePerSec != nil:
			requests += *p.RatePerSec * (*p.DurationSec - p.RateRamp.Missing(*p.DurationSec))
		default:
			open = true
		}
	}
	const why = ", and repeats may be answered out of the server's prefix cache; raise --num-dataset-entries to avoid it"
	switch perPrompt := requests/float64(o.info.Turns) + sessions/float64(o.info.Conversations); {
	case open:
		return fmt.Sprintf("%d prompts: a run that sends more requests repeats them"+why, o.info.Turns)
	case perPrompt > 1:
		return fmt.Sprintf("%d prompts for more requests: each is sent about %.1f times"+why, o.info.Turns, perPrompt)
	}
	return ""
}
