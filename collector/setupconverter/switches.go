package setupconverter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// withoutBackends collects the components of every backend that is off, and returns what is to be
// said about those. Of several ways to the same place, only that none of them is on.
func (s *setup) withoutBackends(required, off map[string]bool) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(s.Backends)) {
		it := s.Backends[name]
		unset := s.unset(it.Requires)
		note(required, it.Requires, len(unset) == 0)
		if len(unset) == 0 {
			if it.InsteadOf != "" && s.isOn(it.InsteadOf) {
				lines = append(lines, fmt.Sprintf("%s: on beside %s, what arrives goes both ways", name, it.InsteadOf))
			}
			continue
		}
		for _, id := range it.Components {
			off[id] = true
		}
		if it.InsteadOf == "" && !s.anyOn(s.waysOf(name)) {
			lines = append(lines, fmt.Sprintf("%s: off, %s", name, areNotSet(unset)))
		}
	}
	return lines
}

// withoutOptions collects the components of every option that is off and takes its settings out.
func (s *setup) withoutOptions(conf *confmap.Conf, required, off map[string]bool) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.Options)) {
		it := s.Options[name]
		unset := s.unset(it.Requires)
		note(required, it.Requires, len(unset) == 0)
		switch {
		case len(unset) == 0 && it.Needs != "" && !s.isOn(it.Needs):
			errs = append(errs, fmt.Errorf("%s: of no effect, because %s", it.Requires[0], areNotSet(s.unset(s.requires(it.Needs)))))
		case len(unset) == 0:
			continue
		case len(unset) < len(it.Requires):
			set := slices.DeleteFunc(slices.Clone(it.Requires), func(id string) bool { return slices.Contains(unset, id) })
			errs = append(errs, fmt.Errorf("%s: of no effect, because %s", strings.Join(set, " and "), areNotSet(unset)))
		}
		for _, id := range it.Components {
			off[id] = true
		}
		for _, key := range it.Settings {
			conf.Delete(key)
		}
	}
	return errors.Join(errs...)
}

// checkRequired says in one line each what the task can't do without.
func (s *setup) checkRequired() error {
	var errs []error
	for _, names := range s.Required {
		var ways []string
		for _, name := range names {
			ways = append(ways, s.waysOf(name)...)
		}
		if s.anyOn(ways) {
			continue
		}
		var set []string
		example := ""
		for _, way := range ways {
			unset := s.unset(s.requires(way))
			for i, name := range unset {
				if example == "" {
					example = s.Variables[name].Example
				}
				if s.Variables[name].Kind == "secret" {
					unset[i] += " (or " + name + "_FILE)"
				}
			}
			set = append(set, strings.Join(unset, " and "))
		}
		line := strings.Join(set, ", or ") + " has to be set for this task"
		if example != "" {
			line += ", such as " + example
		}
		errs = append(errs, errors.New(line))
	}
	return errors.Join(errs...)
}

// unguarded says which addresses anyone who reaches this machine may send to.
func (s *setup) unguarded() []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(s.Variables)) {
		it := s.Variables[name]
		if len(it.GuardedBy) == 0 || s.anyOn(it.GuardedBy) || isLoopback(it.Value) {
			continue
		}
		var guards []string
		for _, way := range it.GuardedBy {
			guards = append(guards, s.requires(way)[0])
		}
		lines = append(lines, fmt.Sprintf("%s: %s is open to everyone who can reach it: set %s",
			name, it.Value, strings.Join(guards, " or ")))
	}
	return lines
}

func (s *setup) knows(name string) bool {
	_, isBackend := s.Backends[name]
	_, isOption := s.Options[name]
	return isBackend || isOption
}

func (s *setup) requires(name string) []string {
	if it, found := s.Backends[name]; found {
		return it.Requires
	}
	return s.Options[name].Requires
}

// waysOf is the backend or option and what may stand in for it.
func (s *setup) waysOf(name string) []string {
	ways := []string{name}
	for _, other := range slices.Sorted(maps.Keys(s.Backends)) {
		if s.Backends[other].InsteadOf == name {
			ways = append(ways, other)
		}
	}
	return ways
}

func (s *setup) isOn(name string) bool { return len(s.unset(s.requires(name))) == 0 }

func (s *setup) anyOn(names []string) bool { return slices.ContainsFunc(names, s.isOn) }

func (s *setup) unset(names []string) []string {
	var unset []string
	for _, name := range names {
		if s.Variables[name].isUnset() {
			unset = append(unset, name)
		}
	}
	return unset
}

func areNotSet(names []string) string {
	if len(names) == 1 {
		return names[0] + " is not set"
	}
	return strings.Join(names, " and ") + " are not set"
}
