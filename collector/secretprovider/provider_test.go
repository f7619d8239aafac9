package secretprovider

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
)

// resolve returns what the configuration `value: TEXT` holds in the end.
func resolve(t *testing.T, text string) (any, error) {
	t.Helper()
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              []string{"yaml:value: " + text},
		ProviderFactories: []confmap.ProviderFactory{NewFactory(), yamlprovider.NewFactory()},
	})
	if err != nil {
		t.Fatal(err)
	}
	conf, err := resolver.Resolve(context.Background())
	if err != nil {
		return nil, err
	}
	return conf.Get("value"), nil
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestASecretIsTheVariableOrTheFile(t *testing.T) {
	for name, test := range map[string]struct{ variable, content, text, want string }{
		"neither":             {"", "", "${secret:KEY}", ""},
		"the variable":        {"abc", "", "${secret:KEY}", "abc"},
		"all digits":          {"0123", "", "${secret:KEY}", "0123"},
		"looks like a number": {"1e9", "", "${secret:KEY}", "1e9"},
		"the file":            {"", "abc\n", "${secret:KEY}", "abc"},
		"a file of digits":    {"", "0123\n", "${secret:KEY}", "0123"},
		"within a text":       {"", "abc\n", "Bearer ${secret:KEY}", "Bearer abc"},
		"dollars":             {"a$b$$c", "", "${secret:KEY}", "a$b$$c"},
		"no reference":        {"", "x${env:HOME}", "${secret:KEY}", "x${env:HOME}"},
		"yaml":                {"", "{a: b}", "${secret:KEY}", "{a: b}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KEY", test.variable)
			t.Setenv("KEY_FILE", "")
			if test.content != "" {
				t.Setenv("KEY_FILE", file(t, test.content))
			}
			got, err := resolve(t, test.text)
			if err != nil || got != test.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestWhatIsWrongIsOneLine(t *testing.T) {
	for name, test := range map[string]struct{ variable, path, want string }{
		"both":       {"abc", "/x", "KEY and KEY_FILE are both set: unset one of them"},
		"no file":    {"", "/nowhere/key", `KEY_FILE: "/nowhere/key" can't be read (no such file or directory)`},
		"empty file": {"", file(t, " \n"), "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("KEY", test.variable)
			t.Setenv("KEY_FILE", test.path)
			_, err := resolve(t, "${secret:KEY}")
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestItIsAProvider(t *testing.T) {
	it := NewFactory().Create(confmap.ProviderSettings{})
	if err := confmaptest.ValidateProviderScheme(it); err != nil {
		t.Error(err)
	}
	if _, err := it.Retrieve(context.Background(), "secret:", nil); err == nil {
		t.Error("took a secret without a name")
	}
	if err := it.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
