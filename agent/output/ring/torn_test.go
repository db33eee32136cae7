package ring_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/preproc"
)

var reads = flag.Float64("reads", 1e5, "frames to read while they are written over, by TestNoTornFrameIsEverValid")

const quotaVar = "RING_TEST_QUOTA"

// verify does in Go what python/verify.py and c/verify.c do.
func verify() {
	quota, _ := strconv.Atoi(os.Getenv(quotaVar))
	in, err := reader.Dial(os.Getenv(socketVar))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	var valid, overtaken, torn int
	for valid+torn < quota {
		f, err := in.Newest()
		if errors.Is(err, reader.ErrNone) {
			continue
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		whole := true
		for i := 0; i < len(f.Data); i += 8 {
			whole = whole && binary.LittleEndian.Uint64(f.Data[i:]) == f.Sequence
		}
		switch ok := f.Valid(); {
		case !ok:
			overtaken++
		case whole:
			valid++
		default:
			torn++
		}
	}
	fmt.Println("result", valid, overtaken, torn)
}

// instrumented says that the race detector makes a look at each word of a frame as
// slow as its writing: of two slots, a reader in Go then gets one frame in 200 whole.
var instrumented bool

// A writer that never rests writes over what readers in three languages read, of
// two slots in turns. What they are told is whole must be; -args -reads=1e7 makes
// them read as many.
func TestNoTornFrameIsEverValid(t *testing.T) {
	spec := preproc.Spec{Name: "stress", Width: 64, Height: 32}
	slots := 2
	if instrumented {
		slots = 4
	}
	r, path := open(t, func(c *ring.Config) { c.Spec, c.Slots = spec, slots })
	quota := func(share float64) string { return fmt.Sprintf("%.0f", share**reads) }
	goes := exec.Command(os.Args[0])
	goes.Env = append(os.Environ(), consumerVar+"=verify", socketVar+"="+path, quotaVar+"="+quota(0.4))
	readers := map[string]*process{
		"Go":     begin(t, goes),
		"C":      begin(t, exec.Command(compiled(t, "verify.c", "-O2"), path, quota(0.5))),
		"Python": begin(t, exec.Command(python, "-B", "python/verify.py", path, quota(0.1))),
	}
	var allOvertaken, left atomic.Int64
	left.Store(int64(len(readers)))
	for name, p := range readers {
		go func() {
			defer left.Add(-1)
			var valid, overtaken, torn int64
			p.out.Scan()
			if _, err := fmt.Sscanf(p.out.Text(), "result %d %d %d", &valid, &overtaken, &torn); err != nil {
				t.Errorf("%s: %q: %v", name, p.out.Text(), err)
			}
			if torn != 0 {
				t.Errorf("%s: %d torn frames were called valid", name, torn)
			}
			allOvertaken.Add(overtaken)
			t.Logf("%s: %d read whole, %d overtaken, %d torn", name, valid, overtaken, torn)
		}()
	}
	frames := uint64(0)
	for ; left.Load() > 0; frames++ {
		data := r.Lend()
		for i := 0; i < len(data); i += 8 {
			binary.LittleEndian.PutUint64(data[i:], frames)
		}
		img := &preproc.Image{Spec: &spec, Data: data, Width: spec.Width, Height: spec.Height, Sequence: frames}
		if err := r.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d frames written", frames)
	if allOvertaken.Load() == 0 {
		t.Error("no frame was overtaken: that must happen for this to be a test")
	}
}
