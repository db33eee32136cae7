//go:build deb

// The package as it was built: `make deb-test`.
package systemd_test

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// installedSize is what the package may add to a minimal Debian 12 with systemd,
// with all that it depends on, in bytes.
const installedSize = 20e6

// Of the dependencies, what such a Debian has already: debootstrap's minbase, in
// which apt brings the C++ library, and systemd.
var minimal = []string{"libc6", "libgcc-s1", "libstdc++6", "systemd"}

// Of the others, their Installed-Size in kB: they depend on nothing but minimal.
// The larger one of the architectures.
var added = map[string]int{"libjpeg62-turbo": 677}

// program is the agent's, of package.
func program(t *testing.T) *elf.File {
	t.Helper()
	f, err := elf.Open(filepath.Join(unpacked(t, debPath(t)), "usr/bin/agent"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func debPath(t *testing.T) string {
	t.Helper()
	path := os.Getenv("DEB")
	if path == "" {
		t.Fatal("DEB is not set; make deb-test does it")
	}
	return path
}

func unpacked(t *testing.T, deb string) string {
	t.Helper()
	dir := t.TempDir()
	command(t, "dpkg-deb", "--extract", deb, dir)
	return dir
}

func command(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	var errs bytes.Buffer
	cmd := exec.Command(name, arguments...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, arguments, err, out, errs.String())
	}
	return strings.TrimSpace(string(out))
}

func field(t *testing.T, name string) string {
	t.Helper()
	return command(t, "dpkg-deb", "--field", debPath(t), name)
}

func TestPackageIsSmall(t *testing.T) {
	kB, err := strconv.Atoi(field(t, "Installed-Size"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("edge-agent: %d kB", kB)
	for dependency := range strings.SplitSeq(field(t, "Depends"), ", ") {
		name, _, _ := strings.Cut(dependency, " ")
		if slices.Contains(minimal, name) {
			continue
		}
		size, known := added[name]
		if !known {
			t.Errorf("the package depends on %s, whose size nobody has weighed", name)
		}
		t.Logf("%s: %d kB", name, size)
		kB += size
	}
	t.Logf("together %.1f MB; allowed: %.0f", float64(kB)*1024/1e6, installedSize/1e6)
	if kB*1024 > installedSize {
		t.Errorf("with its dependencies the package takes %d kB", kB)
	}
}

// What Debian asks of a program that reads what it does not trust.
func TestProgramIsHardened(t *testing.T) {
	f := program(t)
	flags, err := f.DynValue(elf.DT_FLAGS_1)
	if err != nil || len(flags) != 1 || elf.DynFlag1(flags[0])&(elf.DF_1_PIE|elf.DF_1_NOW) != elf.DF_1_PIE|elf.DF_1_NOW || f.Type != elf.ET_DYN {
		t.Errorf("it is no PIE that is bound when it starts: %v, %v, %v", f.Type, flags, err)
	}
	var relro bool
	for _, p := range f.Progs {
		relro = relro || p.Type == elf.PT_GNU_RELRO
		if p.Flags&(elf.PF_W|elf.PF_X) == elf.PF_W|elf.PF_X {
			t.Errorf("%v can be written and run", p.Type)
		}
	}
	if !relro {
		t.Error("its relocated data stays writable")
	}
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		if paths, err := f.DynString(tag); err != nil || len(paths) > 0 {
			t.Errorf("%v is %q, %v", tag, paths, err)
		}
	}
	symbols, err := f.ImportedSymbols()
	if err != nil {
		t.Fatal(err)
	}
	for what, name := range map[string]string{"the stack is protected": `^__stack_chk_fail$`, "buffers are checked": `^__\w+_chk$`} {
		if !slices.ContainsFunc(symbols, func(s elf.ImportedSymbol) bool { return regexp.MustCompile(name).MatchString(s.Name) }) {
			t.Errorf("nothing shows that %s", what)
		}
	}
}

// A library that comes along unseen is a dependency, an attack surface, and time
// at each start.
func TestProgramNeedsFewLibraries(t *testing.T) {
	libraries, err := program(t).ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(libraries)
	libraries = slices.DeleteFunc(libraries, func(name string) bool { return strings.HasPrefix(name, "ld-linux-") })
	if want := []string{"libc.so.6", "libgcc_s.so.1", "libjpeg.so.62", "libm.so.6", "libstdc++.so.6"}; !slices.Equal(libraries, want) {
		t.Errorf("it is linked with %q, want %q", libraries, want)
	}
}

// With edge-agent-dbgsym, addresses of Go and of C++ have names and lines, found
// by the build ID; without it, the program has none. (addr2line of Debian 12 does
// not read what Go 1.26 writes, DWARF 5.)
func TestDebugSymbolsNameAddresses(t *testing.T) {
	f := program(t)
	if _, err := f.Symbols(); err == nil {
		t.Error("the program has symbols")
	}
	note, err := f.Section(".note.gnu.build-id").Data()
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("%x", note[16:])
	dbgsym := strings.Replace(debPath(t), "edge-agent_", "edge-agent-dbgsym_", 1)
	symbols := filepath.Join(unpacked(t, dbgsym), "usr/lib/debug/.build-id", id[:2], id[2:]+".debug")
	debug, err := elf.Open(symbols)
	if err != nil {
		t.Fatal(err)
	}
	defer debug.Close()
	all, err := debug.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"preproc_run": `preproc.cc"`, "main.main": `cmd/agent/main.go"`} {
		i := slices.IndexFunc(all, func(s elf.Symbol) bool { return s.Name == name })
		if i < 0 {
			t.Fatalf("there is no %s in %s", name, symbols)
		}
		got := command(t, "gdb", "--nx", "--quiet", "--batch", "-ex", fmt.Sprintf("info line *%#x", all[i].Value), symbols)
		if !strings.Contains(got, "<"+name) || !strings.Contains(got, want) {
			t.Errorf("the address of %s is told to be %q, want a line of %s", name, got, want)
		}
	}
}

// What is found by its place.
func TestPackageHasItsFiles(t *testing.T) {
	root := unpacked(t, debPath(t))
	for _, path := range []string{
		"etc/agent/agent.yaml",
		"lib/systemd/system/agent.service",
		"usr/lib/sysusers.d/edge-agent.conf",
		"usr/lib/systemd/catalog/agent.catalog",
		"usr/share/bash-completion/completions/agent",
		"usr/share/man/man1/agent.1.gz",
		"usr/share/man/man5/agent.yaml.5.gz",
		"usr/share/man/man7/agent-ring.7.gz",
		"usr/share/man/man8/agent.8.gz",
		"usr/share/doc/edge-agent/changelog.gz",
		"usr/share/doc/edge-agent/copyright",
		"usr/share/doc/edge-agent/examples/60-edge-agent-usb-reset.rules",
	} {
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Error(err)
		}
	}
}

// Every complaint has an override with its reason, or is mended.
func TestLintianHasNothingToSay(t *testing.T) {
	if got := command(t, "lintian", "--allow-root", "--pedantic", "--display-info", "--display-experimental", debPath(t)); got != "" {
		t.Error(got)
	}
}

// Whoever has the same commit can tell that nothing was slipped in: built again
// elsewhere, in another zone and language and with other rights, it is the same.
func TestBuildIsReproducible(t *testing.T) {
	again := os.Getenv("DEB_AGAIN")
	if again == "" {
		t.Fatal("DEB_AGAIN is not set; make deb-test does it")
	}
	for _, name := range []string{filepath.Base(debPath(t)), strings.Replace(filepath.Base(debPath(t)), "edge-agent_", "edge-agent-dbgsym_", 1)} {
		want, err := os.ReadFile(filepath.Join(filepath.Dir(debPath(t)), name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(again, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: a second build is another one", name)
		}
	}
}
