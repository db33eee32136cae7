//go:build testhooks

package worker

import (
	"os"
	"slices"
	"strings"
)

// passedOn is what of the environment the child of that name gets: the hooks of
// package native, unless $AGENT_TEST_CAMERA says that they are for another one.
func passedOn(name string) []string {
	if only := os.Getenv("AGENT_TEST_CAMERA"); only != "" && only != name {
		return nil
	}
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return !strings.HasPrefix(v, "AGENT_TEST_") })
}
