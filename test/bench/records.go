package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
)

var perRecord = regexp.MustCompile(`(?m)^(Benchmark\w+).*?([0-9.]+) ns/record`)

// records measures the records manager alone: decode, journal, books, columns.
func (b *bench) records(ctx context.Context) error {
	c, err := execute(ctx, nil, nil, "go", "test", "-run", "^$", "-bench", "Ledger", "-benchtime", "1s", "-cpu", "1", "aiperf/services/records")
	if err != nil {
		return err
	}
	found := perRecord.FindAllSubmatch(c.output, -1)
	if found == nil {
		return fmt.Errorf("no benchmark of the ledger gives ns/record:\n%s", c.output)
	}
	for _, m := range found {
		ns, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil || ns <= 0 {
			return fmt.Errorf("%s: %s ns/record", m[1], m[2])
		}
		b.table.add(row{what: "records manager alone: records/s", aiperf: whole(1e9 / ns), note: fmt.Sprintf("one core, %s", m[1])})
	}
	return nil
}
