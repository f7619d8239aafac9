package storagelimiterprocessor

import (
	"context"

	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// report is the limiter's own metrics: what it refused, what is free, and what of that is kept.
type report struct {
	set     processor.Settings
	limiter *limiter

	items    metric.Int64Counter
	watching metric.Registration
}

func (r *report) start() error {
	meter := r.set.MeterProvider.Meter("litellm-otel/collector/storagelimiterprocessor")
	var err error
	r.items, err = meter.Int64Counter("otelcol_processor_storage_limiter_refused_items",
		metric.WithDescription("Number of items refused because there was no room on disk."),
		metric.WithUnit("{items}"))
	if err != nil {
		return err
	}
	free, err := meter.Int64ObservableGauge("otelcol_processor_storage_limiter_free",
		metric.WithDescription("What is free on the disk that the queues are on."),
		metric.WithUnit("By"))
	if err != nil {
		return err
	}
	reserve, err := meter.Int64ObservableGauge("otelcol_processor_storage_limiter_reserve",
		metric.WithDescription("Below how much free disk telemetry is refused."),
		metric.WithUnit("By"))
	if err != nil {
		return err
	}
	attributes := metric.WithAttributes(r.processor())
	r.watching, err = meter.RegisterCallback(func(_ context.Context, observer metric.Observer) error {
		observer.ObserveInt64(reserve, r.limiter.config.reserve(), attributes)
		it, err := r.limiter.free()
		if err == nil {
			observer.ObserveInt64(free, it, attributes)
		}
		return err
	}, free, reserve)
	if err != nil {
		return err
	}
	// From the first look on, so that the first refusal is a rise.
	for _, signal := range []string{"traces", "metrics", "logs"} {
		r.refused(context.Background(), signal, 0)
	}
	return nil
}

func (r *report) stop() error {
	if r.watching == nil {
		return nil
	}
	return r.watching.Unregister()
}

func (r *report) refused(ctx context.Context, signal string, items int) {
	r.items.Add(ctx, int64(items), metric.WithAttributes(r.processor(), attribute.String("data_type", signal)))
}

func (r *report) processor() attribute.KeyValue {
	return attribute.String("processor", r.set.ID.String())
}
