package recordprocessor

import (
	"aiperf/clock"
	"aiperf/messages"
	"aiperf/metrics"
)

// metadata places a record as long as nothing is known of its responses: its end is
// the end of the exchange.
func (e *engine) metadata(raw *messages.RequestRecord) messages.RecordMetadata {
	c := &raw.Credit
	return messages.RecordMetadata{
		SessionNum: c.ID, XRequestID: raw.XRequestID, XCorrelationID: c.XCorrelationID,
		ConversationID: c.ConversationID, TurnIndex: c.TurnIndex, CreditIssuedNS: c.IssuedAtNS,
		RequestStartNS: raw.TimestampNS, RequestAckNS: wallOf(raw, raw.RecvStartPerfNS), RequestEndNS: wallOf(raw, endOf(raw)),
		WorkerID: raw.WorkerID, RecordProcessorID: e.id,
		BenchmarkPhase: c.Phase, PhaseIndex: c.PhaseIndex, ProfilingIndex: c.ProfilingIndex, PhaseName: c.PhaseName,
		WasCancelled: raw.CancellationPerfNS != 0, CancellationTimeNS: wallOf(raw, raw.CancellationPerfNS),
		ScheduledNS: c.ScheduledNS, StampSource: raw.StampSource, RecvBytes: raw.RecvBytes,
		EventCount: raw.EventCount(), CoalescedEvents: raw.CoalescedEvents,
		AgentDepth: c.AgentDepth, ParentCorrelationID: c.ParentCorrelationID, RootCorrelationID: c.RootCorrelationID,
	}
}

// wallOf places a stamp of a request on the wall clock. A missing stamp stays missing.
//
//	wall = request start (wall) + (stamp − request start (monotonic))
func wallOf(raw *messages.RequestRecord, at clock.MonoNS) clock.WallNS {
	if at == 0 {
		return 0
	}
	return raw.TimestampNS.Add(at.Sub(raw.StartPerfNS))
}

// endOf is the end of the exchange; a result without one ends with its last response,
// or at its start.
func endOf(raw *messages.RequestRecord) clock.MonoNS {
	switch {
	case raw.EndPerfNS != 0:
		return raw.EndPerfNS
	case len(raw.Responses) > 0:
		return raw.Responses[len(raw.Responses)-1].PerfNS
	}
	return raw.StartPerfNS
}

// traceOf is what the formulas need of a trace. Every transport of this program sees
// its connections.
func traceOf(t *messages.TraceData) metrics.Trace {
	return metrics.Trace{
		PoolWaitStart: t.PoolWaitStartNS, PoolWaitEnd: t.PoolWaitEndNS,
		DNSStart: t.DNSStartNS, DNSEnd: t.DNSEndNS,
		ConnectStart: t.ConnectStartNS, ConnectEnd: t.ConnectEndNS,
		SendStart: t.SendStartNS, SendEnd: t.SendEndNS,
		ReceiveStart: t.ReceiveStartNS, ReceiveEnd: t.ReceiveEndNS,
		HasConnection: true, Reused: t.Reused,
		BytesSent: t.BytesSent, BytesReceived: t.BytesReceived,
		ChunksSent: t.ChunksSent, ChunksReceived: t.ChunksReceived,
	}
}
