package metrics

import "strings"

// declareTotal declares the derived sum of a record metric. Unit and, but for what only
// documents the part, flags are those of the part.
func declareTotal(part *Declaration, tag, short string, order int) *Declaration {
	header := "Total " + part.Header
	header = strings.TrimSuffix(header, " Count") // "Total Output Token Count" reads "Total Output Tokens"
	if header != "Total "+part.Header {
		header += "s"
	}
	group := part.Group
	if group == GroupDefault {
		group = GroupNone // a throughput says the same in the table
	}
	return declare(Declaration{
		Tag: tag, Header: header, ShortHeader: short, HideUnit: part.Unit != Seconds,
		Family: part.Family, Kind: KindDerived, Unit: part.Unit, DisplayUnit: part.DisplayUnit, Order: order, Integer: part.Integer,
		Flags: part.Flags &^ SupportsReasoning, Group: group,
		Requires: []*Declaration{part},
		Formula:  "sum of " + part.Tag,
		formula:  formula{sumOf: part},
	})
}
