package bootstrap

import (
	"errors"
	"fmt"
	"net"
	"os"

	"aiperf/config"
)

// MockServerType is the embedded server as a process of the mesh.
const MockServerType = "mock_server"

// PlanMockServer binds a free loopback port for the embedded server, makes it the
// run's target, and leaves the socket for the service to inherit: requests that come
// before the server is up wait in the socket's queue instead of being refused. The
// caller calls cleanup when the run has ended.
func PlanMockServer(run *config.Run) (cleanup func(), err error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bind a port for the embedded server: %w", err)
	}
	defer l.Close() // the copy below keeps the socket
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		return nil, fmt.Errorf("hand a port to the embedded server: %w", err)
	}
	run.Mesh.MockListener = f
	run.Benchmark.Endpoint.URLs = []string{"http://" + l.Addr().String()}
	return func() { _ = f.Close() }, nil
}

// InheritedListener is the socket that PlanMockServer bound; for the embedded
// server's process alone. It may be called once.
func InheritedListener() (net.Listener, error) {
	f := os.NewFile(listenFD, "listener")
	if f == nil {
		return nil, errors.New("no inherited listener: the embedded server's service is started by the launcher")
	}
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("open the inherited listener: %w", err)
	}
	return l, nil
}
