package valuelimiterprocessor

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

const deepest = 32

// nest makes the value so many lists and maps within each other, by turns, and a text in the last.
func nest(value pcommon.Value, depth int) {
	for i := range depth {
		if i%2 == 0 {
			value = value.SetEmptySlice().AppendEmpty()
		} else {
			value = value.SetEmptyMap().PutEmpty("k")
		}
	}
	value.SetStr("kept")
}

// bottom is the text in the last of the lists and maps within each other, and how many they are.
func bottom(value pcommon.Value) (text string, depth int) {
	for ; ; depth++ {
		switch value.Type() {
		case pcommon.ValueTypeSlice:
			value = value.Slice().At(0)
		case pcommon.ValueTypeMap:
			value, _ = value.Map().Get("k")
		default:
			return value.Str(), depth
		}
	}
}

// put gives a map a value that is nested as deep as it may be and one that is by one deeper.
func put(into pcommon.Map) {
	nest(into.PutEmpty("fine"), deepest)
	nest(into.PutEmpty("deep"), deepest+1)
}

func wantCut(t *testing.T, where string, from pcommon.Map) {
	t.Helper()
	fine, _ := from.Get("fine")
	if text, depth := bottom(fine); text != "kept" || depth != deepest {
		t.Errorf("%s: what may be has %q at %d", where, text, depth)
	}
	deep, _ := from.Get("deep")
	if text, depth := bottom(deep); text != tooDeep || depth != deepest {
		t.Errorf("%s: what is too deep has %q at %d", where, text, depth)
	}
}

type site struct {
	t      *testing.T
	set    processor.Settings
	reader *metric.ManualReader
	config component.Config
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, reader: metric.NewManualReader(), config: NewFactory().CreateDefaultConfig()}
	s.set = processor.Settings{ID: component.MustNewID("value_limiter")}
	s.set.MeterProvider = metric.NewMeterProvider(metric.WithReader(s.reader))
	return s
}

// cut is what it says that it cut, of each signal.
func (s *site) cut() map[string]int64 {
	s.t.Helper()
	var all metricdata.ResourceMetrics
	if err := s.reader.Collect(context.Background(), &all); err != nil {
		s.t.Fatal(err)
	}
	found := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, each := range scope.Metrics {
			if each.Name != "otelcol_processor_value_limiter_cut_values" {
				continue
			}
			for _, point := range each.Data.(metricdata.Sum[int64]).DataPoints {
				signal, _ := point.Attributes.Value("data_type")
				found[signal.AsString()] = point.Value
			}
		}
	}
	return found
}

func (s *site) passLogs(it plog.Logs) plog.Logs {
	s.t.Helper()
	sink := &consumertest.LogsSink{}
	p := must(NewFactory().CreateLogs(context.Background(), s.set, s.config, sink))
	if err := p.ConsumeLogs(context.Background(), it); err != nil {
		s.t.Fatal(err)
	}
	return sink.AllLogs()[0]
}

func must[T any](it T, err error) T {
	if err != nil {
		panic(err)
	}
	return it
}

func TestTracesAreCutEverywhere(t *testing.T) {
	s := newSite(t)
	sink := &consumertest.TracesSink{}
	p := must(NewFactory().CreateTraces(context.Background(), s.set, s.config, sink))
	if got := s.cut()["traces"]; got != 0 {
		t.Errorf("%d cut before anything came", got)
	}
	it := ptrace.NewTraces()
	resource := it.ResourceSpans().AppendEmpty()
	scope := resource.ScopeSpans().AppendEmpty()
	span := scope.Spans().AppendEmpty()
	where := map[string]pcommon.Map{
		"resource": resource.Resource().Attributes(), "scope": scope.Scope().Attributes(),
		"span": span.Attributes(), "event": span.Events().AppendEmpty().Attributes(),
		"link": span.Links().AppendEmpty().Attributes(),
	}
	for _, each := range where {
		put(each)
	}
	if err := p.ConsumeTraces(context.Background(), it); err != nil {
		t.Fatal(err)
	}
	for name, each := range where {
		wantCut(t, name, each)
	}
	if got := s.cut()["traces"]; got != int64(len(where)) {
		t.Errorf("%d cut, not %d", got, len(where))
	}
	if sink.SpanCount() != 1 {
		t.Error("the span did not pass")
	}
}

func TestMetricsAreCutEverywhere(t *testing.T) {
	s := newSite(t)
	p := must(NewFactory().CreateMetrics(context.Background(), s.set, s.config, consumertest.NewNop()))
	it := pmetric.NewMetrics()
	resource := it.ResourceMetrics().AppendEmpty()
	scope := resource.ScopeMetrics().AppendEmpty()
	add := scope.Metrics().AppendEmpty
	gauge := add()
	level := gauge.SetEmptyGauge().DataPoints().AppendEmpty()
	sum := add().SetEmptySum().DataPoints().AppendEmpty()
	histogram := add().SetEmptyHistogram().DataPoints().AppendEmpty()
	exponential := add().SetEmptyExponentialHistogram().DataPoints().AppendEmpty()
	where := map[string]pcommon.Map{
		"resource": resource.Resource().Attributes(), "scope": scope.Scope().Attributes(),
		"metadata": gauge.Metadata(),
		"gauge":    level.Attributes(), "gauge's exemplar": level.Exemplars().AppendEmpty().FilteredAttributes(),
		"sum": sum.Attributes(), "sum's exemplar": sum.Exemplars().AppendEmpty().FilteredAttributes(),
		"histogram": histogram.Attributes(), "histogram's exemplar": histogram.Exemplars().AppendEmpty().FilteredAttributes(),
		"exponential": exponential.Attributes(), "exponential's exemplar": exponential.Exemplars().AppendEmpty().FilteredAttributes(),
		"summary": add().SetEmptySummary().DataPoints().AppendEmpty().Attributes(),
	}
	for _, each := range where {
		put(each)
	}
	if err := p.ConsumeMetrics(context.Background(), it); err != nil {
		t.Fatal(err)
	}
	for name, each := range where {
		wantCut(t, name, each)
	}
	if got := s.cut()["metrics"]; got != int64(len(where)) {
		t.Errorf("%d cut, not %d", got, len(where))
	}
}

func TestLogsAreCutEverywhere(t *testing.T) {
	s := newSite(t)
	it := plog.NewLogs()
	resource := it.ResourceLogs().AppendEmpty()
	scope := resource.ScopeLogs().AppendEmpty()
	record := scope.LogRecords().AppendEmpty()
	where := map[string]pcommon.Map{
		"resource": resource.Resource().Attributes(), "scope": scope.Scope().Attributes(),
		"record": record.Attributes(),
	}
	for _, each := range where {
		put(each)
	}
	nest(record.Body(), deepest+1)
	other := scope.LogRecords().AppendEmpty()
	nest(other.Body(), deepest)
	s.passLogs(it)
	for name, each := range where {
		wantCut(t, name, each)
	}
	if text, depth := bottom(record.Body()); text != tooDeep || depth != deepest {
		t.Errorf("a body that is too deep has %q at %d", text, depth)
	}
	if text, depth := bottom(other.Body()); text != "kept" || depth != deepest {
		t.Errorf("a body that may be has %q at %d", text, depth)
	}
	if got := s.cut()["logs"]; got != 4 {
		t.Errorf("%d cut, not 4", got)
	}
}

func TestABodyWhosePathsAreLongerThanItIsIsCut(t *testing.T) {
	s := newSite(t)
	it := plog.NewLogs()
	records := it.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	// Each 60 kB as they are, and a hundred megabytes of paths.
	list := records.AppendEmpty().Body()
	numbers := list.SetEmptyMap().PutEmptySlice(strings.Repeat("x", 50_000))
	keyed := records.AppendEmpty().Body()
	pairs := keyed.SetEmptySlice().AppendEmpty().SetEmptyMap().PutEmptyMap(strings.Repeat("x", 50_000))
	for i := range 2000 {
		numbers.AppendEmpty().SetInt(1)
		pairs.PutInt(strconv.Itoa(i), 1)
	}
	usual := records.AppendEmpty().Body().SetEmptyMap()
	for i := range 500 {
		usual.PutEmptyMap(strings.Repeat("k", i)).PutStr("role", "user")
	}
	text := records.AppendEmpty().Body()
	text.SetStr(strings.Repeat("x", 2<<20))
	s.passLogs(it)
	for _, body := range []pcommon.Value{list, keyed} {
		if body.Type() != pcommon.ValueTypeStr || body.Str() != tooLong {
			t.Errorf("it is a %s", body.Type())
		}
	}
	if usual.Len() != 500 || len(text.Str()) != 2<<20 {
		t.Error("what may be was cut")
	}
	if got := s.cut()["logs"]; got != 2 {
		t.Errorf("%d cut, not 2", got)
	}
}

func TestAMillionLevelsAreCutWithoutFollowingThem(t *testing.T) {
	it := plog.NewLogs()
	record := it.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	nest(record.Body(), 1_000_000)
	nest(record.Attributes().PutEmpty("deep"), 1_000_000)
	newSite(t).passLogs(it)
	if _, depth := bottom(record.Body()); depth != deepest {
		t.Errorf("the body is %d deep", depth)
	}
}

func TestAConfigurationThatCutsEverythingIsNone(t *testing.T) {
	for _, config := range []Config{{MaxDepth: 0, MaxPathsBytes: 1}, {MaxDepth: 1, MaxPathsBytes: 0}} {
		if config.Validate() == nil {
			t.Errorf("%+v is valid", config)
		}
	}
	if err := NewFactory().CreateDefaultConfig().(*Config).Validate(); err != nil {
		t.Error(err)
	}
}
