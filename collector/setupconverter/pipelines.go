package setupconverter

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

const pipelinesKey = "service::pipelines"

// The sections of a configuration whose components pipelines are made of. A pipeline's receivers
// and exporters are connectors too.
var sections = []string{"receivers", "processors", "exporters", "connectors"}

type pipeline struct {
	Receivers  []string `mapstructure:"receivers"`
	Processors []string `mapstructure:"processors"`
	Exporters  []string `mapstructure:"exporters"`
}

// pipelineSet is the service's pipelines before and after backends were taken out.
type pipelineSet struct {
	before, after map[string]*pipeline
	connectors    map[string]bool
}

func readPipelines(conf *confmap.Conf) (*pipelineSet, error) {
	set := &pipelineSet{after: map[string]*pipeline{}, connectors: map[string]bool{}}
	sub, err := conf.Sub(pipelinesKey)
	if err != nil {
		return nil, err
	}
	if err := sub.Unmarshal(&set.before); err != nil {
		return nil, fmt.Errorf("%s: %w", pipelinesKey, err)
	}
	for id, it := range set.before {
		if it == nil {
			return nil, fmt.Errorf("%s::%s is empty", pipelinesKey, id)
		}
		set.after[id] = &pipeline{
			Receivers:  slices.Clone(it.Receivers),
			Processors: slices.Clone(it.Processors),
			Exporters:  slices.Clone(it.Exporters),
		}
	}
	connectors, err := conf.Sub("connectors")
	if err != nil {
		return nil, err
	}
	for id := range connectors.ToStringMap() {
		set.connectors[id] = true
	}
	return set, nil
}

// without takes components out of every pipeline, then what that leaves without a purpose:
// pipelines without receivers or exporters, and connectors that no longer connect two.
func (s *pipelineSet) without(off map[string]bool) {
	if len(off) == 0 {
		return
	}
	isOff := func(id string) bool { return off[id] }
	for changed := true; changed; {
		changed = false
		for id, it := range s.after {
			it.Receivers = slices.DeleteFunc(it.Receivers, isOff)
			it.Processors = slices.DeleteFunc(it.Processors, isOff)
			it.Exporters = slices.DeleteFunc(it.Exporters, isOff)
			if len(it.Receivers) == 0 || len(it.Exporters) == 0 {
				delete(s.after, id)
				changed = true
			}
		}
		for id := range s.connectors {
			from, to := s.uses(id)
			if (from || to) && !(from && to) {
				off[id] = true
				changed = true
			}
		}
	}
}

// uses says whether any remaining pipeline receives from, and exports to, the component.
func (s *pipelineSet) uses(id string) (from, to bool) {
	for _, it := range s.after {
		from = from || slices.Contains(it.Receivers, id)
		to = to || slices.Contains(it.Exporters, id)
	}
	return from, to
}

// writeTo puts the remaining pipelines into the configuration and takes out the components that
// only the removed ones used: their settings may be incomplete, and would be validated.
func (s *pipelineSet) writeTo(conf *confmap.Conf) error {
	for id, it := range s.before {
		key := pipelinesKey + confmap.KeyDelimiter + id
		left, kept := s.after[id]
		if !kept {
			conf.Delete(key)
			continue
		}
		for part, lists := range map[string][2][]string{
			"receivers":  {it.Receivers, left.Receivers},
			"processors": {it.Processors, left.Processors},
			"exporters":  {it.Exporters, left.Exporters},
		} {
			if slices.Equal(lists[0], lists[1]) {
				continue
			}
			conf.Delete(key + confmap.KeyDelimiter + part)
			changed := map[string]any{part: asAny(lists[1])}
			nested := map[string]any{"service": map[string]any{"pipelines": map[string]any{id: changed}}}
			if err := conf.Merge(confmap.NewFromStringMap(nested)); err != nil {
				return err
			}
		}
	}
	usedNow := components(s.after)
	for id := range components(s.before) {
		if usedNow[id] {
			continue
		}
		section, name, _ := strings.Cut(id, " ")
		conf.Delete(section + confmap.KeyDelimiter + name)
		if section != "processors" && s.connectors[name] {
			conf.Delete("connectors" + confmap.KeyDelimiter + name)
		}
	}
	return nil
}

// components are the section and id of everything the pipelines use.
func components(pipelines map[string]*pipeline) map[string]bool {
	used := map[string]bool{}
	for _, it := range pipelines {
		for section, ids := range map[string][]string{
			"receivers": it.Receivers, "processors": it.Processors, "exporters": it.Exporters,
		} {
			for _, id := range ids {
				used[section+" "+id] = true
			}
		}
	}
	return used
}

// unforwarded says, in at most one line, which signals leave the collector nowhere.
func (s *pipelineSet) unforwarded() []string {
	forwarded := map[string]bool{}
	for id, it := range s.after {
		signal, _, _ := strings.Cut(id, "/")
		for _, exporter := range it.Exporters {
			kind, _, _ := strings.Cut(exporter, "/")
			if kind != "nop" && !s.connectors[exporter] {
				forwarded[signal] = true
			}
		}
	}
	missing := slices.DeleteFunc([]string{"traces", "metrics", "logs"}, func(signal string) bool { return forwarded[signal] })
	switch len(missing) {
	case 0:
		return nil
	case 3:
		return []string{"nothing is forwarded: no backend is on, what arrives is accepted and dropped"}
	}
	return []string{strings.Join(missing, " and ") + ": no backend takes them, what arrives is accepted and dropped"}
}

// keepIfNamed has an extension in the service exactly while some component's settings name it,
// and takes it out of the configuration otherwise.
func keepIfNamed(conf *confmap.Conf, id string) (bool, error) {
	named := slices.ContainsFunc(sections, func(section string) bool { return names(conf.Get(section), id) })
	listed, _ := conf.Get("service::extensions").([]any)
	left := slices.DeleteFunc(slices.Clone(listed), func(it any) bool { return it == id })
	if named {
		left = append(left, id)
	} else {
		conf.Delete("extensions" + confmap.KeyDelimiter + id)
	}
	conf.Delete("service::extensions")
	return named, conf.Merge(confmap.NewFromStringMap(map[string]any{
		"service": map[string]any{"extensions": left},
	}))
}

// names says whether a setting anywhere in the value is the text.
func names(value any, text string) bool {
	switch it := value.(type) {
	case string:
		return it == text
	case []any:
		return slices.ContainsFunc(it, func(x any) bool { return names(x, text) })
	case map[string]any:
		for x := range maps.Values(it) {
			if names(x, text) {
				return true
			}
		}
	}
	return false
}

func asAny(ids []string) []any {
	list := make([]any, len(ids))
	for i, id := range ids {
		list[i] = id
	}
	return list
}
