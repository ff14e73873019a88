package messages

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the JSON view of an envelope: the same map in the same order,
// byte strings as base64. It fails on a malformed frame.
func AppendJSON(dst []byte, e Envelope) ([]byte, error) {
	r := Reader{buf: e.frame}
	dst = r.appendJSON(dst)
	return dst, r.err
}

func (r *Reader) appendJSON(dst []byte) []byte {
	if r.err != nil || r.off >= len(r.buf) {
		r.fail("short value")
		return dst
	}
	if r.depth >= MaxDepth {
		r.fail("nested too deep")
		return dst
	}
	switch h := r.buf[r.off]; {
	case h&0xf0 == 0x80, h == 0xde, h == 0xdf:
		return r.mapJSON(dst)
	case h&0xf0 == 0x90, h == 0xdc, h == 0xdd:
		return r.arrayJSON(dst)
	case h&0xe0 == 0xa0, h == 0xd9, h == 0xda, h == 0xdb:
		return AppendJSONString(dst, r.StrBytes())
	case h == 0xc4, h == 0xc5, h == 0xc6:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, r.StrBytes())
		return append(dst, '"')
	case h == 0xc0:
		r.off++
		return append(dst, "null"...)
	case h == 0xc2, h == 0xc3:
		return strconv.AppendBool(dst, r.Bool())
	case h == 0xca, h == 0xcb:
		v := r.Float()
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(dst, "null"...) // unreachable: Float refuses them
		}
		return strconv.AppendFloat(dst, v, 'g', -1, 64)
	case h < 0x80, h >= 0xe0, h >= 0xcc && h <= 0xd3:
		return strconv.AppendInt(dst, r.Int(), 10)
	}
	r.fail("value without a JSON form")
	return dst
}

func (r *Reader) mapJSON(dst []byte) []byte {
	r.depth++
	dst = append(dst, '{')
	for i, n := 0, r.MapLen(); i < n && r.err == nil; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(dst, r.StrBytes())
		dst = append(dst, ':')
		dst = r.appendJSON(dst)
	}
	r.depth--
	return append(dst, '}')
}

func (r *Reader) arrayJSON(dst []byte) []byte {
	r.depth++
	dst = append(dst, '[')
	for i, n := 0, r.ArrayLen(); i < n && r.err == nil; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = r.appendJSON(dst)
	}
	r.depth--
	return append(dst, ']')
}

// AppendJSONString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD; text is
// not escaped for HTML.
func AppendJSONString(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for len(s) > 0 {
		c := s[0]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			ru, n := utf8.DecodeRune(s)
			dst = utf8.AppendRune(dst, ru) // the replacement character for what is invalid
			s = s[n:]
			continue
		}
		s = s[1:]
	}
	return append(dst, '"')
}
