package controller

import (
	"context"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"aiperf/bootstrap"
	"aiperf/messages"
	"aiperf/plugins"
)

// onServiceDown accounts for a death: the books of the run, the bus, and everybody
// who has to deal with it.
func (c *Controller) onServiceDown(ctx context.Context, raw msgpack.RawMessage) (any, error) {
	down, err := bootstrap.Payload[messages.ServiceDown](raw)
	if err != nil {
		return nil, err
	}
	if down.ReplacementID == down.DownServiceID && down.ReplacementID != "" {
		c.registry.restarting(down.DownServiceID)
	} else {
		c.leave(down.DownServiceID)
		if down.ReplacementID != "" && c.registry.expect(down.ReplacementID, down.ServiceType) {
			c.wg.Go(func() { c.configure(down.ReplacementID, down.ServiceType) }) // it was faster than this notice
		}
	}
	c.health.forget(down.DownServiceID)
	c.out.Publish(&down)
	var told []string
	switch down.ServiceType {
	case "worker":
		told = c.registry.ids("timing_manager", "records_manager")
	case "record_processor":
		told = c.registry.ids("worker", "records_manager")
	default:
		told = c.registry.ids("records_manager")
	}
	// Not every one understands it; the answer only says that it arrived.
	if err := c.callAll(ctx, told, messages.CommandServiceDown, down, c.bounds.tell); err != nil {
		c.log.Debug("relay service_down", "err", err)
	}
	return nil, nil
}

// leave takes a service out of the run. A result that it still owed is owed no more,
// and the report says so.
func (c *Controller) leave(id string) {
	serviceType := c.registry.typeOf(id)
	for _, domain := range c.joined.pending(c.registry.gone(id)) {
		text := fmt.Sprintf("%s ended and still owed the %s result", id, domain)
		c.log.Error(text)
		c.errors.add(!c.optional(serviceType), "result_join", id, messages.NewError("ProducerReaped", text))
	}
}

// onServiceError notes an error that a service could not handle. The process ends by
// itself, and the launcher decides what follows; a start-up ends here, unless the
// service is one that is started again or can be done without.
func (c *Controller) onServiceError(_ context.Context, from messages.Header, m *messages.ServiceError) error {
	serviceType := c.registry.typeOf(from.ServiceID)
	c.errors.add(serviceType != "" && !c.optional(serviceType) && !c.replicable(serviceType), "service_runtime", from.ServiceID, &m.Error)
	c.registry.poke()
	return nil
}

func (c *Controller) metadata(serviceType string) plugins.ServiceMetadata {
	meta, err := plugins.Metadata[plugins.ServiceMetadata](c.plugins, "service", serviceType)
	if err != nil {
		c.log.Debug("look up service", "type", serviceType, "err", err) // then it counts as required
	}
	return meta
}

// optional services may be missing from a run.
func (c *Controller) optional(serviceType string) bool {
	required := c.metadata(serviceType).Required
	return required != nil && !*required
}

// replicable services are started again when they end.
func (c *Controller) replicable(serviceType string) bool { return c.metadata(serviceType).Replicable }
