package nestinglimiterextension

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

const limit = 500

// nest makes the value so many lists and maps within each other, by turns, with something beside.
func nest(value pcommon.Value, depth int) {
	for i := range depth {
		if i%2 == 0 {
			list := value.SetEmptySlice()
			list.AppendEmpty().SetDouble(1.5)
			value = list.AppendEmpty()
		} else {
			pairs := value.SetEmptyMap()
			pairs.PutInt("beside", 1<<40)
			value = pairs.PutEmpty("k")
		}
	}
}

func inMap(depth int) func(pcommon.Map) {
	return func(it pcommon.Map) {
		it.PutStr("before", strings.Repeat("*", 300)) // 0x2a, which could be a list's tag
		nest(it.PutEmpty("k"), depth)
		it.PutStr("after", "x")
	}
}

// places are requests with a map in each place that has one.
func places(put func(pcommon.Map)) map[string][]byte {
	made := map[string][]byte{}
	ofTraces := func(name string, in func(ptrace.ResourceSpans, ptrace.ScopeSpans, ptrace.Span) pcommon.Map) {
		it := ptrace.NewTraces()
		resource := it.ResourceSpans().AppendEmpty()
		scope := resource.ScopeSpans().AppendEmpty()
		span := scope.Spans().AppendEmpty()
		span.SetName("name")
		span.SetTraceID([16]byte{1})
		span.SetStartTimestamp(1 << 60)
		put(in(resource, scope, span))
		made["traces "+name], _ = ptraceotlp.NewExportRequestFromTraces(it).MarshalProto()
	}
	ofTraces("resource", func(r ptrace.ResourceSpans, _ ptrace.ScopeSpans, _ ptrace.Span) pcommon.Map {
		return r.Resource().Attributes()
	})
	ofTraces("scope", func(_ ptrace.ResourceSpans, s ptrace.ScopeSpans, _ ptrace.Span) pcommon.Map {
		return s.Scope().Attributes()
	})
	ofTraces("span", func(_ ptrace.ResourceSpans, _ ptrace.ScopeSpans, s ptrace.Span) pcommon.Map { return s.Attributes() })
	ofTraces("event", func(_ ptrace.ResourceSpans, _ ptrace.ScopeSpans, s ptrace.Span) pcommon.Map {
		return s.Events().AppendEmpty().Attributes()
	})
	ofTraces("link", func(_ ptrace.ResourceSpans, _ ptrace.ScopeSpans, s ptrace.Span) pcommon.Map {
		return s.Links().AppendEmpty().Attributes()
	})
	ofLogs := func(name string, in func(plog.ResourceLogs, plog.ScopeLogs, plog.LogRecord) pcommon.Map) {
		it := plog.NewLogs()
		resource := it.ResourceLogs().AppendEmpty()
		scope := resource.ScopeLogs().AppendEmpty()
		record := scope.LogRecords().AppendEmpty()
		record.SetTimestamp(1 << 60)
		record.SetSeverityText("INFO")
		put(in(resource, scope, record))
		made["logs "+name], _ = plogotlp.NewExportRequestFromLogs(it).MarshalProto()
	}
	ofLogs("resource", func(r plog.ResourceLogs, _ plog.ScopeLogs, _ plog.LogRecord) pcommon.Map {
		return r.Resource().Attributes()
	})
	ofLogs("scope", func(_ plog.ResourceLogs, s plog.ScopeLogs, _ plog.LogRecord) pcommon.Map {
		return s.Scope().Attributes()
	})
	ofLogs("record", func(_ plog.ResourceLogs, _ plog.ScopeLogs, r plog.LogRecord) pcommon.Map { return r.Attributes() })
	ofMetrics := func(name string, in func(pmetric.ResourceMetrics, pmetric.ScopeMetrics, pmetric.Metric) pcommon.Map) {
		it := pmetric.NewMetrics()
		resource := it.ResourceMetrics().AppendEmpty()
		scope := resource.ScopeMetrics().AppendEmpty()
		metric := scope.Metrics().AppendEmpty()
		metric.SetName("name")
		put(in(resource, scope, metric))
		made["metrics "+name], _ = pmetricotlp.NewExportRequestFromMetrics(it).MarshalProto()
	}
	ofMetrics("resource", func(r pmetric.ResourceMetrics, _ pmetric.ScopeMetrics, _ pmetric.Metric) pcommon.Map {
		return r.Resource().Attributes()
	})
	ofMetrics("scope", func(_ pmetric.ResourceMetrics, s pmetric.ScopeMetrics, _ pmetric.Metric) pcommon.Map {
		return s.Scope().Attributes()
	})
	of := func(name string, in func(pmetric.Metric) pcommon.Map) {
		ofMetrics(name, func(_ pmetric.ResourceMetrics, _ pmetric.ScopeMetrics, m pmetric.Metric) pcommon.Map { return in(m) })
	}
	of("metadata", func(m pmetric.Metric) pcommon.Map { return m.Metadata() })
	of("gauge", func(m pmetric.Metric) pcommon.Map { return m.SetEmptyGauge().DataPoints().AppendEmpty().Attributes() })
	of("sum", func(m pmetric.Metric) pcommon.Map { return m.SetEmptySum().DataPoints().AppendEmpty().Attributes() })
	of("sum's exemplar", func(m pmetric.Metric) pcommon.Map {
		return m.SetEmptySum().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes()
	})
	of("histogram", func(m pmetric.Metric) pcommon.Map {
		point := m.SetEmptyHistogram().DataPoints().AppendEmpty()
		point.ExplicitBounds().FromRaw([]float64{1, 2})
		point.BucketCounts().FromRaw([]uint64{1, 2, 3})
		return point.Attributes()
	})
	of("histogram's exemplar", func(m pmetric.Metric) pcommon.Map {
		return m.SetEmptyHistogram().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes()
	})
	of("exponential", func(m pmetric.Metric) pcommon.Map {
		return m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Attributes()
	})
	of("exponential's exemplar", func(m pmetric.Metric) pcommon.Map {
		return m.SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Exemplars().AppendEmpty().FilteredAttributes()
	})
	of("summary", func(m pmetric.Metric) pcommon.Map { return m.SetEmptySummary().DataPoints().AppendEmpty().Attributes() })
	return made
}

// post sends a body to a receiver that reads all of it, and answers with what it read.
func post(t *testing.T, path, kind string, body io.Reader) (int, []byte) {
	t.Helper()
	wrap := must(create(t).GetHTTPHandler(context.Background()))
	handler := must(wrap(context.Background(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		read, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = w.Write(read)
	})))
	request := httptest.NewRequest(http.MethodPost, path, body)
	request.Header.Set("Content-Type", kind)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer.Code, answer.Body.Bytes()
}

func create(t *testing.T) *limiter {
	t.Helper()
	factory := NewFactory()
	return must(factory.Create(context.Background(), extension.Settings{ID: component.NewID(componentType)}, factory.CreateDefaultConfig())).(*limiter)
}

func must[T any](it T, err error) T {
	if err != nil {
		panic(err)
	}
	return it
}

const protobuf = "application/x-protobuf"

func TestWhatMayBeIsReadAsItIs(t *testing.T) {
	for name, sent := range places(inMap(limit)) {
		path := "/v1/" + strings.Fields(name)[0]
		for way, reader := range map[string]io.Reader{
			"whole": bytes.NewReader(sent), "by bytes": iotest.OneByteReader(bytes.NewReader(sent)), "by halves": iotest.HalfReader(bytes.NewReader(sent)),
		} {
			if status, read := post(t, path, protobuf, reader); status != http.StatusOK || !bytes.Equal(read, sent) {
				t.Errorf("%s, %s: %d", name, way, status)
			}
		}
	}
}

func TestWhatIsTooDeepIsRefusedWhereverItIs(t *testing.T) {
	for name, sent := range places(inMap(limit + 1)) {
		path := "/v1/" + strings.Fields(name)[0]
		for way, reader := range map[string]io.Reader{
			"whole": bytes.NewReader(sent), "by bytes": iotest.OneByteReader(bytes.NewReader(sent)),
		} {
			if status, said := post(t, path, protobuf, reader); status != http.StatusBadRequest || !strings.Contains(string(said), "deeper than 500") {
				t.Errorf("%s, %s: %d %s", name, way, status, said)
			}
		}
	}
}

func TestManyBesideEachOtherAreNotDeep(t *testing.T) {
	it := plog.NewLogs()
	records := it.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range 2 * limit {
		nest(records.AppendEmpty().Body(), 3)
	}
	sent := must(plogotlp.NewExportRequestFromLogs(it).MarshalProto())
	if status, _ := post(t, "/v1/logs", protobuf, bytes.NewReader(sent)); status != http.StatusOK {
		t.Errorf("%d", status)
	}
}

func TestJSON(t *testing.T) {
	marshal := func(depth int) []byte {
		it := plog.NewLogs()
		record := it.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		record.Attributes().PutStr("brackets", strings.Repeat(`[{"\\`, 10*limit))
		nest(record.Body(), depth)
		return must(plogotlp.NewExportRequestFromLogs(it).MarshalJSON())
	}
	for depth, want := range map[int]int{1: http.StatusOK, limit: http.StatusOK, 2 * limit: http.StatusBadRequest} {
		sent := marshal(depth)
		for _, reader := range []io.Reader{bytes.NewReader(sent), iotest.OneByteReader(bytes.NewReader(sent))} {
			if status, read := post(t, "/v1/logs", "application/json; charset=utf-8", reader); status != want || (want == http.StatusOK && !bytes.Equal(read, sent)) {
				t.Errorf("%d deep: %d", depth, status)
			}
		}
	}
}

func TestWhatIsSomethingElseIsNotLookedAt(t *testing.T) {
	deep := lists(limit + 1)
	if status, read := post(t, "/v1/others", protobuf, bytes.NewReader(deep)); status != http.StatusOK || !bytes.Equal(read, deep) {
		t.Errorf("%d", status)
	}
}

// lists is a request with a log record whose body is so many lists within each other, as a library
// that goes by recursion could not make it.
func lists(depth int) []byte {
	size, parts := 0, [][]byte{}
	wrap := func(tags ...byte) {
		for _, tag := range tags {
			head := []byte{tag}
			rest := size
			for ; rest >= 0x80; rest >>= 7 {
				head = append(head, byte(rest)|0x80)
			}
			head = append(head, byte(rest))
			size += len(head)
			parts = append(parts, head)
		}
	}
	for range depth {
		wrap(1<<3|2, 5<<3|2)
	}
	wrap(5<<3|2, 2<<3|2, 2<<3|2, 1<<3|2)
	slices.Reverse(parts)
	return bytes.Join(parts, nil)
}

// raw is a codec that sends bytes as they are.
type raw struct{}

func (raw) Marshal(it any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(it.([]byte))}, nil
}
func (raw) Unmarshal(mem.BufferSlice, any) error { return nil }
func (raw) Name() string                         { return "proto" }

type logsServer struct {
	plogotlp.UnimplementedGRPCServer
	got int
}

func (s *logsServer) Export(_ context.Context, request plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	s.got += request.Logs().LogRecordCount()
	return plogotlp.NewExportResponse(), nil
}

func TestOverGRPC(t *testing.T) {
	server := grpc.NewServer(append(must(create(t).GetGRPCServerOptions(context.Background())), grpc.MaxRecvMsgSize(1<<24))...)
	service := &logsServer{}
	plogotlp.RegisterGRPCServer(server, service)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	client := must(grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials())))
	defer func() { _ = client.Close() }()
	send := func(body []byte) error {
		return client.Invoke(context.Background(), "/opentelemetry.proto.collector.logs.v1.LogsService/Export", body, nil, grpc.ForceCodecV2(raw{}))
	}
	for depth, want := range map[int]codes.Code{1: codes.OK, limit: codes.OK, limit + 1: codes.Internal, 1_300_000: codes.Internal} {
		err := send(lists(depth))
		if status.Code(err) != want || (want != codes.OK && !strings.Contains(err.Error(), "deeper than 500")) {
			t.Errorf("%d deep: %v", depth, err)
		}
	}
	if service.got != 2 {
		t.Errorf("%d records came, not 2", service.got)
	}
}

func TestWhatIsBrokenIsLeftToTheDecoder(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	valid := places(inMap(20))
	for name, whole := range valid {
		root, _ := rootOf("/" + strings.Fields(name)[0])
		for range 300 {
			body := slices.Clone(whole)
			for range 1 + chance.IntN(5) {
				body[chance.IntN(len(body))] = byte(chance.IntN(256))
			}
			body = body[:1+chance.IntN(len(body))]
			it := newScanner(root, limit)
			for len(body) > 0 {
				n := 1 + chance.IntN(len(body))
				if err := it.scan(body[:n]); err != nil {
					t.Fatal(err)
				}
				body = body[n:]
			}
		}
	}
}

func TestALimitOfNothingIsNone(t *testing.T) {
	if (&Config{}).Validate() == nil {
		t.Error("it is valid")
	}
	if err := NewFactory().CreateDefaultConfig().(*Config).Validate(); err != nil {
		t.Error(err)
	}
}

func BenchmarkScan(b *testing.B) {
	it := ptrace.NewTraces()
	spans := it.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 512 {
		span := spans.AppendEmpty()
		for i := range 20 {
			span.Attributes().PutStr(strings.Repeat("k", i+5), "some value or other")
		}
	}
	body := must(ptraceotlp.NewExportRequestFromTraces(it).MarshalProto())
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := newScanner(tracesRequest, limit).scan(body); err != nil {
			b.Fatal(err)
		}
	}
}
