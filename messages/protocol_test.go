package messages

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"sort"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/vmihailenco/msgpack/v5"

	"aiperf/clock"
)

const (
	protocolPage   = "../docs/protocol.md"
	protocolMarker = "<!-- From here on generated from the code by `make docs`. -->\n"
)

var _ = Describe("the protocol page", func() {
	It("lists every message as the code declares it", func() {
		page, err := os.ReadFile(protocolPage)
		Expect(err).NotTo(HaveOccurred())
		prose, _, found := strings.Cut(string(page), protocolMarker)
		Expect(found).To(BeTrue(), "the page has lost its marker")
		want := prose + protocolMarker + reference()
		if *update {
			Expect(os.WriteFile(protocolPage, []byte(want), 0o644)).To(Succeed())
			return
		}
		Expect(string(page)).To(Equal(want), "run `make docs`")
	})

	It("marks as optional what the hand-written coders leave out", func() {
		var decoded struct {
			Records []map[string]any `msgpack:"records"`
		}
		bare := MetricRecords{Records: []MetricRecord{{Metadata: RecordMetadata{ProfilingIndex: -1}}}}
		Expect(msgpack.Unmarshal(mustEncode(Header{ServiceID: "x"}, &bare), &decoded)).To(Succeed())
		Expect(keysOf(decoded.Records[0])).To(ConsistOf(requiredNames(reflect.TypeOf(MetricRecord{}))))
		Expect(keysOf(decoded.Records[0]["metadata"].(map[string]any))).To(ConsistOf(requiredNames(reflect.TypeOf(RecordMetadata{}))))
	})

	It("declares the names that the hand-written coders use", func() {
		for _, m := range []struct {
			message Message
			list    string
			element any
		}{
			{&Credits{Credits: []Credit{{}}}, "credits", Credit{}},
			{&CreditReturns{Returns: []CreditReturn{{}}}, "returns", CreditReturn{}},
			{&MetricRecords{Records: []MetricRecord{{}}}, "records", MetricRecord{}},
		} {
			setAll(reflect.ValueOf(m.message).Elem())
			var decoded map[string]any
			Expect(msgpack.Unmarshal(mustEncode(Header{ServiceID: "x"}, m.message), &decoded)).To(Succeed())
			first := decoded[m.list].([]any)[0].(map[string]any)
			Expect(keysOf(first)).To(ConsistOf(wireNames(reflect.TypeOf(m.element))), m.message.MessageType())
			if meta, ok := first["metadata"].(map[string]any); ok {
				Expect(keysOf(meta)).To(ConsistOf(wireNames(reflect.TypeOf(RecordMetadata{}))))
			}
		}
	})
})

func keysOf(m map[string]any) (out []string) {
	for k := range m {
		if k != "record_type" { // the tag of the entry, not a field of the type
			out = append(out, k)
		}
	}
	return out
}

func wireNames(t reflect.Type) (out []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			out = append(out, wireNames(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("msgpack"), ",")
		out = append(out, name)
	}
	return out
}

func requiredNames(t reflect.Type) (out []string) {
	for i := range t.NumField() {
		if name, opts, _ := strings.Cut(t.Field(i).Tag.Get("msgpack"), ","); !strings.Contains(opts, "omitempty") {
			out = append(out, name)
		}
	}
	return out
}

// setAll gives every field a telling value, chosen by its wire name.
func setAll(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("msgpack"), ",")
		setOne(v.Field(i), name)
	}
}

var sampleTexts = map[string]string{
	"phase": "profiling", "phase_kind": "profiling", "phase_name": "profiling", "benchmark_phase": "profiling", "state": "profiling",
	"conversation_id": "session_000017", "x_request_id": "d21380d9-536c-4c2c-b9ef-b71a9ecb10bf", "x_correlation_id": "409839a2-1681-41f2-bc38-0e7634e6f767",
	"worker_id": "worker_af9a070e", "record_processor_id": "record_processor_49bb45e8", "down_service_id": "worker_af9a070e", "replacement_id": "worker_1c0ffee1",
	"stamp_source": "kernel", "signal": "killed", "service_type": "worker", "startup_state": "ready", "type": "Service Unavailable", "message": "overloaded",
	"timing_mode": "request_rate", "arrival_pattern": "poisson", "sampling_strategy": "sequential", "client_type": "memory_map", "format": "payload_bytes",
	"data_file_path": "/tmp/aiperf_mmap_1/dataset.dat", "index_file_path": "/tmp/aiperf_mmap_1/index.dat", "reason": "connection refused", "error": "no space left on device",
}

// sampleInsides are values that other packages make and this one carries; the prose of
// the page has their fields.
var sampleInsides = func() map[string]any {
	latency := object{{"tag", "request_latency"}, {"header", "Request Latency"}, {"unit", "ms"}, {"avg", 127.2}, {"p50", 126.8}, {"p99", 140.1}, {"min", 118.4}, {"max", 141.0}, {"std", 4.9}, {"count", 120}, {"sum", 15264.0}}
	power := object{{"tag", "nvidia_power_usage"}, {"header", "GPU Power Usage"}, {"unit", "W"}, {"avg", 512.4}, {"min", 120.0}, {"max", 689.5}, {"count", 90}}
	gpu := object{{"key", "gpu_0"}, {"gpu_index", 0}, {"gpu_name", "NVIDIA H200"}, {"gpu_uuid", "GPU-1f5c"}, {"platform", "nvidia"}, {"hostname", "n1"}, {"metrics", []any{power}}}
	window := object{{"start_ns", 1735689600123456789}, {"end_ns", 1735689630123456789}}
	profile := object{{"records", []any{latency}}, {"completed", 120}, {"successful_request_count", 119}, {"error_request_count", 1}, {"cancelled_request_count", 0}}
	profile = append(append(profile, window...), object{{"was_cancelled", false}, {"is_complete", true}, {"error_summary", []any{}}, {"measurement_quality", object{{"verdict", "good"}}}}...)
	source := object{{"url", "http://n1:9400/metrics"}, {"display", "n1:9400"}, {"gpus", []any{gpu}}}
	telemetry := object{{"endpoints_configured", []any{"http://n1:9400/metrics"}}, {"endpoints_successful", []any{"http://n1:9400/metrics"}}}
	telemetry = append(append(telemetry, window...), object{{"endpoints", []any{source}}, {"error_summary", []any{}}}...)
	return map[string]any{"metrics": []any{latency}, "results": profile, "telemetry_result": telemetry, "payload": object{}, "report": object{}, "conversation": object{}, "turn": object{}}
}()

// object is a map that keeps its order.
type object []struct {
	key   string
	value any
}

func (o object) EncodeMsgpack(enc *msgpack.Encoder) error {
	if err := enc.EncodeMapLen(len(o)); err != nil {
		return err
	}
	for _, pair := range o {
		if err := enc.EncodeMulti(pair.key, pair.value); err != nil {
			return err
		}
	}
	return nil
}

func setOne(v reflect.Value, name string) {
	switch v.Interface().(type) {
	case clock.WallNS:
		v.SetInt(1735689600123456789)
		return
	case []MetricValue:
		v.Set(reflect.ValueOf([]MetricValue{{Tag: "request_latency", Number: 127173486, Integer: true}, {Tag: "output_sequence_length", Number: 20, Integer: true}}))
		return
	case msgpack.RawMessage:
		v.SetBytes(pack(sampleInsides[name]))
		return
	case map[string]string:
		v.Set(reflect.ValueOf(map[string]string{"worker_af9a070e": "healthy"}))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		setAll(v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		setOne(v.Elem(), name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		setOne(v.Index(0), name)
	case reflect.Array:
		for i := range v.Len() {
			setOne(v.Index(i), name)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		setOne(key, "worker_id")
		setOne(value, name)
		v.SetMapIndex(key, value)
	case reflect.String:
		text := sampleTexts[name]
		if text == "" {
			text = "text"
		}
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
		switch {
		case strings.HasSuffix(name, "_ns"):
			v.SetInt(12500000)
		case strings.Contains(name, "sent"), strings.Contains(name, "completed"), strings.Contains(name, "expected"):
			v.SetInt(120)
		}
	case reflect.Uint64, reflect.Uint8:
		v.SetUint(1)
	case reflect.Float64:
		v.SetFloat(2.5)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Interface:
		v.Set(reflect.ValueOf("detail"))
	default:
		panic("no sample for " + v.Type().String())
	}
}

// reference renders the catalogue: the public messages with fields and example, the
// structures inside them, and the list of the rest.
func reference() string {
	var b strings.Builder
	comments := fieldComments()
	types := map[string]reflect.Type{}
	b.WriteString("\n## Public messages\n\nThese are stable: fields are added, never renamed or removed, within one protocol version. Every message also has the envelope's fields.\n")
	for _, k := range Catalogue() {
		if !k.Public {
			continue
		}
		m := k.New()
		t := reflect.TypeOf(m).Elem()
		fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\nFrom: %s. To: %s. Travels on: %s.\n", k.Name(), k.About, k.From, k.To, planes(k))
		writeFields(&b, t, comments, types)
		setAll(reflect.ValueOf(m).Elem())
		line, err := AppendJSON(nil, mustOpen(mustEncode(Header{ServiceID: senderID(k.From), Seq: 9, SentNS: 1735689602000000000}, m)))
		Expect(err).NotTo(HaveOccurred())
		fmt.Fprintf(&b, "\n```json\n%s\n```\n", line)
	}
	b.WriteString("\n## Structures inside messages\n")
	done := map[string]bool{}
	for len(done) < len(types) {
		names := make([]string, 0, len(types))
		for n := range types {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			if !done[n] {
				done[n] = true
				fmt.Fprintf(&b, "\n### %s\n", n)
				writeFields(&b, types[n], comments, types)
			}
		}
	}
	b.WriteString("\n## Messages between the processes of a run\n\nNot for programs outside; they change with the version.\n\n| `message_type` | travels on | from → to | what |\n|---|---|---|---|\n")
	for _, k := range Catalogue() {
		if !k.Public {
			fmt.Fprintf(&b, "| `%s` | %s | %s → %s | %s |\n", k.Name(), planes(k), k.From, k.To, k.About)
		}
	}
	return b.String()
}

func planes(k Kind) string {
	var out []string
	for _, p := range k.Planes {
		out = append(out, string(p))
	}
	return strings.Join(out, ", ")
}

func senderID(from string) string {
	id := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(strings.Split(from, ";")[len(strings.Split(from, ";"))-1])), " ", "_")
	switch id {
	case "any_service", "worker":
		return "worker_af9a070e"
	case "controller":
		return "system_controller"
	}
	return id
}

func writeFields(b *strings.Builder, t reflect.Type, comments map[string]string, types map[string]reflect.Type) {
	if t.NumField() == 0 {
		return
	}
	b.WriteString("\n| field | type | meaning |\n|---|---|---|\n")
	writeRows(b, t, comments, types)
}

func writeRows(b *strings.Builder, t reflect.Type, comments map[string]string, types map[string]reflect.Type) {
	if t == reflect.TypeOf(MetricRecord{}) {
		b.WriteString("| `record_type` | string | metric_records |\n") // the tag of the entry, which no Go field holds
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("msgpack"), ",")
		if f.Anonymous || strings.Contains(opts, "inline") {
			writeRows(b, f.Type, comments, types)
			continue
		}
		optional := ""
		if strings.Contains(opts, "omitempty") {
			optional = "?"
		}
		fmt.Fprintf(b, "| `%s`%s | %s | %s |\n", name, optional, wireType(f.Type, types), comments[t.Name()+"."+f.Name])
	}
}

// wireType puts a Go type into the words of the wire, and notes structures that need
// a table of their own.
func wireType(t reflect.Type, types map[string]reflect.Type) string {
	switch {
	case t == reflect.TypeOf(clock.WallNS(0)):
		return "int, wall ns"
	case t == reflect.TypeOf(clock.MonoNS(0)):
		return "int, monotonic ns"
	case t == reflect.TypeOf(msgpack.RawMessage{}):
		return "any"
	case t == reflect.TypeOf([]MetricValue{}):
		return "map: tag → number, or list of numbers"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return wireType(t.Elem(), types)
	case reflect.Struct:
		types[t.Name()] = t
		return t.Name()
	case reflect.Slice, reflect.Array:
		return "list of " + wireType(t.Elem(), types)
	case reflect.Map:
		return "map: " + wireType(t.Key(), types) + " → " + wireType(t.Elem(), types)
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Uint8:
		return "int"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "bool"
	case reflect.Interface:
		return "any"
	}
	return t.Kind().String()
}

// fieldComments reads what the source says of each field, by Type.Field.
func fieldComments() map[string]string {
	out := map[string]string{}
	fset := token.NewFileSet()
	entries, err := os.ReadDir(".")
	Expect(err).NotTo(HaveOccurred())
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, e.Name(), nil, parser.ParseComments)
		Expect(err).NotTo(HaveOccurred())
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			s, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			for _, f := range s.Fields.List {
				text := strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
				for _, name := range f.Names {
					out[spec.Name.Name+"."+name.Name] = strings.ReplaceAll(text, "|", "\\|")
				}
			}
			return true
		})
	}
	return out
}
