package exporters

import (
	"bufio"
	"errors"
	"math"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"

	"aiperf/config"
	"aiperf/messages"
	"aiperf/metrics"
	"aiperf/plugins"
)

func init() { plugins.Register("stream_exporter", "aiperf.exporters:Parquet", NewParquet) }

// parquetGroupRows is how many records are held in memory until they are written as one
// group of the file.
const parquetGroupRows = 20_000

// Parquet writes the records as a table: one row per request, one column per field of the
// metadata and per metric, whether or not the run has it. It grows under a temporary name
// and gets its own when it is whole.
type Parquet struct {
	path    string
	f       *os.File
	text    *bufio.Writer
	w       *parquet.Writer
	columns map[string]*parquetColumn // metrics, by tag
	fields  []parquetField
	row     []parquet.Value
	at      [][]parquet.Value // scratch: the values of each column
	rows    int64
	err     error
	closed  bool
}

// parquetColumn is the place of a metric.
type parquetColumn struct {
	index   int
	integer bool
	list    bool
}

// parquetField is a column of the metadata or of the error; a value that is null stands
// for what is absent.
type parquetField struct {
	name  string
	node  parquet.Node
	value func(r *messages.MetricRecord) parquet.Value
	index int
}

var _ RecordStream = (*Parquet)(nil)

// NewParquet opens the file; nil when the run does not want it.
func NewParquet(run *config.Run) (Stream, error) {
	if !run.Benchmark.Artifacts.Parquet {
		return nil, unwanted(pathOf(run, namesOf(run).Parquet))
	}
	path := pathOf(run, namesOf(run).Parquet)
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return nil, writeError(path, err)
	}
	for _, old := range []string{path, path + tempSuffix} {
		if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, writeError(path, err)
		}
	}
	f, err := os.OpenFile(path+tempSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, writeError(path, err)
	}
	return newParquet(path, f, hiddenInRecords(run)), nil
}

func newParquet(path string, f *os.File, hidden metrics.Flags) *Parquet {
	x := &Parquet{path: path, f: f, text: bufio.NewWriterSize(f, 256<<10), columns: map[string]*parquetColumn{}, fields: parquetFields()}
	table := parquet.Group{}
	for _, field := range x.fields {
		table[field.name] = field.node
	}
	options := []parquet.WriterOption{
		parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(parquetGroupRows), parquet.CreatedBy("aiperf", config.Version, ""),
	}
	for _, d := range metrics.All() {
		if d.Kind != metrics.KindRecord && d.Kind != metrics.KindAggregate || d.Flags.HasAny(hidden) {
			continue
		}
		c := &parquetColumn{integer: d.Integer && (d.DisplayUnit == "" || d.DisplayUnit == d.Unit), list: d.List}
		x.columns[d.Tag] = c
		table[d.Tag] = c.node()
		_, unit := metrics.Display(d.Tag, 0)
		options = append(options, parquet.KeyValueMetadata("unit:"+d.Tag, unit))
	}
	schema := parquet.NewSchema("records", table)
	for i := range x.fields {
		x.fields[i].index = leafOf(schema, x.fields[i].name)
	}
	for tag, c := range x.columns {
		if c.list {
			c.index = leafOf(schema, tag, "list", "element")
		} else {
			c.index = leafOf(schema, tag)
		}
	}
	x.at = make([][]parquet.Value, len(schema.Columns()))
	x.w = parquet.NewWriter(x.text, append(options, schema)...)
	return x
}

func leafOf(schema *parquet.Schema, path ...string) int {
	leaf, _ := schema.Lookup(path...) // it is there: the schema was made with it
	return leaf.ColumnIndex
}

func (c *parquetColumn) node() parquet.Node {
	n := parquet.Leaf(parquet.DoubleType)
	if c.integer {
		n = parquet.Leaf(parquet.Int64Type)
	}
	if c.list {
		n = parquet.List(n)
	}
	return parquet.Optional(n)
}

// value is v in display units, null when it is not finite.
func (c *parquetColumn) value(tag string, v float64) parquet.Value {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return parquet.NullValue()
	}
	if c.integer {
		return parquet.Int64Value(int64(v))
	}
	shown, _ := metrics.Display(tag, v)
	return parquet.DoubleValue(shown)
}

// parquetFields are the columns beside the metrics.
func parquetFields() []parquetField {
	type record = messages.MetricRecord
	number := func(name string, of func(*record) int64, always bool) parquetField {
		return parquetField{name: name, node: parquet.Optional(parquet.Leaf(parquet.Int64Type)), value: func(r *record) parquet.Value {
			if n := of(r); n != 0 || always {
				return parquet.Int64Value(n)
			}
			return parquet.NullValue()
		}}
	}
	text := func(name string, of func(*record) string) parquetField {
		return parquetField{name: name, node: parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary)), value: func(r *record) parquet.Value {
			if s := of(r); s != "" {
				return parquet.ByteArrayValue([]byte(s))
			}
			return parquet.NullValue()
		}}
	}
	return []parquetField{
		number("session_num", func(r *record) int64 { return r.Metadata.SessionNum }, true),
		text("x_request_id", func(r *record) string { return r.Metadata.XRequestID }),
		text("x_correlation_id", func(r *record) string { return r.Metadata.XCorrelationID }),
		text("conversation_id", func(r *record) string { return r.Metadata.ConversationID }),
		number("turn_index", func(r *record) int64 { return int64(r.Metadata.TurnIndex) }, true),
		number("credit_issued_ns", func(r *record) int64 { return int64(r.Metadata.CreditIssuedNS) }, false),
		number("request_start_ns", func(r *record) int64 { return int64(r.Metadata.RequestStartNS) }, true),
		number("request_ack_ns", func(r *record) int64 { return int64(r.Metadata.RequestAckNS) }, false),
		number("request_end_ns", func(r *record) int64 { return int64(r.Metadata.RequestEndNS) }, true),
		text("worker_id", func(r *record) string { return r.Metadata.WorkerID }),
		text("record_processor_id", func(r *record) string { return r.Metadata.RecordProcessorID }),
		text("benchmark_phase", func(r *record) string { return r.Metadata.BenchmarkPhase }),
		text("phase_name", func(r *record) string { return r.Metadata.PhaseName }),
		number("phase_index", func(r *record) int64 { return int64(r.Metadata.PhaseIndex) }, true),
		{name: "was_cancelled", node: parquet.Optional(parquet.Leaf(parquet.BooleanType)),
			value: func(r *record) parquet.Value { return parquet.BooleanValue(r.Metadata.WasCancelled) }},
		number("cancellation_time_ns", func(r *record) int64 { return int64(r.Metadata.CancellationTimeNS) }, false),
		number("agent_depth", func(r *record) int64 { return int64(r.Metadata.AgentDepth) }, true),
		text("parent_correlation_id", func(r *record) string { return r.Metadata.ParentCorrelationID }),
		number("scheduled_ns", func(r *record) int64 { return int64(r.Metadata.ScheduledNS) }, false),
		text("stamp_source", func(r *record) string { return r.Metadata.StampSource }),
		number("recv_bytes", func(r *record) int64 { return r.Metadata.RecvBytes }, false),
		number("error_code", func(r *record) int64 {
			if r.Error == nil || r.Error.Code == nil {
				return 0
			}
			return int64(*r.Error.Code)
		}, false),
		text("error_type", func(r *record) string {
			if r.Error == nil {
				return ""
			}
			return r.Error.Type
		}),
		text("error_message", func(r *record) string {
			if r.Error == nil {
				return ""
			}
			return r.Error.Message
		}),
	}
}

// Record appends a row.
func (x *Parquet) Record(r *messages.MetricRecord) error {
	if x.err != nil {
		return x.err
	}
	for i := range x.at {
		x.at[i] = x.at[i][:0]
	}
	for i := range x.fields {
		f := &x.fields[i]
		x.put(f.index, f.value(r))
	}
	for i := range r.Metrics {
		v := &r.Metrics[i]
		switch c := x.columns[v.Tag]; {
		case c == nil:
		case !c.list:
			x.put(c.index, c.value(v.Tag, v.Number))
		default:
			x.putList(c, v)
		}
	}
	x.row = x.row[:0]
	for i, values := range x.at {
		if len(values) == 0 {
			x.row = append(x.row, parquet.NullValue().Level(0, 0, i))
		}
		x.row = append(x.row, values...)
	}
	if _, err := x.w.WriteRows([]parquet.Row{x.row}); err != nil {
		x.err = writeError(x.path, err)
	}
	x.rows++
	return x.err
}

func (x *Parquet) put(index int, v parquet.Value) {
	if !v.IsNull() {
		x.at[index] = append(x.at[index][:0], v.Level(0, 1, index))
	}
}

// putList appends the values of a list, of which each has the levels of its place: an
// empty list is there all the same.
func (x *Parquet) putList(c *parquetColumn, v *messages.MetricValue) {
	values := x.at[c.index][:0]
	for _, n := range v.List {
		if e := c.value(v.Tag, n); !e.IsNull() {
			values = append(values, e.Level(min(len(values), 1), 2, c.index))
		}
	}
	if len(values) == 0 {
		values = append(values, parquet.NullValue().Level(0, 1, c.index))
	}
	x.at[c.index] = values
}

// Flush does nothing: a group of rows is written when it is full.
func (x *Parquet) Flush() error { return x.err }

// Close makes the file whole and gives it its name; one that could not be written, or has
// no row, is removed. It may be called twice.
func (x *Parquet) Close() error {
	if x.closed {
		return x.err
	}
	x.closed = true
	do := func(step func() error) {
		if x.err == nil {
			if err := step(); err != nil {
				x.err = writeError(x.path, err)
			}
		}
	}
	do(x.w.Close)
	do(x.text.Flush)
	do(x.f.Sync)
	if err := x.f.Close(); x.err == nil && err != nil {
		x.err = writeError(x.path, err)
	}
	temp := x.path + tempSuffix
	if x.err != nil || x.rows == 0 {
		_ = os.Remove(temp) // the first error is the one to tell
		return x.err
	}
	do(func() error { return os.Rename(temp, x.path) })
	syncDir(filepath.Dir(x.path))
	return x.err
}
