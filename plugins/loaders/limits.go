package loaders

import "aiperf/config"

// limits are what of a file a run leaves out.
type limits struct{ d *config.Dataset }

func (c *Config) limits() limits { return limits{&c.Dataset} }

// dropTime tells whether an instant lies outside of the window of the schedule.
func (l limits) dropTime(ms *float64) bool {
	if ms == nil {
		return false
	}
	from, to := l.d.StartOffsetMS, l.d.EndOffsetMS
	return from != nil && *ms < *from || to != nil && *ms > *to
}
