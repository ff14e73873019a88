package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
)

// perSecond finds the benchmark's own figure: records per second of CPU time.
var perSecond = regexp.MustCompile(`(?m)^Benchmark(\S+).*?([0-9.]+) records/cpu-s`)

// records measures the records manager alone: decode, journal, books, columns.
func (b *bench) records(ctx context.Context) error {
	c, err := execute(ctx, nil, nil, "go", "test", "-run", "^$", "-bench", "Ledger", "-benchtime", "1s", "-cpu", "1", "aiperf/services/records")
	if err != nil {
		return err
	}
	found := perSecond.FindAllSubmatch(c.output, -1)
	if found == nil {
		return fmt.Errorf("no benchmark of the ledger gives records/cpu-s:\n%s", c.output)
	}
	for _, m := range found {
		rate, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return fmt.Errorf("%s: %s records/cpu-s", m[1], m[2])
		}
		b.table.add(row{what: "records manager alone: records per second of one core", aiperf: whole(rate), note: string(m[1])})
	}
	return nil
}
