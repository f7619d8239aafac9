package setupconverter

import (
	"fmt"
	"maps"
	"slices"

	"go.opentelemetry.io/collector/featuregate"
)

// setFeatureGates does what the command line's --feature-gates does, for gates that a configuration
// cannot do without. It comes before any component is made, which is when they look.
func setFeatureGates(wanted map[string]bool) error {
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if err := featuregate.GlobalRegistry().Set(name, wanted[name]); err != nil {
			return fmt.Errorf("setup::feature_gates::%s: %w", name, err)
		}
	}
	return nil
}
