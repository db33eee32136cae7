package worker

import "os"

// simd names the instruction set of the kernels, see package native.
const simd = "AGENT_SIMD"

// environment is what a child of that name gets of ours: which kernels it is to
// use, and in some builds the hooks of tests. Nothing else gets there: it names
// systemd's sockets.
func environment(name string) []string {
	env := append(hooks(name), "MALLOC_ARENA_MAX=1", "GOMAXPROCS=1", noCgroups)
	if set := os.Getenv(simd); set != "" {
		env = append(env, simd+"="+set)
	}
	return env
}
