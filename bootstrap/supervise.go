package bootstrap

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins"
)

// Restart policy of replicated services: at most so many times per slot, with these
// pauses before.
var backOff = []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second}

// unbornRestarts is how often a slot is filled again after a process that ended before
// it had registered: what keeps it from starting will hardly go away.
const unbornRestarts = 1

// slot is the place of one replicated process; its successors inherit it.
type slot struct {
	restarts int
	unborn   int // processes that ended before they had registered
}

// onExit deals with the end of a child. It returns a reason when the run cannot go
// on without it.
//
//	worker                       restarted under a new id, its credits are accounted for
//	record processor             restarted under its old id and address
//	not required by its manifest entry: a warning; its result leaves the report
//	anything else                ends the run
func (m *Mesh) onExit(run *config.Run, e exit) (fatal string) {
	spec := e.proc.spec
	delete(m.children, spec.ID)
	if m.stopping {
		return ""
	}
	if e.orderly() && spec.Type != ControllerType {
		m.log.Debug("service has left", "service", spec.ID)
		return ""
	}
	how := e.how()
	m.deaths = append(m.deaths, deathOf(spec, how))
	tail := e.proc.stderrTail()
	down := messages.ServiceDown{DownServiceID: spec.ID, ServiceType: spec.Type, Signal: e.signal, StderrTail: tail}
	if e.signal == "" {
		down.ExitCode = &e.code
	}
	meta, err := plugins.Metadata[plugins.ServiceMetadata](m.registry, "service", spec.Type)
	if err != nil {
		m.log.Error("look up service", "service", spec.ID, "err", err) // then it counts as required
	}
	switch {
	case meta.Replicable:
		return m.replace(run, e.proc, how, down)
	case meta.Required != nil && !*meta.Required:
		m.log.Warn("service ended; the run goes on without it", "service", spec.ID, "how", how)
		m.tell(down)
		return ""
	}
	text := fmt.Sprintf("%s ended unexpectedly (%s)", spec.ID, how)
	if tail != "" {
		text += ": " + tail
	}
	m.log.Error(text)
	m.addExitError(messages.ExitError{
		ErrorDetails: *messages.NewError("ServiceDown", text), Operation: "required_service_reaped", FromService: spec.ID,
	})
	return text
}

func deathOf(spec config.ServiceSpec, how string) metrics.ProcessDeath {
	return metrics.ProcessDeath{ServiceID: spec.ID, ServiceType: spec.Type, How: how}
}

// replace starts a new process in the slot of the one that ended, after a pause, or
// counts the slot out. Losing the last of a kind ends the run.
func (m *Mesh) replace(run *config.Run, p *process, how string, down messages.ServiceDown) (fatal string) {
	spec := p.spec
	place := m.slots[spec.ID]
	delete(m.slots, spec.ID)
	if !p.registered.Load() {
		place.unborn++
		m.unborn[spec.Type] = append(m.unborn[spec.Type], how)
	} else {
		delete(m.unborn, spec.Type)
	}
	if place.restarts >= len(backOff) || place.unborn > unbornRestarts {
		m.log.Error("service ended and will not be restarted again", "service", spec.ID, "how", how, "restarts", place.restarts)
		m.tell(down)
		return m.countOut(spec, how, down.StderrTail)
	}
	pause := backOff[place.restarts]
	place.restarts++
	next := config.ServiceSpec{Type: spec.Type, ID: spec.ID}
	if spec.Type == "worker" {
		next.ID = NewID("worker")
	}
	down.Restarting, down.ReplacementID = true, next.ID
	m.deaths[len(m.deaths)-1].Restarted = true
	m.slots[next.ID] = place
	m.log.Warn("service ended; restarting it", "service", spec.ID, "how", how, "as", next.ID)
	m.tell(down)
	timers, over := m.timers, m.ctx.Done()
	time.AfterFunc(pause, func() {
		select {
		case timers <- func() string { return m.restart(run, next) }:
		case <-over: // with the processes that it was to join
		}
	})
	return ""
}

// countOut ends the run when the slot that has just been given up was the last one of
// its kind.
func (m *Mesh) countOut(spec config.ServiceSpec, how, stderrTail string) (fatal string) {
	if m.remaining(spec.Type) > 0 {
		return ""
	}
	kind := strings.ReplaceAll(spec.Type, "_", " ")
	text := fmt.Sprintf("every %s has ended (the last: %s, %s)", kind, spec.ID, how)
	if ends := m.unborn[spec.Type]; len(ends) > 0 {
		text = fmt.Sprintf("every %s exited before registering (%d of %[2]d; %s)", kind, len(ends), strings.Join(ends, ", "))
	}
	if stderrTail != "" {
		text += ": " + stderrTail
	}
	m.log.Error(text)
	m.addExitError(messages.ExitError{ErrorDetails: *messages.NewError("ServiceDown", text), Operation: "required_service_reaped", FromService: spec.ID})
	return text
}

func (m *Mesh) restart(run *config.Run, spec config.ServiceSpec) (fatal string) {
	if m.stopping {
		return ""
	}
	p, err := m.start(spec, run)
	if err != nil {
		m.log.Error("restart service", "service", spec.ID, "err", err)
		m.addExitError(exitError("Start", spec.ID, err))
		delete(m.slots, spec.ID)
		m.tell(messages.ServiceDown{DownServiceID: spec.ID, ServiceType: spec.Type})
		return m.countOut(spec, err.Error(), "")
	}
	m.children[spec.ID] = p
	return ""
}

// remaining counts the slots of a type that live or wait for a restart.
func (m *Mesh) remaining(serviceType string) int {
	n := 0
	for id := range m.slots {
		if strings.HasPrefix(id, serviceType+"_") {
			n++
		}
	}
	return n
}

// tell reports a death to the controller, which relays it.
func (m *Mesh) tell(down messages.ServiceDown) {
	m.readers.Go(func() {
		if _, err := m.calls.Call(m.ctx, "", messages.CommandServiceDown, down, 5*time.Second); err != nil {
			m.log.Debug("tell the controller of a death", "service", down.DownServiceID, "err", err)
		}
	})
}

// recover starts a controller and a records manager once more, only to summarise
// the journal of a run that lost a required process.
func (m *Mesh) recover(ctx context.Context, reason string) ending {
	run := *m.run
	run.RecoverReason, run.RecoverCancelled, run.RecoverDeaths = reason, m.signal != nil, m.deaths
	run.Mesh = config.Mesh{Curve: run.Mesh.Curve}
	run.Benchmark.GPUTelemetry.Enabled, run.Benchmark.MockServer = false, nil
	run.Benchmark.Runtime.RecordProcessors, run.Benchmark.Runtime.Workers = 0, 0
	dataset := run.DatasetDir
	if err := Plan(&run); err != nil {
		m.addExitError(exitError("export_results", launcherName, err))
		return ending{}
	}
	run.DatasetDir = dataset
	var needed []config.ServiceSpec
	for _, s := range run.Mesh.Services {
		if s.Type == ControllerType || s.Type == "records_manager" {
			needed = append(needed, s)
		}
	}
	run.Mesh.Services = needed
	defer m.cleanUp(&run)
	return m.live(ctx, &run)
}

// JournalName is the records manager's journal inside the artifact directory. It is
// removed when everything is exported.
const JournalName = ".aiperf_journal"

func journalHasRecords(artifactDir string) bool {
	st, err := os.Stat(filepath.Join(artifactDir, JournalName))
	return err == nil && st.Size() > 0
}

// MeshFileName is where a live run says how to attach to it.
const MeshFileName = ".aiperf_mesh.json"

// MeshFile is its content.
type MeshFile struct {
	BenchmarkID     string `json:"benchmark_id"`
	PID             int    `json:"pid"`
	EventBusBackend string `json:"event_bus_backend"`
	PublicKey       string `json:"public_key,omitempty"`
	SecretKey       string `json:"secret_key,omitempty"`
	ProtocolVersion int    `json:"protocol_version"`
}

// announce writes the mesh file (mode 0600) and names the bus in the log.
func (m *Mesh) announce(run *config.Run) {
	f := MeshFile{BenchmarkID: run.BenchmarkID, PID: os.Getpid(), EventBusBackend: run.Mesh.EventBusBackend, ProtocolVersion: messages.ProtocolVersion}
	if c := run.Mesh.Curve; c != nil {
		f.PublicKey, f.SecretKey = c.PublicKey, c.SecretKey
	}
	b, _ := json.Marshal(f)
	path := filepath.Join(run.ArtifactDir, MeshFileName)
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, b, 0o600); err == nil {
		err = os.Rename(tmp, path)
		if err != nil {
			m.log.Warn("write mesh file", "err", err)
		}
	} else {
		m.log.Warn("write mesh file", "err", err)
	}
	m.log.Info("Event bus: " + run.Mesh.EventBusBackend + " (aiperf watch --run " + run.ArtifactDir + ")")
}

// cleanUp removes what lives only as long as the run.
func (m *Mesh) cleanUp(run *config.Run) {
	_ = os.Remove(filepath.Join(run.ArtifactDir, MeshFileName))
	if run.Mesh.IPCDir != "" {
		_ = os.RemoveAll(run.Mesh.IPCDir)
	}
	_ = os.RemoveAll(run.DatasetDir)
}

// ownerFile holds the launcher's process id inside a run's temporary directories.
const ownerFile = "owner.pid"

// Own marks a run's temporary directories as belonging to this process.
func Own(run *config.Run) error {
	for _, dir := range []string{run.Mesh.IPCDir, run.DatasetDir} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make run directory: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, ownerFile), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			return fmt.Errorf("mark run directory: %w", err)
		}
	}
	return nil
}

// SweepDead removes directories that runs of this user left behind when they were
// killed: those whose owner lives no more. It looks where this run puts its own.
func SweepDead(run *config.Run) {
	sockets, datasets := run.Benchmark.Runtime.IPCPath, run.Environment.Dataset.MmapBasePath
	for pattern, base := range map[string]string{"aiperf-*": sockets, "aiperf_mmap_*": datasets} {
		if base == "" {
			base = os.TempDir()
		}
		dirs, _ := filepath.Glob(filepath.Join(base, pattern))
		for _, dir := range dirs {
			b, err := os.ReadFile(filepath.Join(dir, ownerFile))
			if err != nil {
				continue // not ours, or being made right now
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
			if err == nil && unix.Kill(pid, 0) == unix.ESRCH {
				_ = os.RemoveAll(dir)
			}
		}
	}
}

// raiseFileLimit lifts the soft limit of open files to the hard one, which the
// children inherit: connections are files.
func raiseFileLimit(log *Logger) {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return
	}
	lim.Cur = lim.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		log.Debug("raise open-file limit", "err", err)
	}
}
