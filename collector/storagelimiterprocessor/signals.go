package storagelimiterprocessor

import (
	"context"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// traces is the limiter in a pipeline of traces. What follows it returns when what it was handed is
// in the queues; until then its room is taken.
type traces struct {
	*limiter
	next consumer.Traces
}

// Capabilities implements consumer.Traces.
func (*traces) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeTraces implements consumer.Traces.
func (t *traces) ConsumeTraces(ctx context.Context, it ptrace.Traces) error {
	done, err := t.admit((&ptrace.ProtoMarshaler{}).TracesSize(it))
	if err != nil {
		t.report.refused(ctx, "traces", it.SpanCount())
		return err
	}
	defer done()
	return t.next.ConsumeTraces(ctx, it)
}

// metrics is the limiter in a pipeline of metrics.
type metrics struct {
	*limiter
	next consumer.Metrics
}

// Capabilities implements consumer.Metrics.
func (*metrics) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeMetrics implements consumer.Metrics.
func (m *metrics) ConsumeMetrics(ctx context.Context, it pmetric.Metrics) error {
	done, err := m.admit((&pmetric.ProtoMarshaler{}).MetricsSize(it))
	if err != nil {
		m.report.refused(ctx, "metrics", it.DataPointCount())
		return err
	}
	defer done()
	return m.next.ConsumeMetrics(ctx, it)
}

// logs is the limiter in a pipeline of logs.
type logs struct {
	*limiter
	next consumer.Logs
}

// Capabilities implements consumer.Logs.
func (*logs) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeLogs implements consumer.Logs.
func (l *logs) ConsumeLogs(ctx context.Context, it plog.Logs) error {
	done, err := l.admit((&plog.ProtoMarshaler{}).LogsSize(it))
	if err != nil {
		l.report.refused(ctx, "logs", it.LogRecordCount())
		return err
	}
	defer done()
	return l.next.ConsumeLogs(ctx, it)
}
