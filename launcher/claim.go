package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"aiperf/bootstrap"
	"aiperf/exporters"
)

// claim refuses an artifact directory that a live run is writing to, and removes what
// a killed one left there: its mesh file would lead watchers nowhere, and its journal
// would be taken for this run's if this one ended early.
func claim(dir string) error {
	path := filepath.Join(dir, bootstrap.MeshFileName)
	if b, err := os.ReadFile(path); err == nil {
		var mesh bootstrap.MeshFile
		if json.Unmarshal(b, &mesh) == nil && mesh.PID > 0 && mesh.PID != os.Getpid() && syscall.Kill(mesh.PID, 0) != syscall.ESRCH {
			return fmt.Errorf("--artifact-dir: %s is in use by a running benchmark (process %d); name another directory, or wait for its end", dir, mesh.PID)
		}
	}
	for _, name := range []string{bootstrap.MeshFileName, bootstrap.JournalName, exporters.MarkerName} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("--artifact-dir: remove what an earlier run left: %w", err)
		}
	}
	for _, name := range exporters.FragmentDirs {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("--artifact-dir: remove what an earlier run left: %w", err)
		}
	}
	return nil
}
