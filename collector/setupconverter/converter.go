// Package setupconverter checks what the environment set and takes the backends it did not set
// out of the collector's configuration, saying so.
//
// It consumes the top-level key `setup`, which the configuration files share:
//
//	setup:
//	  variables:                # what may be set, for the check and for the messages
//	    LOKI_OTLP_ENDPOINT: {value: "${env:LOKI_OTLP_ENDPOINT:-}", kind: url, example: http://loki:3100/otlp}
//	  backends:                 # off, with their components, while a variable they require is empty
//	    loki: {requires: [LOKI_OTLP_ENDPOINT], components: [otlp_http/loki]}
//	  extensions:               # left out of the service unless a remaining component names them
//	    file_storage: {requires: [LITELLM_OTELCOL_STORAGE_DIRECTORY]}
//
// A configuration without that key passes unchanged.
package setupconverter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

const setupKey = "setup"

// NewFactory returns the factory the distribution's main function wires in.
func NewFactory() confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(confmap.ConverterSettings) confmap.Converter {
		unsetEmptyVariables()
		return &converter{out: os.Stderr, said: map[string]bool{}}
	})
}

// unsetEmptyVariables makes an empty variable mean what an unset one does, as OpenTelemetry's
// specification has it. The environment provider would put the empty text in a default's place.
func unsetEmptyVariables() {
	for _, entry := range os.Environ() {
		if name, value, found := strings.Cut(entry, "="); found && name != "" && value == "" {
			_ = os.Unsetenv(name)
		}
	}
}

// converter remembers what it said, because a configuration can be resolved more than once.
type converter struct {
	out  io.Writer
	said map[string]bool
}

type setup struct {
	Variables  map[string]variable  `mapstructure:"variables"`
	Backends   map[string]backend   `mapstructure:"backends"`
	Extensions map[string]extension `mapstructure:"extensions"`
}

type backend struct {
	Requires   []string `mapstructure:"requires"`
	Components []string `mapstructure:"components"`
}

type extension struct {
	Requires []string `mapstructure:"requires"`
}

// Convert implements confmap.Converter.
func (c *converter) Convert(_ context.Context, conf *confmap.Conf) error {
	if !conf.IsSet(setupKey) {
		return nil
	}
	wanted, err := readSetup(conf)
	if err != nil {
		return err
	}
	pipelines, err := readPipelines(conf)
	if err != nil {
		return err
	}

	required := map[string]bool{} // variable name -> whether what requires it is on
	off := map[string]bool{}      // component ids
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(wanted.Backends)) {
		it := wanted.Backends[name]
		unset := wanted.unset(it.Requires)
		note(required, it.Requires, len(unset) == 0)
		if len(unset) > 0 {
			lines = append(lines, fmt.Sprintf("%s: off, %s", name, areNotSet(unset)))
			for _, id := range it.Components {
				off[id] = true
			}
		}
	}
	pipelines.without(off)
	if err := pipelines.writeTo(conf); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(wanted.Extensions)) {
		kept, err := keepIfNamed(conf, id)
		if err != nil {
			return err
		}
		note(required, wanted.Extensions[id].Requires, kept)
	}
	if err := wanted.checkVariables(required); err != nil {
		return err
	}

	lines = append(lines, pipelines.unforwarded()...)
	for _, line := range lines {
		if !c.said[line] {
			c.said[line] = true
			_, _ = fmt.Fprintln(c.out, line)
		}
	}
	return nil
}

// readSetup takes the setup out of the configuration and checks that it refers to what it has.
func readSetup(conf *confmap.Conf) (*setup, error) {
	sub, err := conf.Sub(setupKey)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setupKey, err)
	}
	conf.Delete(setupKey)
	wanted := &setup{}
	if err := sub.Unmarshal(wanted); err != nil {
		return nil, fmt.Errorf("%s: %w", setupKey, err)
	}
	var errs []error
	verify := func(where string, names []string) {
		for _, name := range names {
			if _, known := wanted.Variables[name]; !known {
				errs = append(errs, fmt.Errorf("%s::%s: %s is not among %s::variables", setupKey, where, name, setupKey))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted.Backends)) {
		verify("backends::"+name, wanted.Backends[name].Requires)
	}
	for _, id := range slices.Sorted(maps.Keys(wanted.Extensions)) {
		verify("extensions::"+id, wanted.Extensions[id].Requires)
	}
	return wanted, errors.Join(errs...)
}

func (s *setup) unset(names []string) []string {
	var unset []string
	for _, name := range names {
		if s.Variables[name].Value == "" {
			unset = append(unset, name)
		}
	}
	return unset
}

// checkVariables checks each variable that something which is on requires, or that nothing does.
func (s *setup) checkVariables(required map[string]bool) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.Variables)) {
		if on, known := required[name]; on || !known {
			if err := s.Variables[name].check(name); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

func note(required map[string]bool, names []string, on bool) {
	for _, name := range names {
		required[name] = required[name] || on
	}
}

func areNotSet(names []string) string {
	if len(names) == 1 {
		return names[0] + " is not set"
	}
	return strings.Join(names, " and ") + " are not set"
}
