package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// DefaultEndpoint is the public hub.
const DefaultEndpoint = "https://huggingface.co"

// client speaks the hub's protocol. The token goes to the hub alone: the standard client
// drops it when a download is redirected to another host.
type client struct {
	endpoint, token string
	http            *http.Client
}

func clientOf(env func(string) string, transport http.RoundTripper) *client {
	endpoint := strings.TrimRight(env("HF_ENDPOINT"), "/")
	if endpoint == "" {
		endpoint = DefaultEndpoint
	}
	return &client{endpoint: endpoint, token: env("HF_TOKEN"), http: &http.Client{Transport: transport}}
}

// shown is the endpoint for people: without the password that it may hold.
func (c *client) shown() string {
	u, err := url.Parse(c.endpoint)
	if err != nil {
		return "HF_ENDPOINT"
	}
	return u.Redacted()
}

// model is what the hub says of a repository.
type model struct {
	ID        string `json:"id"`
	Commit    string `json:"sha"`
	Downloads int64  `json:"downloads"`
	Siblings  []struct {
		Name string `json:"rfilename"`
	} `json:"siblings"`
}

// status is an answer of the hub that is no success.
type status struct {
	code    int
	problem string // X-Error-Code: RepoNotFound, RevisionNotFound, GatedRepo, EntryNotFound
}

func (s *status) Error() string {
	if s.problem != "" {
		return fmt.Sprintf("HTTP %d (%s)", s.code, s.problem)
	}
	return fmt.Sprintf("HTTP %d %s", s.code, http.StatusText(s.code))
}

func (c *client) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint+path, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("User-Agent", "aiperf")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, &status{resp.StatusCode, resp.Header.Get("X-Error-Code")}
	}
	return resp, nil
}

// withoutURL leaves out the URL, which is said elsewhere and may hold a password.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// largestReply bounds what is read of the hub's descriptions.
const largestReply = 16 << 20

func (c *client) describe(ctx context.Context, path string, v any) error {
	resp, err := c.get(ctx, path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, largestReply)).Decode(v); err != nil {
		return fmt.Errorf("the hub's answer is not understood: %w", err)
	}
	return nil
}

// escaped is an id with its one slash.
func escaped(id string) string {
	owner, name, two := strings.Cut(id, "/")
	if !two {
		return url.PathEscape(owner)
	}
	return url.PathEscape(owner) + "/" + url.PathEscape(name)
}

// model describes a repository at a revision.
func (c *client) model(ctx context.Context, id, revision string) (m model, err error) {
	err = c.describe(ctx, "/api/models/"+escaped(id)+"/revision/"+url.PathEscape(revision), &m)
	return m, err
}

// searchLimit is how many candidates the hub is asked for.
const searchLimit = 50

func (c *client) search(ctx context.Context, text string) (found []model, err error) {
	err = c.describe(ctx, fmt.Sprintf("/api/models?search=%s&limit=%d", url.QueryEscape(text), searchLimit), &found)
	return found, err
}

// file opens a file of a commit. size is -1 when the hub does not say.
func (c *client) file(ctx context.Context, id, commit, name string) (body io.ReadCloser, size int64, err error) {
	resp, err := c.get(ctx, "/"+escaped(id)+"/resolve/"+url.PathEscape(commit)+"/"+url.PathEscape(name))
	if err != nil {
		return nil, 0, err
	}
	return resp.Body, resp.ContentLength, nil
}
