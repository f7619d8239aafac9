package taskprovider

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
)

// folder writes the files and makes their folder that of the configurations.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(folderVariable, root)
	return root
}

func resolve(t *testing.T, uri string) (map[string]any, error) {
	t.Helper()
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              []string{uri},
		ProviderFactories: []confmap.ProviderFactory{NewFactory(), envprovider.NewFactory()},
	})
	if err != nil {
		t.Fatal(err)
	}
	conf, err := resolver.Resolve(context.Background())
	if err != nil {
		return nil, err
	}
	return conf.ToStringMap(), nil
}

var files = map[string]string{
	"base.yaml":       "exporters: {nop: , otlp: {endpoint: '${env:WHERE}', timeout: 5s}}\nlist: [a, b]",
	"more.yaml":       "exporters: {otlp: {timeout: 7s}}\nlist: [c]",
	"tasks/both.yaml": "compose: [../base.yaml, ../more.yaml]\nsetup: {required: [[x]]}",
	"tasks/one.yaml":  "compose: [../base.yaml]",
}

func TestATaskIsItsFilesMergedInOrderAndThenItself(t *testing.T) {
	root := folder(t, files)
	t.Setenv("WHERE", "there")
	want := map[string]any{
		"exporters": map[string]any{"nop": nil, "otlp": map[string]any{"endpoint": "there", "timeout": "7s"}},
		"list":      []any{"c"},
		"setup":     map[string]any{"required": []any{[]any{"x"}}},
	}
	for _, uri := range []string{"task:both", "task:" + filepath.Join(root, "tasks", "both.yaml")} {
		if got, err := resolve(t, uri); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v", uri, got, err)
		}
	}
}

func TestWhatIsWrongIsOneLine(t *testing.T) {
	mistaken := map[string]string{
		"tasks/lost.yaml": "compose: [../lost.yaml]",
		"tasks/text.yaml": "compose: base",
		"tasks/list.yaml": "- base",
	}
	for name, test := range map[string]struct {
		files     map[string]string
		uri, want string
	}{
		"unknown task": {files, "task:tow", "tasks: choose from both, one"},
		"no tasks":     {nil, "task:one", "set LITELLM_OTELCOL_CONFIG_DIRECTORY to the folder"},
		"no such path": {nil, "task:/nowhere/x.yaml", "/nowhere/x.yaml: no such file"},
		"no such file": {mistaken, "task:lost", "tasks/lost.yaml: compose: open"},
		"not a list":   {mistaken, "task:list", "tasks/list.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			folder(t, test.files)
			_, err := resolve(t, test.uri)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestItIsAProvider(t *testing.T) {
	if err := confmaptest.ValidateProviderScheme(NewFactory().Create(confmap.ProviderSettings{})); err != nil {
		t.Error(err)
	}
}
