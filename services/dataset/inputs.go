package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// inputsFile is the artifact that shows what is sent, and can be fed to another run.
const inputsFile = "inputs.json"

// inputs writes inputs.json conversation by conversation, under a temporary name. Its
// first failure is warned of and ends the file, not the run.
type inputs struct {
	path, temp string
	file       *os.File
	out        *bufio.Writer
	entries    int
	failed     bool
	warn       func(msg string, args ...any)
}

// openInputs begins the file; with an empty directory it writes nothing.
func openInputs(dir string, warn func(string, ...any)) *inputs {
	in := &inputs{path: filepath.Join(dir, inputsFile), warn: warn}
	if dir == "" {
		in.failed = true
		return in
	}
	in.temp = in.path + ".tmp"
	var err error
	if err = os.Remove(in.temp); errors.Is(err, os.ErrNotExist) { // of a run that died; a link is never followed
		err = nil
	}
	if err == nil {
		in.file, err = os.OpenFile(in.temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	}
	if err != nil {
		in.fail(err)
		return in
	}
	in.out = bufio.NewWriterSize(in.file, 256<<10)
	in.write([]byte("{\n  \"data\": [\n"))
	return in
}

func (in *inputs) add(entry []byte) {
	if in.entries > 0 {
		in.write([]byte(",\n"))
	}
	in.entries++
	in.write(entry)
}

func (in *inputs) write(b []byte) {
	if in.failed {
		return
	}
	if _, err := in.out.Write(b); err != nil {
		in.fail(err)
	}
}

// finish makes the file appear.
func (in *inputs) finish() {
	in.write([]byte("\n  ]\n}"))
	if in.failed {
		return
	}
	err := in.out.Flush()
	if err = errors.Join(err, in.file.Close()); err == nil {
		err = os.Rename(in.temp, in.path)
	}
	if err != nil {
		in.fail(err)
		return
	}
	in.file = nil
}

func (in *inputs) fail(err error) {
	in.warn("inputs.json is not written", "path", in.path, "err", err)
	in.abort()
}

// abort removes what was written.
func (in *inputs) abort() {
	in.failed = true
	if in.file != nil {
		_ = in.file.Close()
		in.file = nil
		_ = os.Remove(in.temp)
	}
}

// inputsEntry renders one conversation, indented by two blanks per level as its place
// in the file asks.
func inputsEntry(sessionID string, bodies [][]byte) ([]byte, error) {
	size := 100
	for _, body := range bodies {
		size += len(body)*5/4 + 200
	}
	b := bytes.NewBuffer(make([]byte, 0, size))
	b.WriteString("    {\n      \"session_id\": ")
	id, err := json.Marshal(sessionID)
	if err != nil {
		return nil, err
	}
	b.Write(id)
	b.WriteString(",\n      \"payloads\": [\n        ")
	for i, body := range bodies {
		if i > 0 {
			b.WriteString(",\n        ")
		}
		if err := json.Indent(b, body, "        ", "  "); err != nil {
			return nil, fmt.Errorf("the body of turn %d is no JSON: %w", i, err)
		}
	}
	b.WriteString("\n      ]\n    }")
	return b.Bytes(), nil
}
