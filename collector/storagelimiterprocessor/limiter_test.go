package storagelimiterprocessor

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// site is one limiter in a pipeline of each signal, on a disk with as much room as the test says.
type site struct {
	t       *testing.T
	config  *Config
	factory processor.Factory
	reader  *metric.ManualReader
	said    *observer.ObservedLogs
	limiter *limiter
	clock   time.Time
	room    int64
	broken  error
	// What comes after it: how much arrived there, what it answers, and what it does meanwhile.
	arrived   int
	refusal   error
	meanwhile func()

	traces  processor.Traces
	metrics processor.Metrics
	logs    processor.Logs
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{
		t:      t,
		config: &Config{Directory: t.TempDir(), ReserveMiB: 100},
		reader: metric.NewManualReader(),
		clock:  time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		room:   1000 * mebibyte,
	}
	core, said := observer.New(zap.InfoLevel)
	s.said = said
	s.factory = NewFactory()
	set := processor.Settings{ID: component.MustNewIDWithName("storage_limiter", "here")}
	set.Logger = zap.New(core)
	set.MeterProvider = metric.NewMeterProvider(metric.WithReader(s.reader))

	ctx := context.Background()
	s.traces = must(s.factory.CreateTraces(ctx, set, s.config, must(consumer.NewTraces(func(context.Context, ptrace.Traces) error { return s.arrive() }))))
	s.metrics = must(s.factory.CreateMetrics(ctx, set, s.config, must(consumer.NewMetrics(func(context.Context, pmetric.Metrics) error { return s.arrive() }))))
	s.logs = must(s.factory.CreateLogs(ctx, set, s.config, must(consumer.NewLogs(func(context.Context, plog.Logs) error { return s.arrive() }))))
	s.limiter = s.traces.(*traces).limiter
	s.limiter.free = func() (int64, error) { return s.room, s.broken }
	s.limiter.now = func() time.Time { return s.clock }
	return s
}

func (s *site) parts() []component.Component {
	return []component.Component{s.traces, s.metrics, s.logs}
}

func (s *site) start() *site {
	s.t.Helper()
	for _, each := range s.parts() {
		if err := each.Start(context.Background(), nil); err != nil {
			s.t.Fatal(err)
		}
	}
	return s
}

func (s *site) stop() {
	s.t.Helper()
	for _, each := range s.parts() {
		if err := each.Shutdown(context.Background()); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *site) arrive() error {
	s.arrived++
	if s.meanwhile != nil {
		s.meanwhile()
	}
	return s.refusal
}

// sendTraces hands on one span of about so many bytes.
func (s *site) sendTraces(bytes int) error {
	it := ptrace.NewTraces()
	it.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty().SetName(strings.Repeat("x", bytes))
	return s.traces.ConsumeTraces(context.Background(), it)
}

func (s *site) sendMetrics() error {
	it := pmetric.NewMetrics()
	it.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty()
	return s.metrics.ConsumeMetrics(context.Background(), it)
}

func (s *site) sendLogs() error {
	it := plog.NewLogs()
	it.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("line")
	return s.logs.ConsumeLogs(context.Background(), it)
}

// measured are the values of a metric, by the signal it is of.
func (s *site) measured(name string) map[string]int64 {
	s.t.Helper()
	var all metricdata.ResourceMetrics
	if err := s.reader.Collect(context.Background(), &all); err != nil && s.broken == nil {
		s.t.Fatal(err)
	}
	found := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, each := range scope.Metrics {
			if each.Name != "otelcol_processor_storage_limiter_"+name {
				continue
			}
			var points []metricdata.DataPoint[int64]
			switch data := each.Data.(type) {
			case metricdata.Sum[int64]:
				points = data.DataPoints
			case metricdata.Gauge[int64]:
				points = data.DataPoints
			}
			for _, point := range points {
				if id, _ := point.Attributes.Value("processor"); id.AsString() != "storage_limiter/here" {
					s.t.Errorf("%s is of the processor %q", name, id.AsString())
				}
				signal, _ := point.Attributes.Value("data_type")
				found[signal.AsString()] = point.Value
			}
		}
	}
	return found
}

func (s *site) lines() (lines []string) {
	for _, entry := range s.said.TakeAll() {
		lines = append(lines, entry.Level.String()+" "+entry.Message)
	}
	return lines
}

func must[T any](it T, err error) T {
	if err != nil {
		panic(err)
	}
	return it
}

const (
	full  = "warn Refusing telemetry, there is no room on disk. Senders are told to come again"
	again = "info There is room on disk, telemetry is taken again"
)

func TestWhatArrivesIsRefusedWhileThereIsNoRoom(t *testing.T) {
	s := newSite(t).start()
	defer s.stop()
	for _, send := range []func() error{func() error { return s.sendTraces(10) }, s.sendMetrics, s.sendLogs} {
		s.arrived, s.room = 0, 101*mebibyte
		if err := send(); err != nil || s.arrived != 1 {
			t.Errorf("with room: %v, %d handed on", err, s.arrived)
		}
		s.room = 100 * mebibyte
		if err := send(); !errors.Is(err, errNoRoom) || s.arrived != 1 {
			t.Errorf("without room: %v, %d handed on", err, s.arrived)
		}
	}
	for _, signal := range []string{"traces", "metrics", "logs"} {
		if got := s.measured("refused_items")[signal]; got != 1 {
			t.Errorf("refused %s: %d", signal, got)
		}
	}
}

func TestWhatIsOnItsWayHasItsRoom(t *testing.T) {
	s := newSite(t).start()
	defer s.stop()
	s.room = 100*mebibyte + 15*mebibyte
	var second, third error
	s.meanwhile = func() {
		s.meanwhile = nil
		// The first has not written yet what it will.
		second = s.sendTraces(mebibyte)
		third = s.sendTraces(mebibyte / 2)
	}
	if err := s.sendTraces(mebibyte); err != nil {
		t.Fatal(err)
	}
	if second == nil || third != nil {
		t.Errorf("beside one of 1 MiB, that may take 8 of 15: one as large %v, one half as large %v", second, third)
	}
	// It gives its room back when it is through, and when what follows refuses it.
	s.refusal = errors.New("the queue is full")
	if err := s.sendTraces(mebibyte); !errors.Is(err, s.refusal) {
		t.Error(err)
	}
	if s.limiter.passing != 0 {
		t.Errorf("%d bytes are kept for nobody", s.limiter.passing)
	}
}

func TestItIsSaidOnceWhenItBeginsAndOnceWhenItIsOver(t *testing.T) {
	s := newSite(t).start()
	defer s.stop()
	pass := func(room int64, after time.Duration) {
		s.room = room
		s.clock = s.clock.Add(after)
		_ = s.sendLogs()
	}
	pass(200*mebibyte, 0)
	pass(50*mebibyte, time.Second)
	pass(50*mebibyte, time.Minute)
	// At the limit, the one passes and the other does not.
	pass(200*mebibyte, time.Second)
	pass(50*mebibyte, time.Second)
	pass(200*mebibyte, calm-time.Second)
	if got := s.lines(); len(got) != 1 || got[0] != full {
		t.Errorf("until then: %q", got)
	}
	pass(200*mebibyte, time.Second)
	pass(200*mebibyte, time.Minute)
	pass(50*mebibyte, time.Minute)
	if got := s.lines(); len(got) != 2 || got[0] != again || got[1] != full {
		t.Errorf("then: %q", got)
	}
}

func TestWhereRoomCannotBeToldNothingIsRefused(t *testing.T) {
	s := newSite(t).start()
	defer s.stop()
	s.broken = errors.New("stale handle")
	for range 3 {
		if err := s.sendLogs(); err != nil {
			t.Error(err)
		}
	}
	if got := s.lines(); len(got) != 1 || !strings.Contains(got[0], "can't be told") {
		t.Errorf("%q", got)
	}
	s.broken, s.room = nil, 0
	if err := s.sendLogs(); err == nil {
		t.Error("it can be told again, and there is none")
	}
	s.broken = errors.New("stale handle")
	if err := s.sendLogs(); err != nil {
		t.Error(err)
	}
	if got := s.lines(); len(got) != 2 || got[0] != full || !strings.Contains(got[1], "can't be told") {
		t.Errorf("the second time: %q", got)
	}
}

func TestItDoesNotStartWhereThereIsNoFolder(t *testing.T) {
	config := &Config{Directory: filepath.Join(t.TempDir(), "missing"), ReserveMiB: 1}
	set := processor.Settings{ID: component.NewID(componentType)}
	set.Logger = zap.NewNop()
	made := must(NewFactory().CreateLogs(context.Background(), set, config, must(consumer.NewLogs(func(context.Context, plog.Logs) error { return nil }))))
	if err := made.Start(context.Background(), nil); err == nil || !strings.Contains(err.Error(), config.Directory) {
		t.Error(err)
	}
}

func TestItSaysSoWhenItStartsOnAFullDisk(t *testing.T) {
	s := newSite(t)
	s.room = 50 * mebibyte
	s.start()
	defer s.stop()
	if got := s.lines(); len(got) != 1 || !strings.Contains(got[0], "everything will be refused") {
		t.Errorf("%q", got)
	}
}

func TestOneLimiterServesAllPipelinesUntilTheLastHasEnded(t *testing.T) {
	s := newSite(t).start()
	if s.metrics.(*metrics).limiter != s.limiter || s.logs.(*logs).limiter != s.limiter {
		t.Fatal("several limiters of one configuration")
	}
	want := map[string]int64{"free": 1000 * mebibyte, "reserve": 100 * mebibyte}
	if err := s.traces.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	for name, value := range want {
		if got := s.measured(name)[""]; got != value {
			t.Errorf("%s: %d", name, got)
		}
	}
	for _, each := range []component.Component{s.metrics, s.logs} {
		if err := each.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.measured("free"); len(got) != 0 {
		t.Errorf("it still reports %v", got)
	}
	set := processor.Settings{ID: component.NewID(componentType)}
	set.Logger = zap.NewNop()
	next := must(s.factory.CreateLogs(context.Background(), set, s.config, must(consumer.NewLogs(func(context.Context, plog.Logs) error { return nil }))))
	if next.(*logs).limiter == s.limiter {
		t.Error("what has ended is used again")
	}
}

func TestTheSystemIsAsked(t *testing.T) {
	set := processor.Settings{ID: component.NewID(componentType)}
	set.Logger = zap.NewNop()
	it := newLimiter(Config{Directory: t.TempDir()}, set, nil)
	if free, err := it.free(); err != nil || free <= 0 {
		t.Errorf("%d, %v", free, err)
	}
}

func TestAConfigurationNamesAFolder(t *testing.T) {
	if (&Config{ReserveMiB: 1}).Validate() == nil {
		t.Error("without one it was taken")
	}
	if err := (&Config{Directory: "/"}).Validate(); err != nil {
		t.Error(err)
	}
}

// What it costs to ask the system each time.
func BenchmarkAdmit(b *testing.B) {
	set := processor.Settings{ID: component.NewID(componentType)}
	set.Logger = zap.NewNop()
	it := newLimiter(Config{Directory: b.TempDir()}, set, nil)
	for b.Loop() {
		if done, err := it.admit(1000); err == nil {
			done()
		}
	}
}
