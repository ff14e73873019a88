package controller

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/exporters"
	"aiperf/messages"
)

// export writes every artifact of the run, the last of them the marker that says so,
// and makes the report.
//
//	no profile result   nothing is written; the report names what went wrong
//	an exporter fails   the others still run; its name is in the marker and the report
func (c *Controller) export() *messages.RunReport {
	report := c.exporterReport()
	wasCancelled := isClosed(c.cancelled) || report.Profile != nil && report.Profile.WasCancelled
	if report.Profile != nil {
		c.writeFiles(report)
		c.out.Publish(&messages.ResultsExported{WasCancelled: wasCancelled})
	}
	c.judge(report, wasCancelled)
	out := &messages.RunReport{WasCancelled: wasCancelled}
	var err error
	if out.Report, err = msgpack.Marshal(report); err != nil {
		c.fail("export_results", c.id, messages.AsErrorDetails("EncodingError", err))
	}
	out.ExitErrors = c.errors.all()
	if len(out.ExitErrors) > 0 || report.Profile == nil || !report.Profile.IsComplete {
		out.ExitCode = 1
	}
	return out
}

// exporterReport puts together what has arrived.
func (c *Controller) exporterReport() *exporters.Report {
	report := &exporters.Report{}
	_, report.TelemetryStatus = c.joined.status()
	for domain, into := range map[string]any{domainProfile: &report.Profile, domainTelemetry: &report.Telemetry} {
		raw := c.joined.result(domain)
		if len(raw) == 0 {
			continue
		}
		if err := msgpack.Unmarshal(raw, into); err != nil {
			c.fail("export_results", "records_manager", messages.NewError("DecodingError", fmt.Sprintf("%s result: %v", domain, err)))
		}
	}
	return report
}

// writeFiles runs the exporters. When they hang, they are left behind: the process
// ends soon. The journal goes when nothing needs it any more.
func (c *Controller) writeFiles(report *exporters.Report) {
	for _, e := range report.Profile.Errors {
		if name := failedExporter(e); name != "" {
			report.FailedExporters = append(report.FailedExporters, name)
		}
	}
	ctx, stop := c.exportTime()
	defer stop()
	written := *report // theirs to fill in, until they are done
	done := make(chan []exporters.Failure, 1)
	go func() { done <- c.runExporters(ctx, &written) }()
	var failures []exporters.Failure
	select {
	case failures = <-done:
		*report = written
	case <-ctx.Done():
		failures = []exporters.Failure{{Exporter: "all", Err: context.Cause(ctx)}}
		report.FailedExporters = append(report.FailedExporters, "all")
	}
	for _, f := range failures {
		c.log.Error("exporter failed", "exporter", f.Exporter, "err", f.Err)
		c.fail("export_results", c.id, messages.NewError("ExporterError", f.Error()))
	}
	if len(failures) == 0 && len(report.FailedExporters) == 0 {
		c.removeJournal()
	}
}

// exportTime is a context that ends when the files have to be written: after the bound
// of any run, or soon after a cancel, be it before or meanwhile.
func (c *Controller) exportTime() (context.Context, context.CancelFunc) {
	ctx, stop := context.WithTimeoutCause(c.run, c.bounds.export, fmt.Errorf("not done within %s", c.bounds.export))
	hurried, hurry := context.WithCancelCause(ctx)
	c.wg.Go(func() {
		select {
		case <-c.cancelled:
		case <-hurried.Done():
			return
		}
		select {
		case <-time.After(max(c.left(c.bounds.exported), leastExport)):
			hurry(errors.New("not done in the time of a cancelled run"))
		case <-hurried.Done():
		}
	})
	return hurried, func() {
		hurry(nil)
		stop()
	}
}

// runExporters calls the exporters; a panic in one of them must not cost the report.
func (c *Controller) runExporters(ctx context.Context, r *exporters.Report) (failures []exporters.Failure) {
	defer func() {
		if p := recover(); p != nil {
			failures = []exporters.Failure{{Exporter: "all", Err: fmt.Errorf("panic: %v", p)}}
		}
	}()
	return c.write(ctx, c.doc, r)
}

func (c *Controller) removeJournal() {
	path := filepath.Join(c.doc.ArtifactDir, bootstrap.JournalName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		c.log.Warn("remove the journal", "err", err)
	}
}

// failedExporter says which file an error of the result has cost: that of a stream
// exporter, those made from the results when it is fatal, or none.
func failedExporter(e messages.ErrorDetails) string {
	details, _ := e.Details.(map[string]any)
	name, _ := details["exporter"].(string)
	if name == "" && fatal(e) {
		return "results"
	}
	return name
}

// fail notes an error that makes the run fail.
func (c *Controller) fail(operation, serviceID string, e *messages.ErrorDetails) {
	c.errors.add(true, operation, serviceID, e)
}
