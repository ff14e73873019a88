package controller

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"aiperf/messages"
)

var errGone = errors.New("the service is gone")

// call sends a command to one service and waits for the answer, at most for limit and
// not beyond the service's end.
func (c *Controller) call(ctx context.Context, id, name string, payload any, limit time.Duration) (*messages.CommandResponse, error) {
	gone := c.registry.whenGone(id)
	if gone == nil {
		return nil, fmt.Errorf("command %s: %s: %w", name, id, errGone)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var watch sync.WaitGroup
	defer watch.Wait()
	answered := make(chan struct{})
	defer close(answered)
	watch.Go(func() {
		select {
		case <-gone:
			cancel(fmt.Errorf("command %s: %s: %w", name, id, errGone))
		case <-answered:
		}
	})
	return c.calls.Call(ctx, id, name, payload, limit)
}

// failure is one service's answer to a command sent to several.
type failure struct {
	id  string
	err error
}

// callEach sends a command to several services at once and returns who failed.
// Services that went away meanwhile have not. With failFast the first failure ends
// the waiting for the others.
func (c *Controller) callEach(ctx context.Context, ids []string, name string, payload any, limit time.Duration, failFast func(id string) bool) []failure {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var failed []failure
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			answer, err := c.call(ctx, id, name, payload, limit)
			if err == nil && answer.Status == messages.StatusUnhandled && name == messages.CommandFinalizeArtifacts {
				err = errors.New("the service cannot say that its files are whole")
			}
			if err == nil || errors.Is(err, errGone) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if ctx.Err() != nil && len(failed) > 0 {
				return // cut short by another's failure
			}
			failed = append(failed, failure{id, err})
			if failFast != nil && failFast(id) {
				cancel()
			}
		})
	}
	wg.Wait()
	sort.Slice(failed, func(i, j int) bool { return failed[i].id < failed[j].id })
	return failed
}

// callAll is callEach with the failures joined into one error.
func (c *Controller) callAll(ctx context.Context, ids []string, name string, payload any, limit time.Duration) error {
	failed := c.callEach(ctx, ids, name, payload, limit, nil)
	if len(failed) == 0 {
		return nil
	}
	texts := make([]string, 0, len(failed))
	for _, f := range failed {
		texts = append(texts, fmt.Sprintf("%s: %v", f.id, f.err))
	}
	return messages.NewError("CommandError", strings.Join(texts, "; "))
}
