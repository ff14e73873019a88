package timing

import (
	"errors"

	"aiperf/messages"
	"aiperf/messages/bus"
)

var _ sink = (*TimingManager)(nil)

// credits sends a batch to a worker. One whose process has just ended is no error:
// its credits are closed when its end is told.
func (t *TimingManager) credits(workerID string, credits []messages.Credit) {
	t.check("send credits to "+workerID, t.router.Send(t.ctx, workerID, &messages.Credits{Credits: credits}))
}

func (t *TimingManager) cancel(workerID string, keys [][2]int64) {
	t.check("cancel credits of "+workerID, t.router.Send(t.ctx, workerID, &messages.CancelCredits{Keys: keys}))
}

func (t *TimingManager) publish(m messages.Message) { t.out.Publish(m) }

// sendRecords hands the records manager what it closes its books by.
func (t *TimingManager) sendRecords(m messages.Message) {
	t.check("send "+m.MessageType()+" to the records manager", t.records.Send(t.ctx, "", m))
}

// finished tells everybody that the last phase has ended: the controller on the
// control socket, the records manager behind the last border, watchers on the bus.
func (t *TimingManager) finished(m *messages.CreditsComplete) {
	t.sendRecords(m)
	t.publish(m)
	t.check("report the end of the credits", t.out.SendControl(t.ctx, m))
}

// check logs a failed send. While the service stops, sends are expected to end.
func (t *TimingManager) check(operation string, err error) {
	if err != nil && t.ctx.Err() == nil && !errors.Is(err, bus.ErrClosed) {
		t.log.Error(operation, "err", err)
	}
}
