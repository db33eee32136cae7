//go:build callgrind

package native_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what was counted to testdata, as the new mark")

// tolerance is what may come of a compiler's or a library's security update.
const tolerance = 0.03

// framesCounted are those of each job in test/instructions.cc.
const framesCounted = 2

// sets are the instruction sets that are counted, chosen in our kernels and in
// libjpeg-turbo by their environment variables. valgrind shows every
// program the same made-up processor, so that the machine does not matter, but
// for AVX2, which it has to have itself. AVX-512 valgrind does not know.
var sets = map[string][]string{
	"avx2": {"AGENT_SIMD=avx2"}, // JSIMD_FORCEAVX2 would take away what libjpeg-turbo has for SSE2 only
	"sse4": {"AGENT_SIMD=sse4", "JSIMD_FORCESSE2=1"},
}

// A camera's frame costs as many instructions as it did, within tolerance: time
// is too noisy to guard, this is the same on each run. More is a loss, and fewer
// is a gain that would be lost unseen: both ask for a new mark and its reason.
func TestInstructionsPerFrame(t *testing.T) {
	mark := filepath.Join("testdata", "instructions_"+runtime.GOARCH+".txt")
	want, err := readCounts(mark)
	if err != nil && !*update {
		t.Fatalf("%v; make instructions UPDATE=1 makes one", err)
	}
	got := counted(t, counter(t), want)
	for _, job := range slices.Sorted(maps.Keys(got)) {
		change := float64(got[job])/float64(want[job]) - 1
		t.Logf("%-26s %9d instructions a frame, mark %9d, %+.1f %%", job, got[job], want[job], 100*change)
		if !*update && !(math.Abs(change) <= tolerance) {
			t.Errorf("%s: %d instructions a frame, the mark is %d: allowed is a change of %.0f %%; make instructions UPDATE=1 makes this the mark, for a reason that belongs into the commit",
				job, got[job], want[job], 100*tolerance)
		}
	}
	for job := range want {
		if _, ok := got[job]; !ok && !*update {
			t.Errorf("%s: has a mark, but was not counted", job)
		}
	}
	if *update {
		writeCounts(t, mark, got)
	}
}

// counter builds the program whose instructions count, as cgo would build it.
func counter(t *testing.T) string {
	binary := filepath.Join(t.TempDir(), "instructions")
	objects := compileAll(t, sources(t, "*.c", "*.cc", "test/harness.cc", "test/instructions.cc"), "-O3")
	link(t, binary, objects)
	return binary
}

// counted runs the program once for each instruction set that this processor
// has. Of one that it lacks, the marks are taken as counted.
func counted(t *testing.T, binary string, marks map[string]int64) map[string]int64 {
	counts := map[string]int64{}
	for set, env := range sets {
		if set == "avx2" && runtime.GOARCH == "amd64" && !hasAVX2(t) {
			t.Log("avx2 is not counted: this processor has none")
			maps.Copy(counts, marks)
			maps.DeleteFunc(counts, func(job string, _ int64) bool { return !strings.HasPrefix(job, "avx2") })
			continue
		}
		dir := t.TempDir()
		command := exec.CommandContext(t.Context(), "valgrind", "--tool=callgrind", "--instr-atstart=no",
			"--callgrind-out-file="+filepath.Join(dir, "out"), binary, filepath.Join("..", "testdata", "jpeg", "422-720p.jpg"))
		command.Env = append(os.Environ(), env...)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("valgrind: %v\n%s", err, out)
		}
		for job, n := range dumps(t, dir) {
			counts[set+" "+job] = n / framesCounted
		}
	}
	return counts
}

func hasAVX2(t *testing.T) bool {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(info, []byte(" avx2 "))
}

// dumps reads the totals of callgrind's files, by the names that the program
// gave them.
func dumps(t *testing.T, dir string) map[string]int64 {
	files, err := filepath.Glob(filepath.Join(dir, "out.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("callgrind left no file, %v", err)
	}
	totals := map[string]int64{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(content), "desc: Trigger: Client Request: ")
		job, _, _ := strings.Cut(after, "\n")
		_, after, _ = strings.Cut(after, "\ntotals: ")
		var total int64
		if _, err := fmt.Sscan(after, &total); err == nil {
			totals[job] = total
		}
	}
	return totals
}

// readCounts reads lines of an instruction set, a job and a count.
func readCounts(name string) (map[string]int64, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		var set, job string
		var n int64
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		if _, err := fmt.Sscan(lines.Text(), &set, &job, &n); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", name, lines.Text(), err)
		}
		counts[set+" "+job] = n
	}
	return counts, lines.Err()
}

func writeCounts(t *testing.T, name string, counts map[string]int64) {
	var b strings.Builder
	b.WriteString("# Instructions a frame, by callgrind: make instructions UPDATE=1 writes this.\n")
	for _, job := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "%-26s %9d\n", job, counts[job])
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
