package messages

import "aiperf/clock"

// Phase kinds and return outcomes are lower-case strings on the wire.
const (
	PhaseWarmup    = "warmup"
	PhaseProfiling = "profiling"
)

// CreditKey names a credit everywhere: ids restart in each phase.
type CreditKey struct {
	PhaseIndex int   `msgpack:"phase_index"` // position in the phase list, from 0
	ID         int64 `msgpack:"id"`          // dispatch sequence in the phase, from 0
}

// Credit is permission for one worker to send exactly one request.
type Credit struct {
	CreditKey
	Phase          string `msgpack:"phase"`           // warmup, profiling
	ProfilingIndex int    `msgpack:"profiling_index"` // position among profiling phases; −1 in warmup
	PhaseName      string `msgpack:"phase_name"`
	ConversationID string `msgpack:"conversation_id"`
	// ConversationIndex is the conversation's number in the dataset store.
	ConversationIndex int          `msgpack:"conversation_index"`
	XCorrelationID    string       `msgpack:"x_correlation_id"` // session id, never empty
	TurnIndex         int          `msgpack:"turn_index"`       // from 0
	NumTurns          int          `msgpack:"num_turns"`        // turns this session will send
	IssuedAtNS        clock.WallNS `msgpack:"issued_at_ns"`     // due time
	ScheduledNS       clock.WallNS `msgpack:"scheduled_ns"`     // target send time; 0 in closed loop
	URLIndex          int          `msgpack:"url_index"`        // into the endpoint URL list; −1: the first or the session's
	SessionSeq        int64        `msgpack:"session_seq"`      // sequence of the session in the phase, from 0

	// CancelAfterNS: the client hangs up so long after the request is written; absent:
	// it reads the answer to its end. Shared, not changed.
	CancelAfterNS *int64 `msgpack:"cancel_after_ns"`

	// Branches of conversations. A root has none of these.
	AgentDepth          int    `msgpack:"agent_depth"`           // 0: sampled from the dataset; a child's is one more than its parent's
	ParentCorrelationID string `msgpack:"parent_correlation_id"` // session that the child was branched from
	RootCorrelationID   string `msgpack:"root_correlation_id"`   // session at the top of the tree
	BranchMode          string `msgpack:"branch_mode"`           // of a child with a parent: fork, spawn
	ParentTurn          int    `msgpack:"parent_turn"`           // the turn of the parent that branched
	HasForks            bool   `msgpack:"has_forks"`             // the turn has FORK children, which will need its history
}

// How a child relates to its parent.
const (
	BranchFork  = "fork"  // begins with the parent's messages and its real answer
	BranchSpawn = "spawn" // begins with nothing
)

// IsFork says that the credit's session goes on from its parent's history.
func (c *Credit) IsFork() bool { return c.BranchMode == BranchFork && c.ParentCorrelationID != "" }

// IsFinalTurn says that no further turn of the session will come.
func (c *Credit) IsFinalTurn() bool { return c.TurnIndex == c.NumTurns-1 }

// Credits is a batch of credits for one worker.
type Credits struct {
	Credits []Credit `msgpack:"credits"`
}

func (*Credits) MessageType() string { return "credits" }

// hot: once per request. Budget: no allocation. BenchmarkCredits.
func (m *Credits) appendFields(w *Writer) int {
	w.Str("credits")
	w.Array(len(m.Credits))
	for i := range m.Credits {
		m.Credits[i].append(w)
	}
	return 1
}

func (c *Credit) append(w *Writer) {
	w.nested(func(n *int) {
		w.Str("id")
		w.Int(c.ID)
		w.Str("phase")
		w.Str(c.Phase)
		w.Str("phase_index")
		w.Int(int64(c.PhaseIndex))
		*n += 3
		if c.ProfilingIndex >= 0 {
			w.Str("profiling_index")
			w.Int(int64(c.ProfilingIndex))
			*n++
		}
		w.optStr(n, "phase_name", c.PhaseName)
		w.Str("conversation_id")
		w.Str(c.ConversationID)
		w.Str("conversation_index")
		w.Int(int64(c.ConversationIndex))
		w.Str("x_correlation_id")
		w.Str(c.XCorrelationID)
		w.Str("turn_index")
		w.Int(int64(c.TurnIndex))
		w.Str("num_turns")
		w.Int(int64(c.NumTurns))
		w.Str("issued_at_ns")
		w.Int(int64(c.IssuedAtNS))
		*n += 6
		w.optInt(n, "scheduled_ns", int64(c.ScheduledNS))
		if c.URLIndex >= 0 {
			w.Str("url_index")
			w.Int(int64(c.URLIndex))
			*n++
		}
		w.Str("session_seq")
		w.Int(c.SessionSeq)
		*n++
		if c.CancelAfterNS != nil {
			w.Str("cancel_after_ns")
			w.Int(*c.CancelAfterNS)
			*n++
		}
		if c.AgentDepth > 0 {
			w.Str("agent_depth")
			w.Int(int64(c.AgentDepth))
			*n++
			w.optStr(n, "parent_correlation_id", c.ParentCorrelationID)
			w.optStr(n, "root_correlation_id", c.RootCorrelationID)
			w.optStr(n, "branch_mode", c.BranchMode)
			w.optInt(n, "parent_turn", int64(c.ParentTurn))
		}
		w.optBool(n, "has_forks", c.HasForks)
	})
}

func (m *Credits) readField(r *Reader, key []byte) bool {
	if string(key) != "credits" {
		return false
	}
	n := r.ArrayLen()
	m.Credits = make([]Credit, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		m.Credits = append(m.Credits, readCredit(r))
	}
	return true
}

func readCredit(r *Reader) Credit {
	c := Credit{ProfilingIndex: -1, URLIndex: -1}
	for n := r.MapLen(); n > 0 && r.err == nil; n-- {
		switch string(r.StrBytes()) {
		case "id":
			c.ID = r.Int()
		case "phase":
			c.Phase = Intern(r.StrBytes())
		case "phase_index":
			c.PhaseIndex = int(r.Int())
		case "profiling_index":
			c.ProfilingIndex = int(r.Int())
		case "phase_name":
			c.PhaseName = Intern(r.StrBytes())
		case "conversation_id":
			c.ConversationID = r.Str()
		case "conversation_index":
			c.ConversationIndex = int(r.Int())
		case "x_correlation_id":
			c.XCorrelationID = r.Str()
		case "turn_index":
			c.TurnIndex = int(r.Int())
		case "num_turns":
			c.NumTurns = int(r.Int())
		case "issued_at_ns":
			c.IssuedAtNS = clock.WallNS(r.Int())
		case "scheduled_ns":
			c.ScheduledNS = clock.WallNS(r.Int())
		case "url_index":
			c.URLIndex = int(r.Int())
		case "session_seq":
			c.SessionSeq = r.Int()
		case "cancel_after_ns":
			after := r.Int()
			c.CancelAfterNS = &after
		case "agent_depth":
			c.AgentDepth = int(r.Int())
		case "parent_correlation_id":
			c.ParentCorrelationID = r.Str()
		case "root_correlation_id":
			c.RootCorrelationID = r.Str()
		case "branch_mode":
			c.BranchMode = Intern(r.StrBytes())
		case "parent_turn":
			c.ParentTurn = int(r.Int())
		case "has_forks":
			c.HasForks = r.Bool()
		default:
			r.Skip()
		}
	}
	return c
}

// CreditReturn ends a credit's life. Exactly one is sent per credit.
type CreditReturn struct {
	CreditKey
	Cancelled         bool   `msgpack:"cancelled"`           // the credit was cancelled; a simulated disconnect is not this
	Disconnected      bool   `msgpack:"disconnected"`        // the client hung up on purpose: completed, and no error
	RecordEmitted     bool   `msgpack:"record_emitted"`      // a record was pushed ...
	RecordProcessorID string `msgpack:"record_processor_id"` // ... to this processor
	FirstTokenSent    bool   `msgpack:"first_token_sent"`    // the prefill slot is already free
	Error             string `msgpack:"error"`               // empty on success
	RequestLatencyNS  int64  `msgpack:"request_latency_ns"`  // 0 without a valid content response
}

// CreditReturns is a batch of returns from one worker.
type CreditReturns struct {
	Returns []CreditReturn `msgpack:"returns"`
}

func (*CreditReturns) MessageType() string { return "credit_returns" }

// hot: once per request. Budget: no allocation. BenchmarkCreditReturns.
func (m *CreditReturns) appendFields(w *Writer) int {
	w.Str("returns")
	w.Array(len(m.Returns))
	for i := range m.Returns {
		c := &m.Returns[i]
		w.nested(func(n *int) {
			c.CreditKey.append(w, n)
			w.optBool(n, "cancelled", c.Cancelled)
			w.optBool(n, "disconnected", c.Disconnected)
			w.Str("record_emitted")
			w.Bool(c.RecordEmitted)
			*n++
			w.optStr(n, "record_processor_id", c.RecordProcessorID)
			w.optBool(n, "first_token_sent", c.FirstTokenSent)
			w.optStr(n, "error", c.Error)
			w.optInt(n, "request_latency_ns", c.RequestLatencyNS)
		})
	}
	return 1
}

func (k CreditKey) append(w *Writer, n *int) {
	w.Str("phase_index")
	w.Int(int64(k.PhaseIndex))
	w.Str("id")
	w.Int(k.ID)
	*n += 2
}

func (m *CreditReturns) readField(r *Reader, key []byte) bool {
	if string(key) != "returns" {
		return false
	}
	n := r.ArrayLen()
	m.Returns = make([]CreditReturn, 0, n)
	for ; n > 0 && r.err == nil; n-- {
		m.Returns = append(m.Returns, readReturn(r))
	}
	return true
}

func readReturn(r *Reader) CreditReturn {
	c := CreditReturn{RecordEmitted: true}
	for n := r.MapLen(); n > 0 && r.err == nil; n-- {
		switch string(r.StrBytes()) {
		case "phase_index":
			c.PhaseIndex = int(r.Int())
		case "id":
			c.ID = r.Int()
		case "cancelled":
			c.Cancelled = r.Bool()
		case "disconnected":
			c.Disconnected = r.Bool()
		case "record_emitted":
			c.RecordEmitted = r.Bool()
		case "record_processor_id":
			c.RecordProcessorID = Intern(r.StrBytes())
		case "first_token_sent":
			c.FirstTokenSent = r.Bool()
		case "error":
			c.Error = r.Str()
		case "request_latency_ns":
			c.RequestLatencyNS = r.Int()
		default:
			r.Skip()
		}
	}
	return c
}

// CancelCredits tells a worker to abort requests and return their credits as cancelled.
type CancelCredits struct {
	Keys [][2]int64 `msgpack:"keys"` // [phase_index, id]
}

func (*CancelCredits) MessageType() string { return "cancel_credits" }

// WorkerConnected says that the worker's return path is up; it is not routable yet.
type WorkerConnected struct{}

func (*WorkerConnected) MessageType() string { return "worker_connected" }

// WorkerDispatchable adds the worker to the routing pool.
type WorkerDispatchable struct{}

func (*WorkerDispatchable) MessageType() string { return "worker_dispatchable" }

// WorkerUndispatchable takes the worker out of the routing pool; it stays connected.
type WorkerUndispatchable struct {
	Reason string `msgpack:"reason,omitempty"`
}

func (*WorkerUndispatchable) MessageType() string { return "worker_undispatchable" }

// WorkerShutdown is a worker's graceful leave, sent after its last return.
type WorkerShutdown struct{}

func (*WorkerShutdown) MessageType() string { return "worker_shutdown" }
