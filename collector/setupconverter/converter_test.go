package setupconverter

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/featuregate"
)

type tree = map[string]any

func ids(names ...string) []any {
	list := []any{}
	for _, name := range names {
		list = append(list, name)
	}
	return list
}

// gateway is a small configuration with what the shipped ones have: a plain backend, one behind a
// loop through the collector itself, one with a connector between two pipelines.
func gateway(t *testing.T, values map[string]string) tree {
	t.Helper()
	set := func(name, kind string) tree { return tree{"value": values[name], "kind": kind} }
	storage := values["STORAGE"]
	if storage == "" {
		storage = t.TempDir()
	}
	return tree{
		"setup": tree{
			"variables": tree{
				"LOKI":    set("LOKI", "url"),
				"PROM":    set("PROM", "url"),
				"KEY":     set("KEY", "secret"),
				"SITE":    tree{"value": "example.com", "kind": "domain"},
				"STORAGE": tree{"value": storage, "kind": "directory"},
			},
			"backends": tree{
				"loki":    tree{"requires": ids("LOKI"), "components": ids("otlp_http/loki")},
				"prom":    tree{"requires": ids("PROM"), "components": ids("otlp_grpc/queue", "remote_write")},
				"datadog": tree{"requires": ids("KEY", "SITE"), "components": ids("otlp_http/dd")},
			},
			"extensions": tree{"file_storage": tree{"requires": ids("STORAGE"), "components": ids("storage_limiter")}},
		},
		"receivers":  tree{"otlp": nil, "otlp/queue": nil},
		"processors": tree{"memory_limiter": nil, "storage_limiter": tree{"directory": storage}, "to_delta": nil},
		"connectors": tree{"forward": nil, "span_metrics": nil},
		"exporters": tree{
			"nop":             nil,
			"otlp_http/loki":  tree{"endpoint": values["LOKI"], "sending_queue": tree{"storage": "file_storage"}},
			"otlp_http/dd":    tree{"sending_queue": tree{"storage": "file_storage"}},
			"otlp_grpc/queue": tree{"sending_queue": tree{"storage": "file_storage"}},
			"remote_write":    tree{"endpoint": values["PROM"]},
		},
		"extensions": tree{"health_check": nil, "file_storage": tree{"directory": storage}},
		"service": tree{
			"extensions": ids("health_check", "file_storage"),
			"pipelines": tree{
				"traces":         tree{"receivers": ids("otlp"), "processors": ids("memory_limiter", "storage_limiter"), "exporters": ids("forward")},
				"metrics":        tree{"receivers": ids("otlp"), "exporters": ids("forward")},
				"logs":           tree{"receivers": ids("otlp"), "exporters": ids("forward")},
				"traces/none":    tree{"receivers": ids("forward"), "exporters": ids("nop")},
				"metrics/none":   tree{"receivers": ids("forward"), "exporters": ids("nop")},
				"logs/none":      tree{"receivers": ids("forward"), "exporters": ids("nop")},
				"logs/loki":      tree{"receivers": ids("forward"), "exporters": ids("otlp_http/loki")},
				"metrics/prom":   tree{"receivers": ids("forward"), "exporters": ids("otlp_grpc/queue")},
				"metrics/write":  tree{"receivers": ids("otlp/queue"), "exporters": ids("remote_write")},
				"traces/dd":      tree{"receivers": ids("forward"), "exporters": ids("otlp_http/dd", "span_metrics")},
				"metrics/dd":     tree{"receivers": ids("forward"), "processors": ids("to_delta"), "exporters": ids("otlp_http/dd")},
				"metrics/dd_apm": tree{"receivers": ids("span_metrics"), "exporters": ids("otlp_http/dd")},
			},
		},
	}
}

func convert(t *testing.T, config tree) (*confmap.Conf, string, error) {
	t.Helper()
	out := &bytes.Buffer{}
	conf := confmap.NewFromStringMap(config)
	err := (&converter{out: out, said: map[string]bool{}}).Convert(context.Background(), conf)
	return conf, out.String(), err
}

func keys(t *testing.T, conf *confmap.Conf, at string) map[string]bool {
	t.Helper()
	sub, err := conf.Sub(at)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for key := range sub.ToStringMap() {
		found[key] = true
	}
	return found
}

func wantKeys(t *testing.T, conf *confmap.Conf, at string, want ...string) {
	t.Helper()
	wanted := map[string]bool{}
	for _, key := range want {
		wanted[key] = true
	}
	if found := keys(t, conf, at); !reflect.DeepEqual(found, wanted) {
		t.Errorf("%s: found %v, want %v", at, found, wanted)
	}
}

func TestNothingSetLeavesOnlyWhatAcceptsAndDrops(t *testing.T) {
	conf, said, err := convert(t, gateway(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	wantKeys(t, conf, pipelinesKey, "traces", "metrics", "logs", "traces/none", "metrics/none", "logs/none")
	wantKeys(t, conf, "exporters", "nop")
	wantKeys(t, conf, "receivers", "otlp")
	wantKeys(t, conf, "processors", "memory_limiter")
	wantKeys(t, conf, "connectors", "forward")
	wantKeys(t, conf, "extensions", "health_check")
	if got := conf.Get("service::extensions"); !reflect.DeepEqual(got, ids("health_check")) {
		t.Errorf("service::extensions: %v", got)
	}
	if got := conf.Get(pipelinesKey + "::traces::processors"); !reflect.DeepEqual(got, ids("memory_limiter")) {
		t.Errorf("processors: %v", got)
	}
	want := `datadog: off, KEY is not set
loki: off, LOKI is not set
prom: off, PROM is not set
nothing is forwarded: no backend is on, what arrives is accepted and dropped
`
	if said != want {
		t.Errorf("said:\n%s", said)
	}
}

func TestEverythingSetChangesNothingButTheSetup(t *testing.T) {
	config := gateway(t, map[string]string{"LOKI": "http://l", "PROM": "http://p", "KEY": "k"})
	want := confmap.NewFromStringMap(config)
	want.Delete("setup")
	conf, said, err := convert(t, config)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(conf.ToStringMap(), want.ToStringMap()) {
		t.Errorf("changed to %v", conf.ToStringMap())
	}
	if said != "" {
		t.Errorf("said: %s", said)
	}
}

func TestOneBackendKeepsItsOwnAndTheStorage(t *testing.T) {
	conf, said, err := convert(t, gateway(t, map[string]string{"PROM": "http://p:9090/api/v1/write"}))
	if err != nil {
		t.Fatal(err)
	}
	wantKeys(t, conf, "exporters", "nop", "otlp_grpc/queue", "remote_write")
	wantKeys(t, conf, "receivers", "otlp", "otlp/queue")
	wantKeys(t, conf, "extensions", "health_check", "file_storage")
	wantKeys(t, conf, "processors", "memory_limiter", "storage_limiter")
	if !strings.Contains(said, "traces and logs: no backend takes them") {
		t.Errorf("said: %s", said)
	}
}

func TestAPipelineOfTheUsersOwnLosesOnlyTheBackendThatIsOff(t *testing.T) {
	config := gateway(t, map[string]string{"PROM": "http://p"})
	config["exporters"].(tree)["file"] = nil
	config["service"].(tree)["pipelines"].(tree)["logs/mine"] = tree{
		"receivers": ids("forward"), "exporters": ids("otlp_http/loki", "file"),
	}
	conf, _, err := convert(t, config)
	if err != nil {
		t.Fatal(err)
	}
	if got := conf.Get(pipelinesKey + "::logs/mine::exporters"); !reflect.DeepEqual(got, ids("file")) {
		t.Errorf("exporters: %v", got)
	}
	if conf.IsSet("exporters::otlp_http/loki") {
		t.Error("the exporter that is off is still configured")
	}
}

func TestWhatIsOffIsNotChecked(t *testing.T) {
	config := gateway(t, map[string]string{"STORAGE": "not absolute"})
	config["setup"].(tree)["variables"].(tree)["SITE"] = tree{"value": "not a domain", "kind": "domain"}
	if _, _, err := convert(t, config); err != nil {
		t.Errorf("refused: %v", err)
	}
}

func TestWhatIsSaidIsSaidOnce(t *testing.T) {
	out := &bytes.Buffer{}
	c := &converter{out: out, said: map[string]bool{}}
	for range 2 {
		if err := c.Convert(context.Background(), confmap.NewFromStringMap(gateway(t, nil))); err != nil {
			t.Fatal(err)
		}
	}
	if lines := strings.Count(out.String(), "\n"); lines != 4 {
		t.Errorf("%d lines:\n%s", lines, out)
	}
}

func TestAConfigurationWithoutSetupPasses(t *testing.T) {
	config := tree{"exporters": tree{"otlp_http": tree{"endpoint": ""}}}
	conf, said, err := convert(t, config)
	if err != nil || said != "" || !conf.IsSet("exporters::otlp_http") {
		t.Errorf("err %v, said %q, conf %v", err, said, conf.ToStringMap())
	}
}

func TestMistakesInTheSetupItself(t *testing.T) {
	for name, test := range map[string]struct {
		change func(setup tree)
		want   string
	}{
		"unknown key":      {func(s tree) { s["backend"] = nil }, "backend"},
		"unknown variable": {func(s tree) { s["backends"].(tree)["loki"] = tree{"requires": ids("LOKKI")} }, "setup::backends::loki: LOKKI is not among setup::variables"},
		"unknown kind":     {func(s tree) { s["variables"].(tree)["X"] = tree{"kind": "uri"} }, `setup::variables::X: unknown kind "uri"`},
	} {
		t.Run(name, func(t *testing.T) {
			config := gateway(t, nil)
			test.change(config["setup"].(tree))
			if _, _, err := convert(t, config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestEmptyVariablesCountAsUnset(t *testing.T) {
	t.Setenv("SETUPCONVERTER_EMPTY", "")
	t.Setenv("SETUPCONVERTER_FULL", "x")
	NewFactory().Create(confmap.ConverterSettings{})
	if _, found := os.LookupEnv("SETUPCONVERTER_EMPTY"); found {
		t.Error("the empty variable is still set")
	}
	if os.Getenv("SETUPCONVERTER_FULL") != "x" {
		t.Error("a variable with a value was lost")
	}
}

func TestKindsOfVariables(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ kind, value, problem string }{
		{"url", "http://loki:3100/otlp", ""},
		{"url", "https://otlp.datadoghq.com", ""},
		{"url", "http://[::1]:3100", ""},
		{"url", "loki:3100", `X: "loki:3100" is not an http:// or https:// URL, such as E`},
		{"url", "http://", `X: "http://" is not a URL with a host, such as E`},
		{"url", "http://loki:99999", `X: "http://loki:99999" is a URL with a port that is none, such as E`},
		{"url", "ftp://me:secret@loki", `X: "ftp://me:xxxxx@loki" is not an http:// or https:// URL, such as E`},
		{"url", "http://me:se cret@loki", `X: "xxxxx@loki" is not an http:// or https:// URL, such as E`},
		{"address", "127.0.0.1:4317", ""},
		{"address", ":4317", ""},
		{"address", "[::]:4317", ""},
		{"address", "4317", `X: "4317" is not an address of the form host:port, such as E`},
		{"address", "http://0.0.0.0:4317", `X: "http://0.0.0.0:4317" is not an address of the form host:port, such as E`},
		{"address", "localhost:0", `X: "localhost:0" is not an address of the form host:port, such as E`},
		{"port", "8888", ""},
		{"port", "88888", `X: "88888" is not a port number from 1 to 65535, such as E`},
		{"host", "0.0.0.0", ""},
		{"host", "a b", `X: "a b" is not a host name or an address to listen on, such as E`},
		{"domain", "us5.datadoghq.com", ""},
		{"domain", "https://datadoghq.com", `X: "https://datadoghq.com" is not a bare domain name, such as E`},
		{"number", "2.5", ""},
		{"number", "-1", `X: "-1" is not a number from 0 on, such as E`},
		{"whole number", "256", ""},
		{"whole number", "0", ""},
		{"whole number", "2.5", `X: "2.5" is not a whole number from 0 on, such as E`},
		{"whole number", "1GiB", `X: "1GiB" is not a whole number from 0 on, such as E`},
		{"percentage", "12.5", ""},
		{"percentage", "101", `X: "101" is not a number from 0 to 100, such as E`},
		{"switch", "true", ""},
		{"switch", "on", `X: "on" is neither true nor false, such as E`},
		{"text", "a tenant", ""},
		{"text", "a\nb", `X: "a\nb" has a line break in it, such as E`},
		{"file", file, ""},
		{"file", file + "x", `X: "` + file + `x" can't be read (no such file or directory), such as E`},
		{"secret", "0123456789abcdef", ""},
		{"secret", "hush hush", `X: the value has a space or a line break in it, such as E`},
		{"directory", t.TempDir(), ""},
		{"directory", "queue", `X: "queue" is not an absolute path, such as E`},
		{"directory", file + "/x", `X: "` + file + `/x" can't be created (not a directory): name a folder that this user may write to, such as E`},
	} {
		problem := ""
		if err := (variable{Value: test.value, Kind: test.kind, Example: "E"}).check("X"); err != nil {
			problem = err.Error()
		}
		if problem != test.problem {
			t.Errorf("%s %q: got %q, want %q", test.kind, test.value, problem, test.problem)
		}
	}
}

func TestFeatureGates(t *testing.T) {
	gate := featuregate.GlobalRegistry().MustRegister("setupconverter.test", featuregate.StageAlpha)
	gates := func(name string) error {
		_, _, err := convert(t, tree{"setup": tree{"feature_gates": tree{name: true}}})
		return err
	}
	if err := gates("setupconverter.test"); err != nil || !gate.IsEnabled() {
		t.Errorf("enabled: %v, error: %v", gate.IsEnabled(), err)
	}
	err := gates("setupconverter.unheard_of")
	if err == nil || !strings.Contains(err.Error(), "setupconverter.unheard_of") {
		t.Errorf("an unknown gate gives %v", err)
	}
}
