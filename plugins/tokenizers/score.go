package tokenizers

import "strconv"

// referenceFloat reads a number of a tokenizer.json as the reference library does: the
// digits as one integer, divided by a power of ten, which may miss the nearest float64 by
// the last bit. The sums of scores that decide between two ways to cut a word are often
// equal but for that bit.
func referenceFloat(text string) float64 {
	digits, exponent, i := uint64(0), 0, 0
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		i++
	}
	fraction := false
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' {
			fraction = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		d := uint64(c - '0')
		switch {
		case digits > (1<<64-1-d)/10: // no room for more
			if !fraction {
				exponent++
			}
		case fraction:
			digits, exponent = 10*digits+d, exponent-1
		default:
			digits = 10*digits + d
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		e, _ := strconv.Atoi(text[i+1:])
		exponent += e
	}
	value := float64(digits)
	for ; exponent < -308 && value != 0; exponent += 308 {
		value /= 1e308
	}
	power := 1.0
	if exponent < 0 {
		power, _ = strconv.ParseFloat("1e"+strconv.Itoa(-max(exponent, -308)), 64)
		value /= power
	} else if value != 0 {
		power, _ = strconv.ParseFloat("1e"+strconv.Itoa(exponent), 64) // infinite beyond the range
		value *= power
	}
	if negative {
		return -value
	}
	return value
}
