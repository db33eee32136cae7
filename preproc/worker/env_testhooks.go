//go:build testhooks

package worker

import (
	"os"
	"slices"
	"strings"
)

// passedOn is what of the environment a child gets: the hooks of package native.
func passedOn() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return !strings.HasPrefix(v, "AGENT_TEST_") })
}
