// Package secretprovider gives configurations secrets from the environment or from files, without
// a word in the configuration about which.
//
// ${secret:DD_API_KEY} is the variable DD_API_KEY or, where DD_API_KEY_FILE is set instead, what
// the file of that name holds. It is always text, also where it is all digits, and empty when
// neither is set.
package secretprovider

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

const (
	scheme     = "secret"
	fileSuffix = "_FILE"
)

// NewFactory returns the factory the distribution's main function wires in.
func NewFactory() confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return provider{} })
}

type provider struct{}

// Retrieve implements confmap.Provider.
func (provider) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	name, found := strings.CutPrefix(uri, scheme+":")
	if !found || name == "" {
		return nil, fmt.Errorf("%q is not ${%s:NAME_OF_A_VARIABLE}", uri, scheme)
	}
	value, err := read(name)
	if err != nil {
		return nil, err
	}
	// What is retrieved is searched for references in its turn; a secret holds none.
	return confmap.NewRetrieved(strings.ReplaceAll(value, "$", "$$"))
}

func read(name string) (string, error) {
	value, path := os.Getenv(name), os.Getenv(name+fileSuffix)
	switch {
	case path == "":
		return value, nil
	case value != "":
		return "", fmt.Errorf("%s and %s%s are both set: unset one of them", name, name, fileSuffix)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		var failed *fs.PathError
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return "", fmt.Errorf("%s%s: %q can't be read (%w)", name, fileSuffix, path, err)
	}
	if value = strings.TrimSpace(string(content)); value == "" {
		return "", fmt.Errorf("%s%s: %q is empty", name, fileSuffix, path)
	}
	return value, nil
}

// Scheme implements confmap.Provider.
func (provider) Scheme() string { return scheme }

// Shutdown implements confmap.Provider.
func (provider) Shutdown(context.Context) error { return nil }
