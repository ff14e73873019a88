package transports

import (
	"fmt"
	"net/url"
	"strings"
)

// JoinURL appends a dialect's path to a base URL, on the path alone:
//
//	the base has no scheme          http:// is put before it
//	the path is empty or "/"        the base as it is
//	the base ends with the path     the base as it is
//	base .../v1, path v1/...        the version once
//
// The base's query is kept byte for byte.
func JoinURL(base, path string) (*url.URL, error) {
	if low := strings.ToLower(base); !strings.HasPrefix(low, "http://") && !strings.HasPrefix(low, "https://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("parse URL: %w", err)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("parse URL: %q names no host", u.Redacted())
	}
	sub, query, hasQuery := strings.Cut(strings.TrimPrefix(path, "/"), "?")
	if sub == "" && !hasQuery {
		return u, nil
	}
	root := strings.TrimRight(u.EscapedPath(), "/")
	joined := root
	switch {
	case sub == "", strings.HasSuffix(root, "/"+strings.TrimRight(sub, "/")):
	case strings.HasSuffix(root, "/v1") && strings.HasPrefix(sub, "v1/"):
		joined = root + strings.TrimPrefix(sub, "v1")
	default:
		joined = root + "/" + sub
	}
	if u.Path, err = url.PathUnescape(joined); err != nil {
		return nil, fmt.Errorf("parse path %q: %w", path, err)
	}
	u.RawPath = joined
	if hasQuery {
		u.RawQuery = strings.Trim(u.RawQuery+"&"+query, "&")
	}
	return u, nil
}
