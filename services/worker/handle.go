package worker

import (
	"context"
	"fmt"
	"net/url"

	"github.com/tidwall/gjson"

	"aiperf/clock"
	"aiperf/dataset"
	"aiperf/messages"
	"aiperf/plugins/endpoints"
	"aiperf/plugins/transports"
)

// handle is the life of one credit. The deferred part is the only place that emits a
// record or a return, so that no path can forget or repeat them.
//
// hot: once per request. BenchmarkCredit.
func (e *engine) handle(t *task) {
	it := e.items.Get().(*item)
	emit := false
	defer func() {
		if p := recover(); p != nil {
			e.broken(t, it, p)
			emit = true
		}
		e.conclude(t, it, emit)
	}()
	emit = e.request(t, it)
}

// request prepares, waits and sends; false when the credit was cancelled before its
// request was taken up.
func (e *engine) request(t *task, it *item) (takenUp bool) {
	if t.queued && t.state.Load() == dropped {
		return false
	}
	s, err := e.prepare(t, it)
	due := t.due()
	var ready transports.Readied
	if err == nil && e.readier != nil {
		ready = e.readier.Ready(&it.request)
	}
	if due > 0 {
		_ = e.deps.Alarm.Approach(t.ctx, due) // ends early only with the credit, which begin sees
	}
	if ready != nil {
		ready.Hold(t.ctx)
	}
	if due > 0 {
		e.deps.Alarm.Reach(due)
	}
	if !t.begin() {
		if ready != nil {
			ready.Drop()
		}
		return false
	}
	x := &it.exchange
	x.StartNS = clock.Now()
	if t.queued {
		// Its turn to start was when it was due; since then it waited for a connection.
		x.StartNS = max(t.received, due)
		x.Trace.PoolWaitStartNS = x.StartNS
	}
	it.record.CreditDropNS = max(0, int64(x.StartNS-max(t.received, due)))
	if due > t.received && !t.queued {
		it.record.TimerLatenessNS = max(1, int64(x.StartNS-due)) // 0 would say that nothing waited
	}
	if err != nil { // nothing can be sent; the failure is the record
		x.EndNS, x.Error = x.StartNS, messages.AsErrorDetails("ValueError", err)
		return true
	}
	if ready != nil {
		ready.Exchange(t.ctx, x)
	} else {
		e.deps.Transport.Exchange(t.ctx, &it.request, x)
	}
	if x.Error == nil {
		e.inspect(it)
	}
	if s != nil && x.Error == nil {
		e.remember(s, x)
	}
	if s != nil && t.credit.HasForks {
		s.ended(t.credit.TurnIndex)
	}
	return true
}

// prepare fills the request: where to, with which headers, with which body. The session
// is nil when nothing has to be remembered for later turns.
func (e *engine) prepare(t *task, it *item) (*session, error) {
	c := &t.credit
	rec := &it.record
	rec.Credit, rec.WorkerID, rec.ModelName, rec.XRequestID = *c, e.cfg.WorkerID, e.cfg.Model, newRequestID()
	at, err := e.conversation(c)
	if err != nil {
		return nil, err
	}
	payload := e.deps.Store.Payload(at, c.TurnIndex)
	s, err := e.session(c, at, payload != nil)
	if err != nil {
		return s, err
	}
	if rec.MaxTokens = e.cfg.ExtraMaxTokens; rec.MaxTokens == 0 {
		rec.MaxTokens = e.deps.Store.MaxTokens(at, c.TurnIndex)
	}
	if payload == nil {
		if payload, err = e.build(s, c, it); err != nil {
			return s, err
		}
	} else if e.cfg.BodyModel {
		if name := gjson.GetBytes(payload, "model").Str; name != "" {
			rec.ModelName = name
		}
	}
	it.request = transports.Request{
		URL: e.target(c, s), Headers: e.deps.Headers, Body: payload,
		RequestID: rec.XRequestID, Session: c.XCorrelationID, FinalTurn: c.IsFinalTurn(),
	}
	if c.CancelAfterNS != nil {
		it.request.Sent = t.hangUp(&e.running, e.deps.Alarm)
	}
	return s, nil
}

// conversation finds the credit's conversation in the store.
func (e *engine) conversation(c *messages.Credit) (int, error) {
	if c.ConversationIndex >= 0 && c.ConversationIndex < e.deps.Store.Len() {
		return c.ConversationIndex, nil
	}
	if at, ok := e.deps.Store.Find(c.ConversationID); ok {
		return at, nil
	}
	return 0, messages.NewError("LookupError", fmt.Sprintf("the dataset has no conversation %q", c.ConversationID))
}

// session returns what is remembered of the credit's session, and begins to remember
// when later turns will need it: their history, or which URL they talk to.
func (e *engine) session(c *messages.Credit, at int, prepared bool) (*session, error) {
	if c.TurnIndex > 0 {
		if s := e.sessions.get(c.XCorrelationID); s != nil {
			return s, nil
		}
	}
	if prepared && (c.IsFinalTurn() || c.URLIndex < 0) {
		return nil, nil
	}
	s := &session{id: c.XCorrelationID, urlIndex: c.URLIndex}
	if !prepared {
		conversation, err := e.deps.Store.Conversation(at)
		if err != nil {
			return nil, messages.AsErrorDetails("LookupError", err)
		}
		if c.IsFork() && c.TurnIndex == 0 {
			return e.fork(c, &conversation)
		}
		s.conversation, s.forks = &conversation, forksOf(&conversation)
		// Not 0 when the session was forgotten: what is known without the replies.
		s.history = append(s.history, conversation.Turns[:min(c.TurnIndex, len(conversation.Turns))]...)
	}
	if !c.IsFinalTurn() || s.forks > 0 {
		e.sessions.put(s)
	}
	return s, nil
}

// fork begins a session with the history of its parent, which this worker holds.
func (e *engine) fork(c *messages.Credit, own *dataset.Conversation) (*session, error) {
	parent := e.sessions.get(c.ParentCorrelationID)
	if parent == nil || parent.conversation == nil {
		return nil, messages.NewError("LookupError", fmt.Sprintf("the history of session %s, from which this one is forked, is not here any more", c.ParentCorrelationID))
	}
	s, done := parent.fork(c.XCorrelationID, c.URLIndex, c.ParentTurn, own)
	if done {
		e.sessions.drop(parent.id)
	}
	if !c.IsFinalTurn() || s.forks > 0 {
		e.sessions.put(s)
	}
	return s, nil
}

// build renders the body from the session's history.
func (e *engine) build(s *session, c *messages.Credit, it *item) (body []byte, err error) {
	if s.conversation == nil || c.TurnIndex < 0 || c.TurnIndex >= len(s.conversation.Turns) {
		return nil, messages.NewError("LookupError", fmt.Sprintf("conversation %q has no turn %d", c.ConversationID, c.TurnIndex))
	}
	turn := s.conversation.Turns[c.TurnIndex]
	turns := s.next(turn)
	if turn.Model != "" {
		it.record.ModelName = turn.Model
	}
	if it.record.MaxTokens == 0 {
		it.record.MaxTokens = turn.MaxTokens
	}
	it.body, err = e.deps.Endpoint.AppendBody(it.body[:0], &endpoints.Request{
		SystemMessage: s.conversation.SystemMessage, UserContextMessage: s.conversation.UserContextMessage,
		Turns: turns, Model: e.cfg.Model,
	})
	it.record.PayloadBytes = it.body
	return it.body, err
}

// target is the URL of the session; an index beyond the list wraps around.
func (e *engine) target(c *messages.Credit, s *session) *url.URL {
	at := c.URLIndex
	if at < 0 && s != nil {
		at = s.urlIndex
	}
	return e.cfg.Targets[max(at, 0)%len(e.cfg.Targets)]
}

// inspect holds a finished stream against what its dialect wants of one.
func (e *engine) inspect(it *item) {
	checker, ok := e.deps.Endpoint.(endpoints.StreamChecker)
	if !ok || !e.cfg.CheckStreams || !it.exchange.Streamed {
		return
	}
	if err := checker.CheckStream(it.exchange.Responses); err != nil {
		it.exchange.Error = transports.StreamError(502, err.Error())
	}
}

// remember captures the reply for the session's next turn.
func (e *engine) remember(s *session, x *transports.Exchange) {
	replier, ok := e.deps.Endpoint.(endpoints.Replier)
	if !ok || s.conversation == nil || !s.conversation.KeepsReplies() {
		return
	}
	if reply, ok := replier.AssistantTurn(x.Responses); ok {
		s.add(reply)
	}
}

// broken turns a panic into an error record.
func (e *engine) broken(t *task, it *item, panicked any) {
	t.state.Store(started)
	x := &it.exchange
	now := clock.Now()
	if x.StartNS == 0 {
		x.StartNS = now
	}
	x.EndNS, x.Cancelled = now, false
	x.Error = messages.NewError("CreditProcessingError", fmt.Sprintf("panic: %v", panicked)).WithCode(500)
	it.record.Credit, it.record.WorkerID = t.credit, e.cfg.WorkerID
	if it.record.ModelName == "" {
		it.record.ModelName = e.cfg.Model
	}
}

// conclude emits the record, then the return.
func (e *engine) conclude(t *task, it *item, emit bool) {
	ret := messages.CreditReturn{CreditKey: t.credit.CreditKey, Cancelled: !emit}
	// A cut on purpose is an end of the request, not of its session.
	ret.Disconnected = emit && it.exchange.Cancelled && context.Cause(t.ctx) != transports.ErrCancelled
	if !emit {
		it.reset()
		e.items.Put(it)
	} else {
		e.complete(it)
		failure, cancelled := it.record.Error, it.exchange.Cancelled
		ret.Cancelled = cancelled && !ret.Disconnected
		if failure != nil && !cancelled {
			ret.Error = failure.Error()
			e.failures.note(failure)
		}
		processor, err := e.deps.Records.Put(it) // the item is not ours any more
		if ret.RecordEmitted = err == nil; err != nil && ret.Error == "" {
			ret.Error = err.Error()
		}
		ret.RecordProcessorID = processor
	}
	if ret.Cancelled || t.credit.IsFinalTurn() {
		e.endSession(t.credit.XCorrelationID, ret.Cancelled)
	}
	if ret.Error != "" {
		e.failed.Add(1)
	} else {
		e.completed.Add(1)
	}
	t.cancel(nil)
	e.mu.Lock()
	delete(e.tasks, t.credit.CreditKey)
	e.mu.Unlock()
	e.deps.Returns(ret)
}

// endSession forgets a session, unless others are still to be forked from it. One whose
// turn was cancelled starts no children.
func (e *engine) endSession(id string, cancelled bool) {
	if s := e.sessions.get(id); s != nil && (cancelled || s.finish()) {
		e.sessions.drop(id)
	}
}

// complete fills the record from the exchange. Error texts are cleaned of secrets here,
// before anything leaves the process.
func (e *engine) complete(it *item) {
	x, rec := &it.exchange, &it.record
	rec.TimestampNS = clock.WallOf(x.StartNS)
	rec.StartPerfNS, rec.SendPerfNS, rec.RecvStartPerfNS, rec.EndPerfNS = x.StartNS, x.SendNS, x.RecvStartNS, x.EndNS
	if x.Cancelled {
		rec.CancellationPerfNS = x.EndNS
	}
	rec.Status, rec.StampSource, rec.RecvBytes, rec.Streamed = x.Status, x.StampSource, x.RecvBytes, x.Streamed
	rec.CoalescedEvents, rec.Responses, rec.Error = x.CoalescedEvents, x.Responses, x.Error
	if x.Trace.Type != "" {
		rec.Trace = &x.Trace
	}
	if rec.Error != nil {
		rec.Error.Type = messages.CutErrorText(rec.Error.Type) // perhaps a server's reason phrase
		rec.Error.Message = messages.CutErrorText(e.deps.Redact(rec.Error.Message))
	}
	it.measure()
}
