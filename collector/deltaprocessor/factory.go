// Package deltaprocessor turns cumulative sums and histograms into deltas, and remembers on disk
// up to where each series was handed on:
//
//	processors:
//	  durable_delta:
//	    storage: file_storage
//	    retention: 24h
//	    only_histograms: ^litellm_      # or except_histograms
//
// The upstream processor cumulativetodelta keeps that in memory. After a restart it takes the first
// point of each series as a new beginning, so that what a counter grew by around the restart is in
// no delta; and of a series that first shows up later in a process older than the collector, the
// whole first point is missing. Here both are counted. What was remembered is replaced after the
// deltas were taken by what follows, so that a refusal or a kill in between repeats them and never
// skips them. So what follows has to be one queue: of two, that which did not refuse would get what
// grew meanwhile twice. Where metrics go to two, each has a processor, for a part of them.
package deltaprocessor

import (
	"context"
	"errors"
	"regexp"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
)

var componentType = component.MustNewType("durable_delta")

// Config is what may be set.
type Config struct {
	// Storage is the storage extension that remembers.
	Storage *component.ID `mapstructure:"storage"`
	// Retention is for how long a sender that is silent is remembered.
	Retention time.Duration `mapstructure:"retention"`
	// OnlyHistograms has nothing handed on but histograms with a name that it matches, and
	// ExceptHistograms everything but those.
	OnlyHistograms   string `mapstructure:"only_histograms"`
	ExceptHistograms string `mapstructure:"except_histograms"`
}

// Validate implements xconfmap.Validator.
func (c *Config) Validate() error {
	if c.Storage == nil {
		return errors.New("storage has to name a storage extension")
	}
	if c.Retention <= 0 {
		return errors.New("retention has to be a positive duration")
	}
	if c.OnlyHistograms != "" && c.ExceptHistograms != "" {
		return errors.New("only_histograms and except_histograms are both set")
	}
	_, err := c.part()
	return err
}

// part says which metrics are handed on.
func (c *Config) part() (func(pmetric.Metric) bool, error) {
	pattern, err := regexp.Compile(c.OnlyHistograms + c.ExceptHistograms)
	if err != nil {
		return nil, err
	}
	if c.OnlyHistograms+c.ExceptHistograms == "" {
		return func(pmetric.Metric) bool { return true }, nil
	}
	only := c.OnlyHistograms != ""
	return func(metric pmetric.Metric) bool {
		return (metric.Type() == pmetric.MetricTypeHistogram && pattern.MatchString(metric.Name())) == only
	}, nil
}

// NewFactory returns the factory the distribution's components list.
func NewFactory() processor.Factory {
	return processor.NewFactory(
		componentType,
		func() component.Config { return &Config{Retention: 24 * time.Hour} },
		processor.WithMetrics(create, component.StabilityLevelBeta),
	)
}

func create(_ context.Context, set processor.Settings, cfg component.Config, next consumer.Metrics) (processor.Metrics, error) {
	return newDeltas(*cfg.(*Config), set.ID, set.Logger, next)
}
