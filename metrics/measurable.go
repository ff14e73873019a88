package metrics

import "fmt"

// Load is one side of a run's load, beside what a calibration found this machine able to
// measure.
type Load struct {
	Unit     string // requests/s, events/s, streams
	Asked    float64
	Max      float64 // the highest load that was measured truly; 0: none was
	FailedAt float64 // the lowest that was not; 0: none was met
}

// beyond says that a load is more than the machine can measure; "" when it is not, or
// when nobody knows. Between the highest good load and the lowest bad one nobody knows.
func (l Load) beyond() string {
	switch {
	case l.FailedAt <= 0 || l.Asked < l.FailedAt:
		return ""
	case l.Max <= 0:
		return fmt.Sprintf("%.0f %s are beyond what this machine can measure (less than %.0f, says `aiperf calibrate`)", l.Asked, l.Unit, l.FailedAt)
	}
	return fmt.Sprintf("%.0f %s are %.1fx what this machine can measure (%.0f, says `aiperf calibrate`); ask for less, or use more machines",
		l.Asked, l.Unit, l.Asked/l.Max, l.Max)
}
