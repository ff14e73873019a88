package controller

import (
	"fmt"
	"sort"
	"time"

	"aiperf/bootstrap"
	"aiperf/clock"
)

// missedHeartbeats is after how many intervals without a word a service counts as
// silent.
const missedHeartbeats = 3

// watchHeartbeats warns of services that say nothing. It is no more than a warning:
// whether a process lives, its parent knows; one that is stopped or starved may go on.
// It ends with the run.
func (c *Controller) watchHeartbeats() {
	interval := bootstrap.Seconds(c.doc.Environment.Service.HeartbeatIntervalSec)
	if interval <= 0 {
		return
	}
	t := time.NewTicker(interval)
	defer t.Stop()
	looked := clock.Now()
	for {
		select {
		case <-c.run.Done():
			return
		case <-t.C:
		}
		now := clock.Now()
		if now.Sub(looked) < 2*interval { // else this process was asleep, and cannot judge others
			for _, id := range c.registry.silent(now, missedHeartbeats*interval) {
				c.log.Warn(fmt.Sprintf("%s has not been heard of for %s; its process lives", id, missedHeartbeats*interval))
			}
		}
		looked = now
	}
}

// silent lists the run's services that have not been heard of for a while, each once
// per silence.
func (r *registry) silent(now clock.MonoNS, limit time.Duration) (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, e := range r.present {
		_, ours := r.expected[id]
		if !ours || e.silent || now.Sub(e.heard) < limit || e.state == string(bootstrap.Stopped) {
			continue
		}
		e.silent = true
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}
