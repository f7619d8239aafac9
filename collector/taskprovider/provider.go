// Package taskprovider makes one configuration of the files a task lists:
//
//	otelcol-litellm --config task:gateway
//
// A task is a short file, tasks/gateway.yaml in the folder of the configurations, or any path
// that ends in .yaml. Its key `compose` lists files, relative to itself, that are merged in this
// order, and the rest of it last:
//
//	compose: [../base.yaml, ../prometheus.yaml]
//	setup:
//	  required: [[prometheus]]
package taskprovider

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

const (
	scheme     = "task"
	composeKey = "compose"
	suffix     = ".yaml"

	folderVariable = "LITELLM_OTELCOL_CONFIG_DIRECTORY"
	defaultFolder  = "/etc/otelcol-litellm"
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
		return nil, fmt.Errorf("%q is not %s:NAME", uri, scheme)
	}
	path := name
	if !strings.HasSuffix(name, suffix) {
		path = filepath.Join(tasks(), name+suffix)
	}
	task, err := read(path)
	if errors.Is(err, fs.ErrNotExist) && path != name {
		return nil, unknown(name)
	}
	if err != nil {
		return nil, err
	}
	var list struct {
		Compose []string `mapstructure:"compose"`
	}
	if err := task.Unmarshal(&list, confmap.WithIgnoreUnused()); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", path, composeKey, err)
	}
	task.Delete(composeKey)
	whole := confmap.New()
	for _, part := range list.Compose {
		if !filepath.IsAbs(part) {
			part = filepath.Join(filepath.Dir(path), part)
		}
		conf, err := read(part)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, composeKey, err)
		}
		if err := whole.Merge(conf); err != nil {
			return nil, fmt.Errorf("%s: %w", part, err)
		}
	}
	if err := whole.Merge(task); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return confmap.NewRetrieved(whole.ToStringMap())
}

func read(path string) (*confmap.Conf, error) {
	content, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	retrieved, err := confmap.NewRetrievedFromYAML(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	conf, err := retrieved.AsConf()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return conf, nil
}

// tasks is the folder of the tasks.
func tasks() string {
	folder := os.Getenv(folderVariable)
	if folder == "" {
		folder = defaultFolder
	}
	return filepath.Join(folder, "tasks")
}

// unknown says which tasks there are.
func unknown(name string) error {
	found, _ := filepath.Glob(filepath.Join(tasks(), "*"+suffix))
	if len(found) == 0 {
		return fmt.Errorf("%s:%s: there are no tasks in %s: set %s to the folder of the configurations",
			scheme, name, tasks(), folderVariable)
	}
	for i, path := range found {
		found[i] = strings.TrimSuffix(filepath.Base(path), suffix)
	}
	return fmt.Errorf("%s:%s: there is no such task in %s: choose from %s",
		scheme, name, tasks(), strings.Join(found, ", "))
}

// Scheme implements confmap.Provider.
func (provider) Scheme() string { return scheme }

// Shutdown implements confmap.Provider.
func (provider) Shutdown(context.Context) error { return nil }
