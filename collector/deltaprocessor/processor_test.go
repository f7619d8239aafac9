package deltaprocessor

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"
)

var storageID = component.MustNewID("file_storage")

// disk is a storage extension, and its one client.
type disk struct {
	component.StartFunc
	component.ShutdownFunc
	values map[string][]byte
	// What every operation ends with, and what those that write do.
	broken, full error
}

func (d *disk) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	return d, nil
}
func (d *disk) Get(_ context.Context, key string) ([]byte, error) { return d.values[key], d.broken }
func (d *disk) Set(_ context.Context, key string, value []byte) error {
	d.values[key] = value
	return d.broken
}
func (d *disk) Delete(_ context.Context, key string) error {
	delete(d.values, key)
	return d.broken
}
func (d *disk) Batch(ctx context.Context, operations ...*storage.Operation) error {
	if d.broken != nil || d.full != nil {
		return errors.Join(d.broken, d.full)
	}
	for _, it := range operations {
		if it.Type == storage.Set {
			_ = d.Set(ctx, it.Key, it.Value)
		} else {
			_ = d.Delete(ctx, it.Key)
		}
	}
	return nil
}
func (d *disk) Close(context.Context) error { return nil }

type host struct {
	extensions map[component.ID]component.Component
}

func (h host) GetExtensions() map[component.ID]component.Component { return h.extensions }

// site is a processor on a disk, what follows it, and a clock.
type site struct {
	t       *testing.T
	disk    *disk
	config  Config
	it      *deltas
	clock   time.Time
	refusal error
	got     []pmetric.Metrics
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newSite(t *testing.T) *site {
	s := &site{t: t, disk: &disk{values: map[string][]byte{}}, clock: start}
	s.restart()
	return s
}

// restart is what is left after a SIGKILL: the disk.
func (s *site) restart() {
	s.t.Helper()
	next, err := consumer.NewMetrics(func(_ context.Context, metrics pmetric.Metrics) error {
		if s.refusal != nil {
			return s.refusal
		}
		s.got = append(s.got, metrics)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.config.Storage, s.config.Retention = &storageID, 24*time.Hour
	s.it, err = newDeltas(s.config, component.MustNewID("durable_delta"), zap.NewNop(), next)
	if err != nil {
		s.t.Fatal(err)
	}
	s.it.now = func() time.Time { return s.clock }
	if err := s.it.Start(context.Background(), host{map[component.ID]component.Component{storageID: s.disk}}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) send(metrics pmetric.Metrics) error {
	copied := pmetric.NewMetrics()
	metrics.CopyTo(copied)
	return s.it.ConsumeMetrics(context.Background(), copied)
}

func (s *site) mustSend(metrics pmetric.Metrics) {
	s.t.Helper()
	if err := s.send(metrics); err != nil {
		s.t.Fatal(err)
	}
}

// total is the sum of all deltas of the sums, by the attribute "series".
func (s *site) total() map[string]float64 {
	found := map[string]float64{}
	for _, metrics := range s.got {
		for _, resource := range metrics.ResourceMetrics().All() {
			for _, scope := range resource.ScopeMetrics().All() {
				for _, metric := range scope.Metrics().All() {
					if metric.Type() != pmetric.MetricTypeSum {
						continue
					}
					for _, p := range metric.Sum().DataPoints().All() {
						series, _ := p.Attributes().Get("series")
						if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
							found[series.Str()] += float64(p.IntValue())
						} else {
							found[series.Str()] += p.DoubleValue()
						}
					}
				}
			}
		}
	}
	return found
}

func (s *site) wantTotal(want map[string]float64) {
	s.t.Helper()
	if got := s.total(); !maps.Equal(got, want) {
		s.t.Errorf("total %v, want %v", got, want)
	}
}

// at is a time on the test's clock: seconds after the first start.
func at(seconds float64) pcommon.Timestamp {
	return pcommon.NewTimestampFromTime(start.Add(time.Duration(seconds * float64(time.Second))))
}

type sample struct {
	series     string
	start, end float64
	value      float64
}

// collection is what one process reports at a time.
func collection(process string, samples ...sample) pmetric.Metrics {
	metrics := pmetric.NewMetrics()
	add(metrics, process, samples...)
	return metrics
}

func add(metrics pmetric.Metrics, process string, samples ...sample) {
	resource := metrics.ResourceMetrics().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.instance.id", process)
	metric := resource.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("requests")
	sum := metric.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	for _, it := range samples {
		p := sum.DataPoints().AppendEmpty()
		p.Attributes().PutStr("series", it.series)
		p.SetStartTimestamp(at(it.start))
		p.SetTimestamp(at(it.end))
		if it.value == float64(int64(it.value)) {
			p.SetIntValue(int64(it.value))
		} else {
			p.SetDoubleValue(it.value)
		}
	}
}

func TestWhatGrewAroundARestartIsCounted(t *testing.T) {
	s := newSite(t)
	s.mustSend(collection("p", sample{"a", 1, 10, 3}))
	s.restart()
	s.mustSend(collection("p", sample{"a", 1, 70, 8}, sample{"b", 1, 70, 2}))
	s.restart()
	s.restart()
	s.mustSend(collection("p", sample{"a", 1, 130, 9}, sample{"b", 1, 130, 2}))
	s.wantTotal(map[string]float64{"a": 9, "b": 2})
	metric := s.got[1].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0)
	if metric.Sum().AggregationTemporality() != pmetric.AggregationTemporalityDelta {
		t.Error("not a delta")
	}
	p := metric.Sum().DataPoints().At(0)
	if p.IntValue() != 5 || p.StartTimestamp() != at(10) || p.Timestamp() != at(70) {
		t.Errorf("%d from %v to %v", p.IntValue(), p.StartTimestamp(), p.Timestamp())
	}
}

func TestWhatIsRefusedIsHandedOnLater(t *testing.T) {
	s := newSite(t)
	s.mustSend(collection("p", sample{"a", 1, 10, 3}))
	s.refusal = errors.New("the queue is full")
	if err := s.send(collection("p", sample{"a", 1, 20, 5})); !errors.Is(err, s.refusal) {
		t.Fatalf("err %v", err)
	}
	s.refusal = nil
	s.mustSend(collection("p", sample{"a", 1, 20, 5}))
	s.mustSend(collection("p", sample{"a", 1, 30, 6}))
	s.wantTotal(map[string]float64{"a": 6})
}

func TestADiskThatFailsCostsNothingUntilARestart(t *testing.T) {
	s := newSite(t)
	s.mustSend(collection("p", sample{"a", 1, 10, 3}))
	s.disk.broken = errors.New("no space left on device")
	s.mustSend(collection("p", sample{"a", 1, 20, 5}))
	if err := s.send(collection("q", sample{"a", 1, 20, 1})); err != nil {
		t.Fatal(err)
	}
	s.disk.broken = nil
	s.mustSend(collection("q", sample{"a", 1, 30, 2}))
	s.restart()
	s.mustSend(collection("q", sample{"a", 1, 40, 4}))
	// Of p it is the state from before: 2 are repeated, none is missing.
	s.mustSend(collection("p", sample{"a", 1, 40, 5}))
	s.wantTotal(map[string]float64{"a": 3 + 2 + 2 + 4})
}

func TestAFullDiskIsNoReasonNotToStart(t *testing.T) {
	s := newSite(t)
	s.mustSend(collection("p", sample{"a", 1, 10, 3}))
	s.disk.full = errors.New("no space left on device")
	s.restart()
	s.mustSend(collection("p", sample{"a", 1, 20, 5}))
	s.wantTotal(map[string]float64{"a": 5})
}

func TestWhatComesTwiceOrLateIsCountedOnce(t *testing.T) {
	s := newSite(t)
	first, second := collection("p", sample{"a", 1, 10, 3}), collection("p", sample{"a", 1, 20, 5})
	for _, each := range []pmetric.Metrics{first, first, second, first, second} {
		s.mustSend(each)
	}
	s.wantTotal(map[string]float64{"a": 5})
	if len(s.got) != 2 {
		t.Errorf("%d batches handed on", len(s.got))
	}
}

func TestTwoCollectionsInOneBatch(t *testing.T) {
	s := newSite(t)
	both := collection("p", sample{"a", 1, 10, 3})
	add(both, "p", sample{"a", 1, 20, 5})
	add(both, "q", sample{"a", 1, 20, 1})
	s.mustSend(both)
	s.wantTotal(map[string]float64{"a": 6})
}

func TestAProcessThatBeginsAnew(t *testing.T) {
	s := newSite(t)
	s.mustSend(collection("p", sample{"a", 1, 10, 3}))
	s.mustSend(collection("p", sample{"a", 15, 20, 2})) // says so
	s.mustSend(collection("p", sample{"a", 15, 30, 1})) // does not
	s.mustSend(collection("p", sample{"a", 1, 9, 3}))   // of before
	s.wantTotal(map[string]float64{"a": 6})
}

func TestTwoProcessesThatSayTheyAreOne(t *testing.T) {
	s := newSite(t)
	for i, value := range []float64{1, 2, 3} {
		end := float64(20 + 10*i)
		s.mustSend(collection("p", sample{"a", 1, end, 10 * value}))
		s.mustSend(collection("p", sample{"a", 5, end + 1, value}))
	}
	s.wantTotal(map[string]float64{"a": 33})
}

func TestASenderOlderThanWhatIsRemembered(t *testing.T) {
	s := newSite(t)
	// Its first collection, in two parts: where counting begins.
	s.mustSend(collection("p", sample{"a", -500, 10, 1000}))
	s.mustSend(collection("p", sample{"b", -500, 10, 1000}))
	s.mustSend(collection("p", sample{"a", -500, 70, 1001}, sample{"b", -500, 70, 1002}))
	// A series that the process did not have until now, by a clock that began with it.
	s.mustSend(collection("p", sample{"c", -500, 130, 4}))
	s.wantTotal(map[string]float64{"a": 1, "b": 2, "c": 4})
}

func TestOneThatStartsWhileTheCollectorIsDown(t *testing.T) {
	s := newSite(t)
	s.mustSend(collection("p", sample{"a", 1, 10, 3}))
	s.clock = start.Add(time.Hour)
	s.restart()
	s.mustSend(collection("q", sample{"b", 1800, 3605, 7}))
	s.wantTotal(map[string]float64{"a": 3, "b": 7})
}

func TestOneThatComesFromAnotherCollector(t *testing.T) {
	s := newSite(t)
	s.mustSend(collection("p", sample{"a", 1, 10, 3}))
	s.clock = start.Add(time.Hour)
	s.mustSend(collection("p", sample{"a", 1, 3600, 4}))
	s.mustSend(collection("q", sample{"b", 1800, 3600, 7}))
	s.mustSend(collection("q", sample{"b", 1800, 3660, 9}))
	s.wantTotal(map[string]float64{"a": 4, "b": 2})
}

func TestWholeNumbersAndOthers(t *testing.T) {
	s := newSite(t)
	s.mustSend(collection("p", sample{"a", 1, 10, 3}))
	s.mustSend(collection("p", sample{"a", 1, 20, 4.5}))
	s.mustSend(collection("p", sample{"a", 1, 30, 6}))
	s.wantTotal(map[string]float64{"a": 6})
}

func TestWhoIsSilentIsForgotten(t *testing.T) {
	s := newSite(t)
	s.mustSend(collection("p", sample{"a", 1, 10, 3}))
	stored := len(s.disk.values)
	s.clock = start.Add(30 * time.Hour)
	s.mustSend(collection("q", sample{"a", 1, 30 * 3600, 5}))
	if len(s.disk.values) != stored {
		t.Errorf("%d values on disk, %d before", len(s.disk.values), stored)
	}
	for key := range s.it.memory.senders {
		for _, last := range s.it.memory.senders[key].Series {
			if s.clock.Sub(last.Heard) > 24*time.Hour {
				t.Error("a series is remembered")
			}
		}
	}
	// Both may have been counted before, and are not counted again.
	s.mustSend(collection("p", sample{"a", 1, 30 * 3600, 5}))
	s.wantTotal(map[string]float64{"a": 3})
}

func TestWhatIsNoCumulativeSumPasses(t *testing.T) {
	s := newSite(t)
	metrics := pmetric.NewMetrics()
	list := metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	list.AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty().SetIntValue(7)
	level := list.AppendEmpty().SetEmptySum()
	level.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	level.DataPoints().AppendEmpty().SetIntValue(7)
	delta := list.AppendEmpty().SetEmptySum()
	delta.SetIsMonotonic(true)
	delta.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	delta.DataPoints().AppendEmpty().SetIntValue(7)
	s.mustSend(metrics)
	want, _ := (&pmetric.JSONMarshaler{}).MarshalMetrics(metrics)
	got, _ := (&pmetric.JSONMarshaler{}).MarshalMetrics(s.got[0])
	if string(want) != string(got) {
		t.Errorf("got %s", got)
	}
	if len(s.disk.values) != 1 { // the index
		t.Errorf("%d values on disk", len(s.disk.values))
	}
}

func TestHistograms(t *testing.T) {
	s := newSite(t)
	for i, counts := range [][]uint64{{1, 0, 2}, {1, 3, 2}, {0, 1, 0}} {
		metrics := pmetric.NewMetrics()
		metric := metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		histogram := metric.SetEmptyHistogram()
		histogram.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		p := histogram.DataPoints().AppendEmpty()
		p.SetStartTimestamp(at(1))
		p.SetTimestamp(at(float64(10 + i)))
		p.ExplicitBounds().FromRaw([]float64{1, 2})
		p.BucketCounts().FromRaw(counts)
		p.SetCount(counts[0] + counts[1] + counts[2])
		p.SetSum(float64(p.Count()) * 1.5)
		p.SetMax(9)
		s.mustSend(metrics)
		s.restart()
	}
	want := [][]uint64{{1, 0, 2}, {0, 3, 0}, {0, 1, 0}}
	for i, metrics := range s.got {
		p := metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Histogram().DataPoints().At(0)
		count := want[i][0] + want[i][1] + want[i][2]
		if p.Count() != count || p.Sum() != float64(count)*1.5 || p.BucketCounts().At(1) != want[i][1] {
			t.Errorf("%d: count %d, sum %v, counts %v", i, p.Count(), p.Sum(), p.BucketCounts().AsRaw())
		}
		if p.HasMax() {
			t.Errorf("%d: a maximum: %v", i, p.Max())
		}
	}
}

func TestExponentialHistograms(t *testing.T) {
	s := newSite(t)
	type given struct {
		scale, offset int32
		counts        []uint64
		zeros         uint64
	}
	for i, it := range []given{
		{1, 2, []uint64{1, 2, 3, 4}, 1},
		{1, 1, []uint64{5, 1, 2, 3, 4}, 2},
		// A scale lower: 1 | 2 3 | 4 5 becomes 0 | 1 | 2.
		{0, 0, []uint64{5, 3, 9}, 2},
	} {
		metrics := pmetric.NewMetrics()
		metric := metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		histogram := metric.SetEmptyExponentialHistogram()
		histogram.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		p := histogram.DataPoints().AppendEmpty()
		p.SetStartTimestamp(at(1))
		p.SetTimestamp(at(float64(10 + i)))
		p.SetScale(it.scale)
		p.SetZeroCount(it.zeros)
		p.Positive().SetOffset(it.offset)
		p.Positive().BucketCounts().FromRaw(it.counts)
		total := it.zeros
		for _, count := range it.counts {
			total += count
		}
		p.SetCount(total)
		s.mustSend(metrics)
		s.restart()
	}
	wantCounts := []uint64{11, 6, 2}
	wantBuckets := [][]uint64{{1, 2, 3, 4}, {5, 0, 0, 0, 0}, {0, 0, 2}}
	for i, metrics := range s.got {
		p := metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).ExponentialHistogram().DataPoints().At(0)
		got := p.Positive().BucketCounts().AsRaw()
		if p.Count() != wantCounts[i] || len(got) != len(wantBuckets[i]) {
			t.Fatalf("%d: count %d, buckets %v", i, p.Count(), got)
		}
		for j := range got {
			if got[j] != wantBuckets[i][j] {
				t.Errorf("%d: buckets %v", i, got)
			}
		}
	}
}

// withHistogram adds a histogram to what a process reports.
func withHistogram(metrics pmetric.Metrics, name string, began, end float64, count uint64) pmetric.Metrics {
	metric := metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	metric.SetName(name)
	histogram := metric.SetEmptyHistogram()
	histogram.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := histogram.DataPoints().AppendEmpty()
	p.SetStartTimestamp(at(began))
	p.SetTimestamp(at(end))
	p.SetCount(count)
	return metrics
}

// counts are the observations of all deltas of histograms, by name.
func (s *site) counts() map[string]uint64 {
	found := map[string]uint64{}
	for _, metrics := range s.got {
		for _, resource := range metrics.ResourceMetrics().All() {
			for _, scope := range resource.ScopeMetrics().All() {
				for _, metric := range scope.Metrics().All() {
					if metric.Type() == pmetric.MetricTypeHistogram {
						found[metric.Name()] += metric.Histogram().DataPoints().At(0).Count()
					}
				}
			}
		}
	}
	return found
}

// Each of two backends has a queue of its own, of which one is full.
func TestWhatOneOfTwoRefusesIsNoneTwiceAtTheOther(t *testing.T) {
	ours, others := newSite(t), newSite(t)
	ours.config.OnlyHistograms, others.config.ExceptHistograms = "^litellm_", "^litellm_"
	ours.restart()
	others.restart()
	report := func(end, value float64) {
		metrics := collection("p", sample{"a", 1, end, value})
		withHistogram(metrics, "litellm_latency", 1, end, uint64(value))
		withHistogram(metrics, "gen_ai_latency", 1, end, uint64(value))
		_ = ours.send(metrics)
		others.mustSend(metrics)
	}
	report(10, 3)
	ours.refusal = errors.New("the queue is full")
	report(20, 5)
	report(20, 5)
	report(30, 8)
	ours.refusal = nil
	report(40, 9)
	others.wantTotal(map[string]float64{"a": 9})
	ours.wantTotal(map[string]float64{})
	if got, want := others.counts(), map[string]uint64{"gen_ai_latency": 9}; !maps.Equal(got, want) {
		t.Errorf("others: %v, want %v", got, want)
	}
	if got, want := ours.counts(), map[string]uint64{"litellm_latency": 9}; !maps.Equal(got, want) {
		t.Errorf("ours: %v, want %v", got, want)
	}
}

// A sender is watched from its first report on, also where all of that is for the other processor.
func TestTheFirstOfItsPartIsNewInASenderThatWasWatched(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		s := newSite(t)
		s.config.OnlyHistograms = "^litellm_"
		s.restart()
		s.mustSend(collection("p", sample{"a", 1, 10, 3}))
		if len(s.got) != 0 {
			t.Error("handed on")
		}
		if restarted {
			s.clock = start.Add(time.Hour)
			s.restart()
		}
		s.mustSend(withHistogram(collection("p", sample{"a", 1, 7200, 9}), "litellm_latency", 1, 7200, 4))
		if got, want := s.counts(), map[string]uint64{"litellm_latency": 4}; !maps.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	if (&Config{Retention: time.Hour}).Validate() == nil || (&Config{Storage: &storageID}).Validate() == nil {
		t.Error("taken")
	}
	both := &Config{Storage: &storageID, Retention: time.Hour, OnlyHistograms: "a", ExceptHistograms: "b"}
	broken := &Config{Storage: &storageID, Retention: time.Hour, OnlyHistograms: "("}
	if both.Validate() == nil || broken.Validate() == nil {
		t.Error("taken")
	}
	if _, err := newDeltas(*broken, component.MustNewID("durable_delta"), zap.NewNop(), nil); err == nil {
		t.Error("made")
	}
	it, err := newDeltas(Config{Storage: &storageID}, component.MustNewID("durable_delta"), zap.NewNop(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if it.Start(context.Background(), host{}) == nil {
		t.Error("started without its storage")
	}
	if err := it.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
