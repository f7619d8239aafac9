// Package storagelimiterprocessor refuses what arrives while the disk that the queues are on has less
// room than a reserve, as upstream's memory_limiter does when memory runs out:
//
//	processors:
//	  storage_limiter:
//	    directory: /var/lib/otelcol-litellm
//	    reserve_mib: 256
//
// The refusal is one that a sender tries again after. Without it a disk that fills costs what is on
// it: upstream's queue writes a mark before it hands an item to its exporter, and where it can't it
// passes over the item. So the reserve is the room that queues need to be emptied in.
//
// It belongs in front of the queues, where telemetry comes in; behind one, it would keep it from
// being emptied.
package storagelimiterprocessor

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
)

var componentType = component.MustNewType("storage_limiter")

// Config is what may be set.
type Config struct {
	// Directory is a folder on the disk to watch, the one of the storage extension.
	Directory string `mapstructure:"directory"`
	// ReserveMiB is how much of that disk is not for what arrives.
	ReserveMiB uint32 `mapstructure:"reserve_mib"`
}

// Validate implements xconfmap.Validator.
func (c *Config) Validate() error {
	if c.Directory == "" {
		return errors.New("directory has to name the folder of the storage extension")
	}
	return nil
}

func (c *Config) reserve() int64 { return int64(c.ReserveMiB) * mebibyte }

const mebibyte = 1 << 20

// factory has the limiters, each of which is that of all pipelines it is named in.
type factory struct {
	mu       sync.Mutex
	limiters map[component.Config]*limiter
}

// NewFactory returns the factory the distribution's components list.
func NewFactory() processor.Factory {
	f := &factory{limiters: map[component.Config]*limiter{}}
	return processor.NewFactory(
		componentType,
		func() component.Config { return &Config{ReserveMiB: 256} },
		processor.WithTraces(f.createTraces, component.StabilityLevelBeta),
		processor.WithMetrics(f.createMetrics, component.StabilityLevelBeta),
		processor.WithLogs(f.createLogs, component.StabilityLevelBeta),
	)
}

func (f *factory) createTraces(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	return &traces{f.limiterOf(set, cfg), next}, nil
}

func (f *factory) createMetrics(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
	return &metrics{f.limiterOf(set, cfg), next}, nil
}

func (f *factory) createLogs(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	return &logs{f.limiterOf(set, cfg), next}, nil
}

// limiterOf is the one limiter of a configuration: what passes in one pipeline takes room from the
// others.
func (f *factory) limiterOf(set processor.Settings, cfg component.Config) *limiter {
	f.mu.Lock()
	defer f.mu.Unlock()
	it, found := f.limiters[cfg]
	if !found {
		it = newLimiter(*cfg.(*Config), set, func() { f.forget(cfg) })
		f.limiters[cfg] = it
	}
	return it
}

// forget lets a reload of the configuration, which makes others, leave nothing behind.
func (f *factory) forget(cfg component.Config) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.limiters, cfg)
}
