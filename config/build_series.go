package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"aiperf/dataset"
	"aiperf/messages"
)

// series reads the rates that change in time; nil when there are none.
func (l *loader) series() []messages.RatePoint {
	f := l.f
	if !f.RateSeriesFile.Set {
		return f.rateSeries
	}
	o := f.RateSeriesFile
	for _, other := range []struct {
		set bool
		as  string
	}{{f.RequestRate.Set, f.RequestRate.As}, {f.UserCentricRate.Set, f.UserCentricRate.As}} {
		if other.set {
			l.problems.add(o.As, "cannot be used together with "+other.as, "", "leave out one of the two")
		}
	}
	text, err := dataset.ReadTextFile(l.absolute(o.Value))
	if err != nil {
		l.problems.add(o.As, "cannot be read: "+err.Error(), o.Value, "name a regular UTF-8 text file")
		return nil
	}
	points, err := ParseRateSeries([]byte(text))
	if err != nil {
		l.problems.add(o.As, err.Error(), o.Value, `write [{"time_s": 0, "qps": 5}, {"time_s": 60, "qps": 40}]`)
		return nil
	}
	return points
}

// ParseRateSeries reads a JSON list of points, or an object with nothing but "points".
func ParseRateSeries(text []byte) ([]messages.RatePoint, error) {
	var list []json.RawMessage
	if err := strict(text, &list); err != nil {
		var object struct {
			Points []json.RawMessage `json:"points"`
		}
		if err := strict(text, &object); err != nil {
			return nil, fmt.Errorf("no list of points, and no object with points alone: %w", err)
		}
		list = object.Points
	}
	points := make([]messages.RatePoint, len(list))
	for i, raw := range list {
		var p struct {
			TimeSec *float64 `json:"time_s"`
			PerSec  *float64 `json:"qps"`
		}
		if err := strict(raw, &p); err != nil || p.TimeSec == nil || p.PerSec == nil {
			return nil, fmt.Errorf("Invalid request-rate series point %d: want an object with time_s and qps alone", i)
		}
		points[i] = messages.RatePoint{Sec: *p.TimeSec, PerSec: *p.PerSec}
	}
	return points, checkSeries(points)
}

func strict(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("more behind the end")
	}
	return nil
}

func checkSeries(points []messages.RatePoint) error {
	if len(points) < 2 {
		return fmt.Errorf("a series of rates requires at least two points, got %d", len(points))
	}
	for i, p := range points {
		switch {
		case math.IsInf(p.Sec, 0) || math.IsNaN(p.Sec) || math.IsInf(p.PerSec, 0) || math.IsNaN(p.PerSec):
			return fmt.Errorf("Invalid request-rate series point %d: its numbers must be finite", i)
		case p.Sec < 0 || p.PerSec <= 0:
			return fmt.Errorf("Invalid request-rate series point %d: want time_s from 0 on and qps above 0", i)
		case i > 0 && p.Sec <= points[i-1].Sec:
			return fmt.Errorf("Invalid request-rate series point %d: time_s must be strictly increasing", i)
		}
	}
	return nil
}
