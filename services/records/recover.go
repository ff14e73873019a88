package records

import (
	"fmt"

	"aiperf/messages"
)

// recover takes in the journal of an earlier process. The record files are written
// anew from it. What cannot be read ends it; what was read counts.
func (l *ledger) recover() {
	l.streams = openStreams(l.run, l.registry, l.log)
	l.opened = true
	l.spill()
	frames := 0
	err := replay(l.run.ArtifactDir, func(e messages.Envelope) {
		l.apply(e)
		frames++
	})
	if err != nil {
		l.log.Error("the journal ends early", "frames", frames, "err", err)
		l.fault(false, "JournalError", fmt.Errorf("after %d frames: %w", frames, err))
	}
	l.log.Info("journal read", "frames", frames)
}
