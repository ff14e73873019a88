package config

import (
	"fmt"
	"strconv"
)

// userRules refuses a user-centric load that contradicts the rest, or that lacks a part.
func (l *loader) userRules() {
	f, rate := l.f, l.f.UserCentricRate
	if !rate.Set {
		if f.Users.Set && !f.givenBadly("user-centric-rate") {
			l.problems.add(f.Users.As, "has no effect without a user-centric rate", strconv.Itoa(f.Users.Value), "add --user-centric-rate, or leave it out")
		}
		return
	}
	for _, other := range []struct {
		set bool
		as  string
	}{
		{f.RequestRate.Set, f.RequestRate.As}, {f.ArrivalPattern.Set, f.ArrivalPattern.As},
		{f.ArrivalSmoothness.Set && !f.WarmupRate.Set, f.ArrivalSmoothness.As}, {f.RateRampSec.Set, f.RateRampSec.As},
	} {
		if other.set {
			l.problems.add(rate.As, "cannot be used together with "+other.as, "", "leave one of the two out")
		}
	}
	if !f.Users.Set {
		if !f.givenBadly("num-users") {
			l.problems.add(rate.As, "needs a number of users", "", "add --num-users")
		}
		return
	}
	for _, bound := range []struct {
		o    Opt[int]
		what string
	}{{f.RequestCount, "requests"}, {f.Sessions, "conversations"}} {
		if bound.o.Set && bound.o.Value < f.Users.Value {
			l.problems.add(bound.o.As, fmt.Sprintf("must be at least the number of users (%s: %d)", f.Users.As, f.Users.Value),
				strconv.Itoa(bound.o.Value), "give more "+bound.what+", or fewer users")
		}
	}
	if f.TurnsMean.Or(1) < 2 && !f.givenBadly("conversation-turn-mean") {
		l.problems.add(rate.As, "needs conversations of at least 2 requests on average", "", "add --conversation-turn-mean 2 or more")
	}
}

// setUsers makes a phase user-centric, if that was asked for.
func (p *Phase) setUsers(f *Flags) {
	if f.UserCentricRate.Set {
		p.Type, p.RatePerSec, p.Users = TypeUserCentric, f.UserCentricRate.pointer(), f.Users.pointer()
	}
}

// adviseUsers warns of users who will wait for one another.
func (l *loader) adviseUsers(p Phase, f *Flags) {
	if p.Users != nil && p.Concurrency != nil && *p.Concurrency < *p.Users {
		l.warn(fmt.Sprintf("%s: %d sessions are fewer than the %d users of phase %s: some will have to wait", f.Concurrency.As, *p.Concurrency, *p.Users, p.Name))
	}
}
