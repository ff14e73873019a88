package bootstrap

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"aiperf/clock"
	"aiperf/config"
)

// Plan fills in the run's mesh: the processes with their ids, every address, the
// token, and the directories that live as long as the run. Nothing is started.
func Plan(run *config.Run) error {
	m := &run.Mesh
	m.Token = randomHex(16)
	run.Anchor = clock.NewAnchor()
	m.RawInference = map[string]string{}
	rt := run.Benchmark.Runtime
	add := func(typ, id string) { m.Services = append(m.Services, config.ServiceSpec{Type: typ, ID: id}) }
	// Consumers before producers; the target before those who talk to it.
	add(ControllerType, ControllerType)
	if run.Benchmark.MockServer != nil {
		add(MockServerType, MockServerType)
	}
	add("records_manager", "records_manager")
	var processors []string
	for range rt.RecordProcessors {
		id := NewID("record_processor")
		processors = append(processors, id)
		add("record_processor", id)
	}
	add("dataset_manager", "dataset_manager")
	add("timing_manager", "timing_manager")
	for range rt.Workers {
		add("worker", NewID("worker"))
	}
	if run.Benchmark.GPUTelemetry.Enabled {
		add("gpu_telemetry_manager", "gpu_telemetry_manager")
	}
	base := run.Environment.Dataset.MmapBasePath
	if base == "" {
		base = os.TempDir()
	}
	run.DatasetDir = filepath.Join(base, "aiperf_mmap_"+run.BenchmarkID)
	if rt.Communication == "tcp" {
		return planTCP(run, processors)
	}
	return planIPC(run, processors)
}

// NewID makes the id of a replicable service: the type and eight random hex digits.
func NewID(serviceType string) string { return serviceType + "_" + randomHex(4) }

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails on the systems we run on
	return hex.EncodeToString(b)
}

// pathLimit is what the kernel takes as the path of a local socket.
func pathLimit() int {
	if runtime.GOOS == "darwin" {
		return 103
	}
	return 107
}

// planIPC puts the sockets into a fresh directory (mode 0700), or into a fresh
// sub-directory of the one the user named, so that two runs never meet.
func planIPC(run *config.Run, processors []string) error {
	base := run.Benchmark.Runtime.IPCPath
	if base != "" {
		if err := os.MkdirAll(base, 0o700); err != nil {
			return fmt.Errorf("--zmq-ipc-path: %w", err)
		}
	}
	dir, err := os.MkdirTemp(base, "aiperf-")
	if err != nil {
		return fmt.Errorf("make socket directory: %w", err)
	}
	m := &run.Mesh
	m.IPCDir = dir
	var tooLong []string
	at := func(name string) string {
		path := filepath.Join(dir, name)
		if len(path) > pathLimit() {
			tooLong = append(tooLong, path)
		}
		return "ipc://" + path
	}
	m.EventBusFrontend = at("event_bus_proxy_frontend.ipc")
	m.EventBusBackend = at("event_bus_proxy_backend.ipc")
	m.Control = at("control.ipc")
	m.CreditRouter = at("credit_router.ipc")
	m.CreditReturn = at("credit_return_push_pull.ipc")
	m.Records = at("records_push_pull.ipc")
	m.Dataset = at("dataset_manager_proxy_frontend.ipc")
	for _, id := range processors {
		m.RawInference[id] = at("raw_inference_" + id + ".ipc")
	}
	if len(tooLong) > 0 {
		_ = os.RemoveAll(dir)
		return fmt.Errorf("socket path %s has %d bytes, the system takes %d; choose a shorter directory with --zmq-ipc-path",
			tooLong[0], len(tooLong[0]), pathLimit())
	}
	return nil
}

// TCP ports of the mesh; the same numbers that users know.
const (
	portRecords      = 5557
	portCreditRouter = 5564
	portDataset      = 5661
	portRawInference = 5665 // first of one per record processor; the ports between are skipped when taken by others
	portControl      = 5667
	portCreditReturn = 5669
)

// planTCP uses the fixed ports; each is tried, so that a conflict is named before
// anything starts. Record processors get free ports.
func planTCP(run *config.Run, processors []string) error {
	host := run.Benchmark.Runtime.Host
	m := &run.Mesh
	if err := secureTCP(run, host); err != nil {
		return err
	}
	var errs []error
	var taken []net.Listener // held until all are chosen, so that no free port is given out twice
	defer func() {
		for _, l := range taken {
			l.Close()
		}
	}()
	at := func(port int) string {
		address := net.JoinHostPort(host, strconv.Itoa(port))
		l, err := net.Listen("tcp", address)
		if err != nil {
			errs = append(errs, fmt.Errorf("port %d of the mesh is not free on %s: %w; run without --zmq-host to use local sockets", port, host, err))
			return ""
		}
		taken = append(taken, l)
		return "tcp://" + l.Addr().String()
	}
	z := run.Environment.ZMQ
	m.EventBusFrontend, m.EventBusBackend = at(z.EventBusFrontendPort), at(z.EventBusBackendPort)
	m.Control, m.CreditRouter, m.CreditReturn = at(portControl), at(portCreditRouter), at(portCreditReturn)
	m.Records, m.Dataset = at(portRecords), at(portDataset)
	for i, id := range processors {
		port := 0
		if i == 0 {
			port = portRawInference
		}
		m.RawInference[id] = at(port)
	}
	return errors.Join(errs...)
}

// secureTCP demands keys for an address that others can reach.
func secureTCP(run *config.Run, host string) error {
	if dir := run.Environment.ZMQ.CurveDir; dir != "" {
		curve, err := ReadKeys(dir)
		if err != nil {
			return fmt.Errorf("AIPERF_ZMQ_CURVE_DIR: %w", err)
		}
		run.Mesh.Curve = curve
		return nil
	}
	if isLoopback(host) || run.Benchmark.Runtime.Insecure {
		return nil
	}
	return fmt.Errorf("--zmq-host: %s can be reached from other machines: make keys with `aiperf keys` and name their directory in AIPERF_ZMQ_CURVE_DIR, or accept the risk with --insecure", host)
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Key files of a CURVE pair.
const (
	publicKeyFile = "aiperf.key"
	secretKeyFile = "aiperf.key_secret"
)

// ReadKeys reads a pair that WriteKeys wrote.
func ReadKeys(dir string) (*config.Curve, error) {
	public, err := os.ReadFile(filepath.Join(dir, publicKeyFile))
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	secret, err := os.ReadFile(filepath.Join(dir, secretKeyFile))
	if err != nil {
		return nil, fmt.Errorf("read secret key: %w", err)
	}
	c := &config.Curve{PublicKey: strings.TrimSpace(string(public)), SecretKey: strings.TrimSpace(string(secret))}
	if len(c.PublicKey) != 40 || len(c.SecretKey) != 40 {
		return nil, fmt.Errorf("keys in %s: want 40 characters each", dir)
	}
	return c, nil
}

// WriteKeys writes a pair into dir; existing files are not overwritten.
func WriteKeys(dir string, c config.Curve) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make key directory: %w", err)
	}
	write := func(name, text string, mode os.FileMode) error {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return fmt.Errorf("write key: %w", err)
		}
		_, err = f.WriteString(text + "\n")
		return errors.Join(err, f.Close())
	}
	if err := write(secretKeyFile, c.SecretKey, 0o600); err != nil {
		return err
	}
	return write(publicKeyFile, c.PublicKey, 0o644)
}
