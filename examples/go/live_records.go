// Command live_records prints the live records of a running benchmark and counts
// what it missed. It uses nothing of aiperf but the protocol.
//
//	go run ./examples/go ARTIFACT_DIR
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"syscall"
	"time"

	zmq "github.com/pebbe/zmq4"
	"github.com/vmihailenco/msgpack/v5"
)

// mesh is the file that says how to attach.
type mesh struct {
	PID             int    `json:"pid"`
	EventBusBackend string `json:"event_bus_backend"`
	PublicKey       string `json:"public_key"` // with keys in use
	SecretKey       string `json:"secret_key"`
}

// batch is the part of metric_records that this program shows.
type batch struct {
	MessageType string `msgpack:"message_type"`
	Seq         uint64 `msgpack:"seq"`
	Records     []struct {
		Metadata struct {
			SessionNum int64 `msgpack:"session_num"`
		} `msgpack:"metadata"`
		Metrics map[string]any `msgpack:"metrics"` // base units: nanoseconds for latencies
		Error   *struct {
			Type string `msgpack:"type"`
		} `msgpack:"error"`
	} `msgpack:"records"`
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: live_records ARTIFACT_DIR")
	}
	if err := follow(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// follow prints until the run ends.
func follow(dir string) error {
	file, err := os.ReadFile(filepath.Join(dir, ".aiperf_mesh.json"))
	if err != nil {
		return err
	}
	var m mesh
	if err := json.Unmarshal(file, &m); err != nil {
		return err
	}
	sub, err := attach(m)
	if err != nil {
		return err
	}
	defer sub.Close()
	var next, missed uint64
	for first := true; ; {
		frames, err := sub.RecvMessageBytes(0)
		if zmq.AsErrno(err) == zmq.Errno(syscall.EAGAIN) {
			if syscall.Kill(m.PID, 0) == syscall.ESRCH {
				return errors.New("the run is gone without a last word")
			}
			continue
		}
		if err != nil {
			return err
		}
		var b batch
		if err := msgpack.Unmarshal(frames[1], &b); err != nil { // the first frame is the topic
			return err
		}
		if b.MessageType == "benchmark_complete" {
			fmt.Fprintf(os.Stderr, "missed %d messages\n", missed)
			return nil
		}
		if !first && b.Seq > next {
			missed += b.Seq - next
		}
		first, next = false, b.Seq+1
		show(b)
	}
}

// attach connects to the event bus; receiving gives up once a second, so that the
// death of the run is noticed.
func attach(m mesh) (*zmq.Socket, error) {
	sub, err := zmq.NewSocket(zmq.SUB)
	if err != nil {
		return nil, err
	}
	if m.PublicKey != "" {
		err = sub.ClientAuthCurve(m.PublicKey, m.PublicKey, m.SecretKey)
	}
	return sub, errors.Join(err,
		sub.SetRcvtimeo(time.Second),
		sub.Connect(m.EventBusBackend),
		sub.SetSubscribe("metric_records$"),
		sub.SetSubscribe("benchmark_complete$"))
}

func show(b batch) {
	for _, r := range b.Records {
		state := "ok"
		if r.Error != nil {
			state = r.Error.Type
		}
		fmt.Println(r.Metadata.SessionNum, r.Metrics["request_latency"], state)
	}
}
