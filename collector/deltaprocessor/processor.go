package deltaprocessor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"
)

// deltas is the processor. One batch at a time goes through it, so that the points of a series are
// subtracted in the order in which they are handed on.
type deltas struct {
	config Config
	id     component.ID
	logger *zap.Logger
	next   consumer.Metrics
	part   func(pmetric.Metric) bool
	now    func() time.Time

	turn   sync.Mutex
	memory *memory
}

func newDeltas(config Config, id component.ID, logger *zap.Logger, next consumer.Metrics) (*deltas, error) {
	part, err := config.part()
	if err != nil {
		return nil, err
	}
	return &deltas{config: config, id: id, logger: logger, next: next, part: part, now: time.Now}, nil
}

// Capabilities implements consumer.Metrics.
func (*deltas) Capabilities() consumer.Capabilities { return consumer.Capabilities{MutatesData: true} }

// Start implements component.Component.
func (d *deltas) Start(ctx context.Context, host component.Host) error {
	extension, found := host.GetExtensions()[*d.config.Storage]
	if !found {
		return fmt.Errorf("there is no extension %s", d.config.Storage)
	}
	store, is := extension.(storage.Extension)
	if !is {
		return fmt.Errorf("%s is no storage extension", d.config.Storage)
	}
	client, err := store.GetClient(ctx, component.KindProcessor, d.id, "")
	if err != nil {
		return err
	}
	d.memory, err = openMemory(ctx, client, d.config.Retention, d.logger, d.now())
	return err
}

// Shutdown implements component.Component.
func (d *deltas) Shutdown(ctx context.Context) error {
	d.turn.Lock()
	defer d.turn.Unlock()
	if d.memory == nil {
		return nil
	}
	return d.memory.client.Close(ctx)
}

// ConsumeMetrics implements consumer.Metrics.
func (d *deltas) ConsumeMetrics(ctx context.Context, metrics pmetric.Metrics) error {
	d.turn.Lock()
	defer d.turn.Unlock()
	now := d.now()
	seen := d.memory.seen(now)
	changed := map[string]*changes{}
	var failed error
	metrics.ResourceMetrics().RemoveIf(func(resource pmetric.ResourceMetrics) bool {
		key := identity("", resource.Resource().Attributes())
		change, found := changed[key]
		if !found {
			known, err := d.memory.senderOf(ctx, key)
			if err != nil {
				failed = err
				return false
			}
			change = &changes{sender: known, now: now, seen: seen, points: map[string]point{}}
			changed[key] = change
		}
		resource.ScopeMetrics().RemoveIf(func(scope pmetric.ScopeMetrics) bool {
			scope.Metrics().RemoveIf(func(metric pmetric.Metric) bool {
				if !d.part(metric) {
					change.hear(metric)
					return true
				}
				return change.convert(scope.Scope(), metric)
			})
			return scope.Metrics().Len() == 0
		})
		return resource.ScopeMetrics().Len() == 0
	})
	if failed != nil {
		// Nothing was handed on and nothing is remembered: the sender comes again.
		return failed
	}
	if metrics.ResourceMetrics().Len() > 0 {
		if err := d.next.ConsumeMetrics(ctx, metrics); err != nil {
			return err
		}
	}
	// From here on it must not be handed on again, so that no error is the sender's to see. What
	// is not on disk is repeated after a restart.
	if err := d.memory.keep(context.WithoutCancel(ctx), changed, now); err != nil {
		d.logger.Error("deltas were handed on and could not be remembered: a restart repeats them", zap.Error(err))
	}
	return nil
}
