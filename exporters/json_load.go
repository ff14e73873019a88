package exporters

import (
	"strconv"

	"aiperf/messages"
	"aiperf/metrics"
)

// load writes the load of the run over time, and the time to first token by turn. Neither
// has a key "unit", so that no reader takes it for a metric.
func (j *jsonText) load(p *Profile) {
	if s := p.LoadSeries; s != nil {
		j.object("load_series", func() {
			j.integer("start_ns", int64(s.StartNS))
			j.number("bucket_s", &s.BucketS)
			for _, row := range []struct {
				name   string
				values []int64
			}{
				{"asked", s.Asked}, {"sent", s.Sent}, {"in_flight", s.InFlight},
				{"completed", s.Completed}, {"errors", s.Errors}, {"cancelled", s.Cancelled},
			} {
				j.raw(row.name, oneLine(row.values))
			}
		})
	}
	if len(p.TTFTByTurn) > 0 {
		j.list("ttft_by_turn", func() {
			for i := range p.TTFTByTurn {
				j.next()
				j.beginObject()
				j.turn(&p.TTFTByTurn[i])
				j.endObject()
			}
		})
	}
}

// cutSessions names the sessions that could not be finished.
func (j *jsonText) cutSessions(p *Profile) {
	if p.SessionsCut == 0 {
		return
	}
	j.object("sessions_cut", func() {
		j.integer("count", p.SessionsCut)
		j.list("sessions", func() {
			for i := range p.CutSessions {
				s := &p.CutSessions[i]
				j.next()
				j.beginObject()
				j.text("x_correlation_id", s.XCorrelationID)
				j.text("conversation_id", s.ConversationID)
				j.integer("turns_sent", int64(s.TurnsSent))
				j.integer("turns", int64(s.Turns))
				j.text("worker_id", s.WorkerID)
				j.endObject()
			}
		})
	})
}

// turn writes the figures of one turn, ms.
func (j *jsonText) turn(t *metrics.TurnLatency) {
	j.integer("turn_index", int64(t.TurnIndex))
	if t.Count != nil {
		j.integer("count", *t.Count)
	}
	for _, st := range jsonStats {
		j.number(st.name+"_ms", st.of(&t.Stats))
	}
}

// oneLine is a list of integers on one line: a series of an hour is no column of text.
func oneLine(values []int64) []byte {
	out := []byte{'['}
	for i, v := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, v, 10)
	}
	return append(out, ']')
}

// branches writes what became of the children of conversations.
func (j *jsonText) branches(b *messages.BranchStats) {
	if b == nil {
		return
	}
	j.object("branch_stats", func() {
		j.integer("children_spawned", b.ChildrenSpawned)
		j.integer("children_completed", b.ChildrenCompleted)
		j.integer("children_errored", b.ChildrenErrored)
		j.integer("children_truncated", b.ChildrenTruncated)
		j.integer("children_delayed", b.ChildrenDelayed)
		j.integer("parents_suspended", b.ParentsSuspended)
		j.integer("parents_resumed", b.ParentsResumed)
		j.integer("parents_failed_due_to_child_error", b.ParentsFailedDueToChildError)
		j.integer("joins_suppressed", b.JoinsSuppressed)
		j.integer("graphs_admitted", b.GraphsAdmitted)
		j.integer("graphs_completed_to_end", b.GraphsCompletedToEnd)
	})
}
