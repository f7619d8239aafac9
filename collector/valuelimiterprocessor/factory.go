// Package valuelimiterprocessor cuts values that are nested deeper, or have longer keys, than anyone
// means them to be:
//
//	processors:
//	  value_limiter:
//	    max_depth: 32
//	    max_paths_bytes: 1048576
//
// A few kilobytes, compressed, are a value within a value a million times over, which receivers
// take. What looks at values follows them by recursion, and makes a path to each of their parts:
// the one ends the process when its stack is full, the other takes memory by the square. So it
// comes before everything else that looks at values.
package valuelimiterprocessor

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
)

var componentType = component.MustNewType("value_limiter")

// Config is what may be set.
type Config struct {
	// MaxDepth is how many lists and maps may be within each other.
	MaxDepth int `mapstructure:"max_depth"`
	// MaxPathsBytes is how long the paths to all parts of a log record's body may be in sum.
	MaxPathsBytes int `mapstructure:"max_paths_bytes"`
}

// Validate implements xconfmap.Validator.
func (c *Config) Validate() error {
	if c.MaxDepth < 1 || c.MaxPathsBytes < 1 {
		return errors.New("max_depth and max_paths_bytes have to be positive")
	}
	return nil
}

// NewFactory returns the factory the distribution's components list.
func NewFactory() processor.Factory {
	return processor.NewFactory(
		componentType,
		// Deeper than 32 is more than 100 messages within each other, where many readers of
		// protobuf give up, and refuse all that came with it.
		func() component.Config { return &Config{MaxDepth: 32, MaxPathsBytes: 1 << 20} },
		processor.WithTraces(createTraces, component.StabilityLevelBeta),
		processor.WithMetrics(createMetrics, component.StabilityLevelBeta),
		processor.WithLogs(createLogs, component.StabilityLevelBeta),
	)
}

var mutates = processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true})

func createTraces(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Traces) (processor.Traces, error) {
	l, err := newLimiter(cfg, set, "traces")
	if err != nil {
		return nil, err
	}
	return processorhelper.NewTraces(ctx, set, cfg, next, l.traces, mutates)
}

func createMetrics(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
	l, err := newLimiter(cfg, set, "metrics")
	if err != nil {
		return nil, err
	}
	return processorhelper.NewMetrics(ctx, set, cfg, next, l.metrics, mutates)
}

func createLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	l, err := newLimiter(cfg, set, "logs")
	if err != nil {
		return nil, err
	}
	return processorhelper.NewLogs(ctx, set, cfg, next, l.logs, mutates)
}
