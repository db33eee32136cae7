package native_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sanitizers: -O1 keeps both the build and the frames of a report short.
var sanitizers = []string{"-g1", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"}

// TestCC compiles the C++ tests of test/ with the sanitizers of address and
// undefined behaviour, and runs them. It takes the flags that cgo takes.
func TestCC(t *testing.T) {
	common := compileAll(t, sources(t, "*.c", "*.cc", "test/harness.cc"), sanitizers...)
	for _, name := range sources(t, "test/*_test.cc") {
		t.Run(strings.TrimSuffix(filepath.Base(name), "_test.cc"), func(t *testing.T) {
			t.Parallel()
			binary := filepath.Join(t.TempDir(), "test")
			link(t, binary, append(compileAll(t, []string{name}, sanitizers...), common...), sanitizers...)
			if out, err := exec.CommandContext(t.Context(), binary).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// sources lists files, and reads them so that the go command knows that the
// result depends on them.
func sources(t *testing.T, patterns ...string) []string {
	var files []string
	for _, pattern := range append(patterns, "*.h", "test/*.h") {
		matches, err := filepath.Glob(pattern)
		if err != nil || len(matches) == 0 {
			t.Fatalf("%s: no files, %v", pattern, err)
		}
		for _, file := range matches {
			if _, err := os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
		files = append(files, matches...)
	}
	return slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, ".h") })
}

// compileAll compiles each file to an object, with the flags that cgo takes and
// those given.
func compileAll(t *testing.T, files []string, more ...string) []string {
	objects := make([]string, len(files))
	for i, file := range files {
		objects[i] = filepath.Join(t.TempDir(), filepath.Base(file)+".o")
		compiler, flags := "c++", append(fields(t, "CGO_CXXFLAGS"), "-I.")
		if strings.HasSuffix(file, ".c") {
			compiler, flags = "cc", fields(t, "CGO_CFLAGS")
		}
		command(t, compiler, fields(t, "CGO_CPPFLAGS"), flags, []string{"-Wall", "-Wextra", "-c", file, "-o", objects[i]}, more)
	}
	return objects
}

func link(t *testing.T, binary string, objects []string, more ...string) {
	command(t, "c++", objects, []string{"-o", binary}, more, fields(t, "CGO_LDFLAGS"))
}

func command(t *testing.T, name string, arguments ...[]string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, slices.Concat(arguments...)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// fields are the flags of an environment variable, which make sets.
func fields(t *testing.T, variable string) []string {
	value := os.Getenv(variable)
	if value == "" {
		t.Fatalf("%s is not set; run the tests with make, or set what native/flags.mk sets", variable)
	}
	return strings.Fields(value)
}
