package metrics

const familyLatency = "Latency"

// timeToFirstToken counts from the start of the HTTP call (connection included) to
// the first response with content; reasoning counts. An answer that was asked for as a
// stream and came in one piece has none: when its first token was made, nobody saw.
var timeToFirstToken = declare(Declaration{
	Tag: "time_to_first_token", Header: "Time to First Token", ShortHeader: "TTFT",
	Family: familyLatency, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Order: 100, Integer: true,
	Flags:   StreamingTokensOnly | PercentileIncludesFailedRequests,
	Formula: "content[0] − start",
	formula: formula{measure: func(c *calc) (float64, bool) {
		i := c.record.nextChunk(0)
		if i < 0 {
			return 0, false
		}
		return c.elapsed(c.record.Responses[i].PerfNS, c.record.StartPerfNS)
	}},
})

var timeToSecondToken = declare(Declaration{
	Tag: "time_to_second_token", Header: "Time to Second Token", ShortHeader: "TTST",
	Family: familyLatency, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Order: 200, Integer: true,
	Flags:   StreamingTokensOnly,
	Formula: "content[1] − content[0]",
	formula: formula{measure: func(c *calc) (float64, bool) {
		first := c.record.nextChunk(0)
		if first < 0 {
			return 0, false
		}
		second := c.record.nextChunk(first + 1)
		if second < 0 {
			return 0, false
		}
		return c.elapsed(c.record.Responses[second].PerfNS, c.record.Responses[first].PerfNS)
	}},
})

var timeToFirstOutputToken = declare(Declaration{
	Tag: "time_to_first_output_token", Header: "Time to First Output Token", ShortHeader: "TTFO",
	Family: familyLatency, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Order: 210, Integer: true,
	Flags:   StreamingTokensOnly | SupportsReasoning,
	Formula: "first content other than reasoning − start",
	formula: formula{measure: func(c *calc) (float64, bool) {
		r := c.record
		for i := r.nextChunk(0); i >= 0; i = r.nextChunk(i + 1) {
			if r.Responses[i].Output {
				return c.elapsed(r.Responses[i].PerfNS, r.StartPerfNS)
			}
		}
		return 0, false
	}},
})

// requestLatency ends at the last content, not at the end of the stream: usage and
// [DONE] frames are no part of it.
var requestLatency = declare(Declaration{
	Tag: "request_latency", Header: "Request Latency", ShortHeader: "Req Latency",
	Family: familyLatency, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Order: 300, Integer: true,
	Flags:   PercentileIncludesFailedRequests,
	Formula: "content[last] − start",
	formula: formula{measure: func(c *calc) (float64, bool) {
		for i := len(c.record.Responses) - 1; i >= 0; i-- {
			if r := &c.record.Responses[i]; r.Content {
				return c.elapsed(r.PerfNS, c.record.StartPerfNS)
			}
		}
		return 0, false
	}},
})

var decodeDuration = declare(Declaration{
	Tag: "decode_duration", Header: "Decode Duration", ShortHeader: "Decode Duration",
	Family: familyLatency, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Order: 350, Integer: true,
	Flags:    StreamingTokensOnly | PercentileIncludesFailedRequests,
	Requires: []*Declaration{requestLatency, timeToFirstToken},
	Formula:  "request latency − TTFT",
	formula: formula{follow: func(c *calc) (float64, bool) {
		return c.nonNegative(int64(c.of(requestLatency) - c.of(timeToFirstToken)))
	}},
})

// interTokenLatency spreads the decode time over the tokens after the first one; an
// answer of a single token has none.
var interTokenLatency = declare(Declaration{
	Tag: "inter_token_latency", Header: "Inter Token Latency", ShortHeader: "ITL",
	Family: familyLatency, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Order: 400,
	Flags:    StreamingTokensOnly | PercentileIncludesFailedRequests,
	Requires: []*Declaration{requestLatency, timeToFirstToken, outputSequenceLength},
	Formula:  "(request latency − TTFT) / (OSL − 1), for OSL ≥ 2",
	formula: formula{follow: func(c *calc) (float64, bool) {
		osl := c.of(outputSequenceLength)
		if osl < 2 {
			return 0, false
		}
		decode, ok := c.nonNegative(int64(c.of(requestLatency) - c.of(timeToFirstToken)))
		return decode / (osl - 1), ok
	}},
})

// interChunkLatency keeps every gap of a request. One gap that runs backwards drops
// the list; two chunks of one read have a gap of 0.
var interChunkLatency = declare(Declaration{
	Tag: "inter_chunk_latency", Header: "Inter Chunk Latency", ShortHeader: "ICL",
	Family: familyLatency, Kind: KindRecord, Unit: Nanoseconds, DisplayUnit: Milliseconds, Integer: true, List: true,
	Flags: StreamingTokensOnly, Group: GroupNone,
	Formula: "content[i+1] − content[i], for all i",
	formula: formula{measureList: func(c *calc) ([]float64, bool) {
		r := c.record
		previous := r.nextChunk(0)
		if previous < 0 {
			return nil, false
		}
		var gaps []float64
		for i := r.nextChunk(previous + 1); i >= 0; i = r.nextChunk(i + 1) {
			gap, ok := c.elapsed(r.Responses[i].PerfNS, r.Responses[previous].PerfNS)
			if !ok {
				return nil, false
			}
			if gaps == nil {
				gaps = make([]float64, 0, len(r.Responses)-i)
			}
			gaps = append(gaps, gap)
			previous = i
		}
		return gaps, gaps != nil
	}},
})

// nextChunk is the index of the first content at or after from in an answer that
// really was a stream; −1 when there is none.
func (r *Record) nextChunk(from int) int {
	if !r.Streamed {
		return -1
	}
	for i := from; i < len(r.Responses); i++ {
		if r.Responses[i].Content {
			return i
		}
	}
	return -1
}
