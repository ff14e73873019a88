package config

import (
	"errors"
	"os"
	"path/filepath"
)

// WriteCacheFile writes a file of a cache: whole under a temporary name, then renamed, so
// that those who read or write it at the same time see the old file or the new one.
// Missing directories are made; who may read the file may enter them.
func WriteCacheFile(path string, content []byte, mode os.FileMode) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, mode|mode>>2&0o111); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".writing-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
