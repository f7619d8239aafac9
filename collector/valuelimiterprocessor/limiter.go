package valuelimiterprocessor

import (
	"context"
	"strconv"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// What stands in the place of what was cut.
const (
	tooDeep = "(cut: nested too deeply)"
	tooLong = "(cut: too many long keys)"
)

// limiter cuts the values of one pipeline.
type limiter struct {
	config     Config
	cut        metric.Int64Counter
	attributes metric.MeasurementOption
}

func newLimiter(cfg component.Config, set processor.Settings, signal string) (*limiter, error) {
	meter := set.MeterProvider.Meter("litellm-otel/collector/valuelimiterprocessor")
	cut, err := meter.Int64Counter("otelcol_processor_value_limiter_cut_values",
		metric.WithDescription("Number of values cut because of how deep they are nested or how long their keys are."),
		metric.WithUnit("{values}"))
	if err != nil {
		return nil, err
	}
	l := &limiter{
		config: *cfg.(*Config),
		cut:    cut,
		attributes: metric.WithAttributes(
			attribute.String("processor", set.ID.String()), attribute.String("data_type", signal)),
	}
	l.count(context.Background(), 0) // there from the first look on
	return l, nil
}

func (l *limiter) count(ctx context.Context, values int) {
	l.cut.Add(ctx, int64(values), l.attributes)
}

func (l *limiter) traces(ctx context.Context, it ptrace.Traces) (ptrace.Traces, error) {
	found := 0
	for _, resource := range it.ResourceSpans().All() {
		found += l.inMap(resource.Resource().Attributes(), 0)
		for _, scope := range resource.ScopeSpans().All() {
			found += l.inMap(scope.Scope().Attributes(), 0)
			for _, span := range scope.Spans().All() {
				found += l.inMap(span.Attributes(), 0)
				for _, event := range span.Events().All() {
					found += l.inMap(event.Attributes(), 0)
				}
				for _, link := range span.Links().All() {
					found += l.inMap(link.Attributes(), 0)
				}
			}
		}
	}
	if found > 0 {
		l.count(ctx, found)
	}
	return it, nil
}

func (l *limiter) logs(ctx context.Context, it plog.Logs) (plog.Logs, error) {
	found := 0
	for _, resource := range it.ResourceLogs().All() {
		found += l.inMap(resource.Resource().Attributes(), 0)
		for _, scope := range resource.ScopeLogs().All() {
			found += l.inMap(scope.Scope().Attributes(), 0)
			for _, record := range scope.LogRecords().All() {
				found += l.inMap(record.Attributes(), 0)
				found += l.inBody(record.Body())
			}
		}
	}
	if found > 0 {
		l.count(ctx, found)
	}
	return it, nil
}

func (l *limiter) metrics(ctx context.Context, it pmetric.Metrics) (pmetric.Metrics, error) {
	found := 0
	for _, resource := range it.ResourceMetrics().All() {
		found += l.inMap(resource.Resource().Attributes(), 0)
		for _, scope := range resource.ScopeMetrics().All() {
			found += l.inMap(scope.Scope().Attributes(), 0)
			for _, each := range scope.Metrics().All() {
				found += l.inMap(each.Metadata(), 0)
				found += l.inMetric(each)
			}
		}
	}
	if found > 0 {
		l.count(ctx, found)
	}
	return it, nil
}

func (l *limiter) inMetric(it pmetric.Metric) int {
	found := 0
	exemplars := func(all pmetric.ExemplarSlice) {
		for _, each := range all.All() {
			found += l.inMap(each.FilteredAttributes(), 0)
		}
	}
	numbers := func(points pmetric.NumberDataPointSlice) {
		for _, point := range points.All() {
			found += l.inMap(point.Attributes(), 0)
			exemplars(point.Exemplars())
		}
	}
	switch it.Type() {
	case pmetric.MetricTypeGauge:
		numbers(it.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		numbers(it.Sum().DataPoints())
	case pmetric.MetricTypeHistogram:
		for _, point := range it.Histogram().DataPoints().All() {
			found += l.inMap(point.Attributes(), 0)
			exemplars(point.Exemplars())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, point := range it.ExponentialHistogram().DataPoints().All() {
			found += l.inMap(point.Attributes(), 0)
			exemplars(point.Exemplars())
		}
	case pmetric.MetricTypeSummary:
		for _, point := range it.Summary().DataPoints().All() {
			found += l.inMap(point.Attributes(), 0)
		}
	}
	return found
}

// inBody cuts within a log record's body, and all of it where the paths to its parts are too long:
// they are what masking makes of it, key after key.
func (l *limiter) inBody(body pcommon.Value) int {
	found := l.inValue(body, 0)
	if pathsBytes(body, 0, l.config.MaxPathsBytes) > l.config.MaxPathsBytes {
		body.SetStr(tooLong)
		found++
	}
	return found
}

// inMap cuts what is too deep within a map that is so deep itself, and says how many values that
// were.
func (l *limiter) inMap(it pcommon.Map, depth int) int {
	found := 0
	for _, value := range it.All() {
		found += l.inValue(value, depth)
	}
	return found
}

func (l *limiter) inValue(value pcommon.Value, depth int) int {
	kind := value.Type()
	if kind != pcommon.ValueTypeMap && kind != pcommon.ValueTypeSlice {
		return 0
	}
	if depth++; depth > l.config.MaxDepth {
		value.SetStr(tooDeep)
		return 1
	}
	if kind == pcommon.ValueTypeMap {
		return l.inMap(value.Map(), depth)
	}
	found := 0
	for _, each := range value.Slice().All() {
		found += l.inValue(each, depth)
	}
	return found
}

// pathsBytes is how long the paths to all parts of a value are in sum, of which each begins with
// so many bytes; once it is more than enough, no more is looked at.
func pathsBytes(value pcommon.Value, path, enough int) int {
	total := 0
	switch value.Type() {
	case pcommon.ValueTypeMap:
		for key, each := range value.Map().All() {
			here := path + len(key) + len(".")
			if total += here + pathsBytes(each, here, enough-total); total > enough {
				break
			}
		}
	case pcommon.ValueTypeSlice:
		for i, each := range value.Slice().All() {
			here := path + len(strconv.Itoa(i)) + len(".[]")
			if total += here + pathsBytes(each, here, enough-total); total > enough {
				break
			}
		}
	}
	return total
}
