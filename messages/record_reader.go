package messages

import "unsafe"

// RecordReader decodes one batch of metric records after the other into the same
// memory. It belongs to one goroutine. The zero value is ready.
//
// What it returns is valid until the next Read, and borrows the frame: a record that
// is kept longer must be a Clone.
type RecordReader struct {
	records []MetricRecord
	values  []MetricValue // of all records, end to end
	numbers []float64     // of all lists, end to end
	tags    []string      // of the record before: nearly all carry the same ones in the same order
	encoded []byte        // the records as they came
}

// Read decodes the records of an envelope of type metric_records.
//
// hot: once per batch. Budget: one small allocation once the memory has grown.
// BenchmarkRecordReader.
func (d *RecordReader) Read(e Envelope) ([]MetricRecord, error) {
	d.records, d.encoded = d.records[:0], nil
	err := e.Decode((*readRecords)(d))
	return d.records, err
}

// Encoded is the batch that was read last, to be sent on as it came. It borrows the
// frame too.
func (d *RecordReader) Encoded() *EncodedRecords { return &EncodedRecords{d.encoded} }

// EncodedRecords is a MetricRecords whose records are encoded already.
type EncodedRecords struct{ records []byte }

func (*EncodedRecords) MessageType() string { return (*MetricRecords)(nil).MessageType() }

func (m *EncodedRecords) appendFields(w *Writer) int {
	w.Str("records")
	w.Raw(m.records)
	return 1
}

// readRecords is a reader as the target of Decode.
type readRecords RecordReader

func (*readRecords) MessageType() string { return (*MetricRecords)(nil).MessageType() }

func (d *readRecords) readField(r *Reader, key []byte) bool {
	if string(key) != "records" {
		return false
	}
	from := r.off
	(*RecordReader)(d).read(r)
	d.encoded = r.buf[from:r.off:r.off]
	return true
}

func (d *RecordReader) read(r *Reader) {
	n := r.ArrayLen()
	if cap(d.records) < n {
		d.records = make([]MetricRecord, 0, n)
	}
	d.records, d.values, d.numbers = d.records[:0], d.values[:0], d.numbers[:0]
	var before RecordMetadata
	for ; n > 0 && r.err == nil; n-- {
		d.records = append(d.records, MetricRecord{})
		rec := &d.records[len(d.records)-1]
		d.record(r, rec, &before)
		before = rec.Metadata
	}
}

func (d *RecordReader) record(r *Reader, rec *MetricRecord, before *RecordMetadata) {
	for n := r.MapLen(); n > 0 && r.err == nil; n-- {
		switch string(r.StrBytes()) {
		case "metadata":
			readMetadata(r, &rec.Metadata, before)
		case "metrics":
			from := len(d.values)
			for k := range r.MapLen() {
				if r.err != nil {
					break
				}
				d.values = append(d.values, d.value(r, k))
			}
			rec.Metrics = d.values[from:len(d.values):len(d.values)]
		case "error":
			rec.Error = readError(r)
		case "trace_data":
			rec.Trace = readRecordTrace(r)
		default:
			r.Skip()
		}
	}
}

// value reads a record's metric number k.
func (d *RecordReader) value(r *Reader, k int) MetricValue {
	v := MetricValue{Tag: d.tag(r.StrBytes(), k)}
	if r.err != nil || r.off >= len(r.buf) {
		r.fail("short value")
		return v
	}
	switch h := r.buf[r.off]; {
	case h&0xf0 == 0x90, h == 0xdc, h == 0xdd:
		from := len(d.numbers)
		for n := r.ArrayLen(); n > 0 && r.err == nil; n-- {
			d.numbers = append(d.numbers, r.Float())
		}
		v.List = d.numbers[from:len(d.numbers):len(d.numbers)]
		if v.List == nil {
			v.List = []float64{} // a list all the same
		}
	case h == 0xca, h == 0xcb:
		v.Number = r.Float()
	default:
		v.Integer = true
		v.Number = float64(r.Int())
	}
	return v
}

// tag is b as a string, without a look-up when the record before had it in the same
// place.
func (d *RecordReader) tag(b []byte, k int) string {
	if k < len(d.tags) && d.tags[k] == string(b) {
		return d.tags[k]
	}
	tag := Intern(b)
	switch {
	case k < len(d.tags):
		d.tags[k] = tag
	case k == len(d.tags):
		d.tags = append(d.tags, tag)
	}
	return tag
}

// same is b as a string, without a look-up when it equals the one before.
func same(b []byte, before string) string {
	if before == string(b) {
		return before
	}
	return Intern(b)
}

// borrowed is b as a string without a copy. It is good as long as nobody writes to
// the frame, which nobody does.
func borrowed(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}
