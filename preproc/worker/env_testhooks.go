//go:build testhooks

package worker

import (
	"os"
	"slices"
	"strings"
)

// hooks are those of package native that the child of that name gets: all, unless
// $AGENT_TEST_CAMERA says that they are for another one.
func hooks(name string) []string {
	if only := os.Getenv("AGENT_TEST_CAMERA"); only != "" && only != name {
		return nil
	}
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return !strings.HasPrefix(v, "AGENT_TEST_") })
}
