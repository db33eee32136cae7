package native_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
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
// those given, as many at a time as there are processors.
func compileAll(t *testing.T, files []string, more ...string) []string {
	t.Helper()
	objects, errs := make([]string, len(files)), make([]error, len(files))
	var all sync.WaitGroup
	free := make(chan struct{}, runtime.NumCPU())
	for i, file := range files {
		objects[i] = filepath.Join(t.TempDir(), filepath.Base(file)+".o")
		compiler, flags := "c++", append(fields(t, "CGO_CXXFLAGS"), "-I.")
		if strings.HasSuffix(file, ".c") {
			compiler, flags = "cc", fields(t, "CGO_CFLAGS")
		}
		arguments := slices.Concat(fields(t, "CGO_CPPFLAGS"), flags, []string{"-Wall", "-Wextra", "-c", file, "-o", objects[i]}, more)
		all.Go(func() {
			free <- struct{}{}
			errs[i] = command(t.Context(), compiler, arguments)
			<-free
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return objects
}

func link(t *testing.T, binary string, objects []string, more ...string) {
	t.Helper()
	if err := command(t.Context(), "c++", slices.Concat(objects, []string{"-o", binary}, more, fields(t, "CGO_LDFLAGS"))); err != nil {
		t.Fatal(err)
	}
}

func command(ctx context.Context, name string, arguments []string) error {
	if out, err := exec.CommandContext(ctx, name, arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// fields are the flags of an environment variable, which make sets.
func fields(t *testing.T, variable string) []string {
	value := os.Getenv(variable)
	if value == "" {
		t.Fatalf("%s is not set; run the tests with make, or set what native/flags.mk sets", variable)
	}
	return strings.Fields(value)
}
