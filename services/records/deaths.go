package records

import (
	"fmt"

	"aiperf/messages"
	"aiperf/metrics"
)

// deaths are the processes of the mesh that ended before their time, in order.
type deaths struct{ list []metrics.ProcessDeath }

// add notes one.
func (d *deaths) add(down *messages.ServiceDown) {
	how := "ended"
	switch {
	case down.Signal != "":
		how = "signal: " + down.Signal
	case down.ExitCode != nil:
		how = fmt.Sprintf("exit code %d", *down.ExitCode)
	}
	d.list = append(d.list, metrics.ProcessDeath{
		ServiceID: down.DownServiceID, ServiceType: down.ServiceType, How: how, Restarted: down.Restarting,
	})
}

// ofRecordPath tells whether a process died that may have held records: a worker
// with results not handed on yet, or a record processor.
func (d *deaths) ofRecordPath() bool {
	return d.last("worker") != nil || d.last("record_processor") != nil
}

func (d *deaths) last(serviceType string) *metrics.ProcessDeath {
	for i := len(d.list) - 1; i >= 0; i-- {
		if d.list[i].ServiceType == serviceType {
			return &d.list[i]
		}
	}
	return nil
}

// suspect is the process that took a record with it of which nothing else is known,
// and the error type that goes with it. Somebody of the record path has died.
func (d *deaths) suspect() (death *metrics.ProcessDeath, errorType string) {
	if p := d.last("record_processor"); p != nil {
		return p, processorLost
	}
	return d.last("worker"), workerLost
}

// charge counts a lost credit against the process that a record names.
func (d *deaths) charge(m *messages.RecordMetadata) {
	for i := range d.list {
		if id := d.list[i].ServiceID; id == m.WorkerID || id == m.RecordProcessorID {
			d.list[i].CreditsLost++
			return
		}
	}
}

// restarted counts those that a new process replaced.
func (d *deaths) restarted() (n int64) {
	for _, x := range d.list {
		if x.Restarted {
			n++
		}
	}
	return n
}

// creditsLost names the processes that cost credits.
func (d *deaths) creditsLost() (names []string) {
	for _, x := range d.list {
		if x.CreditsLost > 0 {
			names = append(names, fmt.Sprintf("%s (%s): %d", x.ServiceID, x.How, x.CreditsLost))
		}
	}
	return names
}
