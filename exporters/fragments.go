package exporters

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
)

// Directories of the artifact directory in which record processors write down what only
// they see; gone when the run is over.
const (
	rawDir     = "raw_records"
	outputsDir = "output_fragments"
)

// FragmentDirs are left behind only by runs that were killed.
var FragmentDirs = []string{rawDir, outputsDir}

// Exchange is one finished request, with what does not travel on to the records manager.
type Exchange struct {
	Raw     *messages.RequestRecord
	Record  *messages.MetricRecord
	Headers []config.Header // as sent
	Payload []byte          // as sent; empty when nothing was
	Text    []byte          // generated; nil when there was none
}

// Fragments are the files of one record processor. They belong to one goroutine.
type Fragments struct {
	raw, outputs *lineFile // nil: not wanted
	redact       config.Redactor
}

// OpenFragments creates them; nil when the run wants none. The files that an earlier run
// made of its fragments go.
func OpenFragments(run *config.Run, processor string) (*Fragments, error) {
	a := run.Benchmark.Artifacts
	for _, name := range []string{namesOf(run).Raw, namesOf(run).Outputs} {
		if err := unwanted(pathOf(run, name)); err != nil {
			return nil, err
		}
	}
	if !a.Raw && !a.OutputsJSON {
		return nil, nil
	}
	f := &Fragments{redact: run.Redactor()}
	var err error
	if a.Raw {
		if f.raw, err = openFragment(pathOf(run, rawDir), rawDir+"_"+processor, run.Environment.Record.RawExportBatchSize); err != nil {
			return nil, err
		}
	}
	if a.OutputsJSON {
		if f.outputs, err = openFragment(pathOf(run, outputsDir), outputsDir+"_"+processor, run.Environment.Record.ExportBatchSize); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return f, nil
}

// openFragment never touches the file of a processor that died and came back under the
// same name: what that one wrote counts too.
func openFragment(dir, name string, batch int) (*lineFile, error) {
	path := filepath.Join(dir, name+".jsonl")
	for n := 2; ; n++ {
		if _, err := os.Lstat(path); err != nil {
			return openLines(path, batch)
		}
		path = filepath.Join(dir, fmt.Sprintf("%s_%d.jsonl", name, n))
	}
}

// incomplete marks the fragment of a processor that could not write it to its end.
const incomplete = ".incomplete"

// Add writes one request down. After a failure the fragment is marked, so that nobody
// takes the rest for the whole.
func (f *Fragments) Add(x *Exchange) error {
	var failed error
	if f.raw != nil {
		j := compactJSON(f.raw.buf)
		f.rawLine(&j, x)
		f.raw.buf = j.buf
		failed = marked(f.raw, f.raw.line())
	}
	if f.outputs != nil && x.Record.Metadata.BenchmarkPhase == config.KindProfiling {
		j := compactJSON(f.outputs.buf)
		f.output(&j, x)
		f.outputs.buf = j.buf
		failed = errors.Join(failed, marked(f.outputs, f.outputs.line()))
	}
	return failed
}

// Flush hands what is buffered to the kernel.
func (f *Fragments) Flush() error {
	return f.each((*lineFile).Flush)
}

// Close ends the files. It may be called twice.
func (f *Fragments) Close() error {
	return f.each((*lineFile).Close)
}

func (f *Fragments) each(do func(*lineFile) error) (failed error) {
	if f == nil {
		return nil
	}
	for _, l := range []*lineFile{f.raw, f.outputs} {
		if l != nil {
			failed = errors.Join(failed, marked(l, do(l)))
		}
	}
	return failed
}

func marked(l *lineFile, err error) error {
	if err == nil {
		return nil
	}
	if e := os.WriteFile(l.path+incomplete, nil, fileMode); e != nil { // empty: it needs no room
		return errors.Join(err, e)
	}
	return err
}

// rawLine is what went over the wire, with secrets replaced.
func (f *Fragments) rawLine(j *jsonText, x *Exchange) {
	j.beginObject()
	j.object("metadata", func() { j.recordMetadata(&x.Record.Metadata) })
	j.integer("start_perf_ns", int64(x.Raw.StartPerfNS))
	if len(x.Headers) > 0 {
		j.object("request_headers", func() { f.headers(j, x.Headers) })
	}
	j.optInteger("status", int64(x.Raw.Status))
	j.list("responses", func() {
		for i := range x.Raw.Responses {
			j.next()
			f.response(j, &x.Raw.Responses[i])
		}
	})
	if x.Record.Error != nil {
		j.object("error", func() { j.errorDetails(x.Record.Error) })
	}
	if len(x.Payload) > 0 {
		j.payload([]byte(f.redact.Secrets(string(x.Payload))))
	}
	j.endObject()
}

// headers writes one member per name; a later one of the same name wins, as members of a
// JSON object must be unique.
func (f *Fragments) headers(j *jsonText, headers []config.Header) {
	for i, h := range headers {
		again := false
		for _, later := range headers[i+1:] {
			again = again || later.Name == h.Name
		}
		if again {
			continue
		}
		value := f.redact.Secrets(h.Value)
		if config.SensitiveHeader(h.Name) {
			value = config.Redacted
		}
		j.text(h.Name, value)
	}
}

// response has no member but those that readers know: they refuse others.
func (f *Fragments) response(j *jsonText, r *messages.RawResponse) {
	j.beginObject()
	j.integer("perf_ns", int64(r.PerfNS))
	text := f.redact.Secrets(string(r.Bytes))
	switch {
	case r.Kind == messages.ResponseSSE:
		j.list("packets", func() {
			j.next()
			j.beginObject()
			j.text("name", "data")
			j.text("value", text)
			j.endObject()
		})
	case utf8.Valid(r.Bytes):
		j.text("text", text)
	default:
		j.text("raw_bytes", base64.StdEncoding.EncodeToString(r.Bytes))
	}
	j.endObject()
}

// payload is the body byte for byte; one that spans lines is put on one, and one that is
// no JSON becomes a string.
func (j *jsonText) payload(body []byte) {
	switch {
	case !json.Valid(body):
		j.text("payload", string(body))
	case bytes.ContainsAny(body, "\r\n"):
		var b bytes.Buffer
		_ = json.Compact(&b, body) // cannot fail: it is valid
		body = b.Bytes()
		fallthrough
	default:
		j.key("payload")
		j.buf = append(j.buf, body...)
	}
}

// outputMetrics are those of outputs.json, in its order.
var outputMetrics = []string{
	"input_sequence_length", "output_token_count", "output_sequence_length", "request_latency", "time_to_first_token", "inter_token_latency",
}

// output is one entry of outputs.json.
func (f *Fragments) output(j *jsonText, x *Exchange) {
	m := &x.Record.Metadata
	j.beginObject()
	j.integer("session_num", m.SessionNum)
	j.optText("conversation_id", m.ConversationID)
	j.integer("turn_index", int64(m.TurnIndex))
	j.optText("x_request_id", m.XRequestID)
	j.integer("request_start_ns", int64(m.RequestStartNS))
	j.integer("request_end_ns", int64(m.RequestEndNS))
	j.object("metrics", func() {
		for _, tag := range outputMetrics {
			j.plainMetric(tag, x.Record.Metrics)
		}
	})
	j.key("response_text")
	if x.Text == nil {
		j.buf = append(j.buf, "null"...)
	} else {
		j.buf = appendJSONText(j.buf, f.redact.Secrets(string(x.Text)))
	}
	j.endObject()
}

func (j *jsonText) plainMetric(tag string, values []messages.MetricValue) {
	for i := range values {
		v := &values[i]
		if v.Tag != tag || v.List != nil {
			continue
		}
		shown, _ := metrics.Display(tag, v.Number)
		if v.Integer && shown == v.Number {
			j.integer(tag, int64(v.Number))
		} else {
			j.number(tag, &shown)
		}
		return
	}
}
