package metrics

import "strings"

// Flags say when a metric exists and where it shows. The bits never leave the
// process; names are as in AIPerf (Python).
type Flags uint32

const (
	StreamingOnly                    Flags = 1 << iota // off unless streaming is on
	ProducesTokensOnly                                 // off unless the endpoint produces tokens
	TokenizesInputOnly                                 // off unless the endpoint tokenizes input
	ErrorOnly                                          // computed only for error records; never in console tables
	CancelledOnly                                      // computed only for cancelled records
	LargerIsBetter                                     // direction for objectives, plots and searches
	Internal                                           // others may need it; hidden without the developer switches
	Experimental                                       // exists only with the developer switches
	SupportsAudioOnly                                  // the endpoint accepts audio
	SupportsImageOnly                                  // the endpoint accepts images
	SupportsVideoOnly                                  // the endpoint accepts videos
	ProducesVideoOnly                                  // the endpoint produces videos
	SupportsReasoning                                  // documentation only: no filter acts on it
	NoIndividualRecords                                // never in per-record files
	UsageDiffOnly                                      // off when the server's token counts are the only ones
	HTTPTraceOnly                                      // needs trace data; a row of the trace table
	PercentileIncludesFailedRequests                   // also yields an error-adjusted result
	DisableOnAccuracy                                  // off in accuracy mode
	OpenLoopOnly                                       // off unless requests have a scheduled time
	GoodputOnly                                        // off unless there are SLOs

	StreamingTokensOnly = StreamingOnly | ProducesTokensOnly
)

var flagNames = [...]string{
	"STREAMING_ONLY", "PRODUCES_TOKENS_ONLY", "TOKENIZES_INPUT_ONLY", "ERROR_ONLY", "CANCELLED_ONLY",
	"LARGER_IS_BETTER", "INTERNAL", "EXPERIMENTAL", "SUPPORTS_AUDIO_ONLY", "SUPPORTS_IMAGE_ONLY",
	"SUPPORTS_VIDEO_ONLY", "PRODUCES_VIDEO_ONLY", "SUPPORTS_REASONING", "NO_INDIVIDUAL_RECORDS",
	"USAGE_DIFF_ONLY", "HTTP_TRACE_ONLY", "PERCENTILE_INCLUDES_FAILED_REQUESTS", "DISABLE_ON_ACCURACY",
	"OPEN_LOOP_ONLY", "GOODPUT",
}

// HasAll reports whether every flag of want is set.
func (f Flags) HasAll(want Flags) bool { return f&want == want }

// HasAny reports whether at least one flag of want is set.
func (f Flags) HasAny(want Flags) bool { return f&want != 0 }

// HasNone reports whether no flag of unwanted is set; true for an empty set.
func (f Flags) HasNone(unwanted Flags) bool { return f&unwanted == 0 }

// Names lists the set flags in declaration order.
func (f Flags) Names() []string {
	var names []string
	for i, name := range flagNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

func (f Flags) String() string { return strings.Join(f.Names(), ", ") }
