// Command live_records prints the live records of a running benchmark and counts
// what it missed. It uses nothing of aiperf but the protocol.
//
//	go run ./examples/go ARTIFACT_DIR
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	zmq "github.com/pebbe/zmq4"
	"github.com/vmihailenco/msgpack/v5"
)

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
			Type    string `msgpack:"type"`
			Message string `msgpack:"message"`
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

func follow(dir string) error {
	file, err := os.ReadFile(filepath.Join(dir, ".aiperf_mesh.json"))
	if err != nil {
		return err
	}
	var mesh struct {
		EventBusBackend string `json:"event_bus_backend"`
	}
	if err := json.Unmarshal(file, &mesh); err != nil {
		return err
	}
	sub, err := zmq.NewSocket(zmq.SUB)
	if err != nil {
		return err
	}
	defer sub.Close()
	for _, step := range []error{sub.Connect(mesh.EventBusBackend), sub.SetSubscribe("metric_records$"), sub.SetSubscribe("benchmark_complete$")} {
		if step != nil {
			return step
		}
	}
	var next, missed uint64
	for first := true; ; {
		frames, err := sub.RecvMessageBytes(0)
		if err != nil {
			return err
		}
		var b batch
		if err := msgpack.Unmarshal(frames[1], &b); err != nil {
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
		for _, r := range b.Records {
			state := "ok"
			if r.Error != nil {
				state = r.Error.Type
			}
			fmt.Println(r.Metadata.SessionNum, r.Metrics["request_latency"], state)
		}
	}
}
