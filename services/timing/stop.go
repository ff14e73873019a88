package timing

import "aiperf/clock"

// never is an instant that does not come.
const never = clock.MonoNS(1<<63 - 1)

// stopRule is when a phase sends no more: any of the caps, whichever is reached
// first. 0 is no cap.
type stopRule struct {
	requests int64        // sent in all; may cut sessions in the middle
	sessions int64        // started; every session is finished
	end      clock.MonoNS // no request is due at or after it; never = no duration
}

// sent is what a stop rule looks at.
type sent struct {
	requests     int64 // credits issued
	rootRequests int64 // of these, those of sessions that no other one started
	sessions     int64 // sessions started
	sessionTurns int64 // turns that the started sessions have in all
}

// allowsTurn tells whether a turn that is due at an instant may still go.
func (r stopRule) allowsTurn(s sent, due clock.MonoNS) bool {
	if r.requests > 0 && s.requests >= r.requests {
		return false
	}
	if r.sessions > 0 && s.sessions >= r.sessions && s.rootRequests >= s.sessionTurns {
		return false
	}
	return due < r.end
}

// allowsChild tells whether a turn of a child may go: the number of sessions is none of
// its business.
func (r stopRule) allowsChild(s sent, due clock.MonoNS) bool {
	return (r.requests == 0 || s.requests < r.requests) && due < r.end
}

// allowsSession tells whether a new session may start with a turn due at an instant.
func (r stopRule) allowsSession(s sent, due clock.MonoNS) bool {
	return r.allowsTurn(s, due) && (r.sessions == 0 || s.sessions < r.sessions)
}

// reached tells whether the caps are used up, so that the credit just counted was
// the last one. The end of the duration is a matter of the clock, not of counts.
func (r stopRule) reached(s sent) bool {
	if r.requests > 0 && s.requests >= r.requests {
		return true
	}
	return r.sessions > 0 && s.sessions >= r.sessions && s.rootRequests >= s.sessionTurns
}
