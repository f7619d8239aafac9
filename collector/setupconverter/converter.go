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
//	    loki_too: {requires: [OTHER], components: [...], instead_of: loki}   # another way there
//	  options:                  # as backends, but unsaid; half of what one requires is a mistake
//	    loki_tenant: {requires: [LOKI_TENANT], settings: ["exporters::otlp_http/loki::headers::X-Scope-OrgID"]}
//	  extensions:               # in the service exactly while a remaining component names them
//	    file_storage: {requires: [LITELLM_OTELCOL_STORAGE_DIRECTORY], components: [...]}   # off with it
//	  feature_gates:            # as the command line's --feature-gates
//	    some.component.gate: true
//	  required: [[loki]]        # of each list, one backend or option has to be on
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
	Options    map[string]option    `mapstructure:"options"`
	Extensions map[string]extension `mapstructure:"extensions"`
	Required   [][]string           `mapstructure:"required"`

	FeatureGates map[string]bool `mapstructure:"feature_gates"`
}

type backend struct {
	Requires   []string `mapstructure:"requires"`
	Components []string `mapstructure:"components"`
	InsteadOf  string   `mapstructure:"instead_of"`
}

type option struct {
	Requires   []string `mapstructure:"requires"`
	Components []string `mapstructure:"components"`
	Settings   []string `mapstructure:"settings"`
	Needs      string   `mapstructure:"needs"`
}

type extension struct {
	Requires []string `mapstructure:"requires"`
	// What is of no use without it, and does not name it.
	Components []string `mapstructure:"components"`
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
	if err := setFeatureGates(wanted.FeatureGates); err != nil {
		return err
	}
	pipelines, err := readPipelines(conf)
	if err != nil {
		return err
	}

	required := map[string]bool{} // variable name -> whether what requires it is on
	off := map[string]bool{}      // component ids
	lines := wanted.withoutBackends(required, off)
	if err := wanted.withoutOptions(conf, required, off); err != nil {
		return err
	}
	if err := wanted.checkRequired(); err != nil {
		return err
	}
	pipelines.without(off)
	if err := pipelines.writeTo(conf); err != nil {
		return err
	}
	withThem := map[string]bool{} // component ids
	for _, id := range slices.Sorted(maps.Keys(wanted.Extensions)) {
		kept, err := keepIfNamed(conf, id)
		if err != nil {
			return err
		}
		note(required, wanted.Extensions[id].Requires, kept)
		for _, component := range wanted.Extensions[id].Components {
			withThem[component] = !kept
		}
	}
	pipelines.without(withThem)
	if err := pipelines.writeTo(conf); err != nil {
		return err
	}
	if err := wanted.checkVariables(required); err != nil {
		return err
	}

	lines = append(lines, pipelines.unforwarded()...)
	lines = append(lines, wanted.unguarded()...)
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
	verifyParts := func(where string, names ...string) {
		for _, name := range names {
			if name != "" && !wanted.knows(name) {
				errs = append(errs, fmt.Errorf("%s::%s: there is no backend and no option %s", setupKey, where, name))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted.Backends)) {
		verify("backends::"+name, wanted.Backends[name].Requires)
		verifyParts("backends::"+name, wanted.Backends[name].InsteadOf)
	}
	for _, name := range slices.Sorted(maps.Keys(wanted.Options)) {
		verify("options::"+name, wanted.Options[name].Requires)
		verifyParts("options::"+name, wanted.Options[name].Needs)
	}
	for _, name := range slices.Sorted(maps.Keys(wanted.Variables)) {
		verifyParts("variables::"+name, wanted.Variables[name].GuardedBy...)
	}
	for _, names := range wanted.Required {
		verifyParts("required", names...)
	}
	for _, id := range slices.Sorted(maps.Keys(wanted.Extensions)) {
		verify("extensions::"+id, wanted.Extensions[id].Requires)
	}
	return wanted, errors.Join(errs...)
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
