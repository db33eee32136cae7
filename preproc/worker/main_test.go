package worker

import (
	"context"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// TestMain is a child when the executable is started as one. The name of the
// processor says how it misbehaves: "segv-3" on the frame with sequence 3.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "worker" {
		if err := beChild(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 2 && os.Args[1] == "agent" {
		if err := beAgent(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func beChild(name string) error {
	how, at, _ := strings.Cut(name, "-")
	if how == "stillborn" {
		return fmt.Errorf("this child was never ready")
	}
	sequence, _ := strconv.ParseUint(at, 10, 64)
	return Serve(func(view preproc.View, specs []preproc.Spec) (preproc.Processor, error) {
		inner, err := preproc.New(view, specs)
		return &unruly{inner, how, sequence}, err
	})
}

// unruly does as it should but for one frame, or for all when it is told 0.
type unruly struct {
	preproc.Processor
	how string
	at  uint64
}

func (u *unruly) Process(ctx context.Context, f *capture.Frame, images []*preproc.Image) (preproc.Measure, error) {
	if u.how == "flip" { // a bit, in all images from one on
		measure, err := u.Processor.Process(ctx, f, images)
		if flips = flips || f.Sequence == u.at; flips && images[0] != nil && err == nil {
			images[0].Data[len(images[0].Data)/2] ^= 4
		}
		return measure, err
	}
	if u.at != 0 && f.Sequence != u.at {
		return u.Processor.Process(ctx, f, images)
	}
	switch u.how {
	case "segv":
		// In C++, as a real one is: it reads a plane that is not there any more.
		gone, err := unix.Mmap(-1, 0, len(f.Planes[0]), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
		if err != nil {
			panic(err)
		}
		f.Planes[0] = gone
		unix.Munmap(gone)
	case "abort":
		unix.Tgkill(os.Getpid(), unix.Gettid(), syscall.SIGABRT)
	case "panic":
		panic("a bug in Go")
	case "exit":
		unix.Exit(0) // at once: the race detector thinks for a second
	case "busy": // for 60 ms of CPU
		for began := ownCPU(); ownCPU()-began < 60*time.Millisecond; {
		}
	case "loop":
		for !never.Load() {
		}
	case "memory":
		for range 4 {
			hoard = append(hoard, make([]byte, 256<<20))
			for i := 0; i < len(hoard[len(hoard)-1]); i += 4096 {
				hoard[len(hoard)-1][i] = 1
			}
		}
	case "escape":
		return preproc.Measure{}, &preproc.Error{Reason: preproc.ReasonCorrupt, Detail: "escaped by: " + strings.Join(escapes(), " ")}
	case "nan", "dark":
		measure, err := u.Processor.Process(ctx, f, images)
		measure.LumaHigh = map[string]float32{"nan": float32(math.NaN()), "dark": -1}[u.how]
		return measure, err
	case "sharp":
		measure, err := u.Processor.Process(ctx, f, images)
		measure.Sharpness = float32(math.Inf(1))
		return measure, err
	case "part":
		unix.Write(childSocket, make([]byte, 100))
	case "old", "flood": // once, or for as long as it is let
		old := answer{Serial: 1}
		for again := true; again; again = u.how == "flood" {
			unix.Write(childSocket, memoryOf(&old))
		}
	case "twice":
		measure, err := u.Processor.Process(ctx, f, images)
		first := answer{Serial: 2, Measure: measure}
		first.Lengths[0] = uint64(len(images[0].Data))
		unix.Write(childSocket, memoryOf(&first))
		return measure, err
	case "nothing":
		unix.Write(childSocket, nil)
	case "hangup":
		unix.Close(childSocket)
	case "terminal":
		return preproc.Measure{}, &preproc.Error{Reason: preproc.ReasonCorrupt, Detail: "\x1b[2J\xffgone"}
	case "vandal": // writes in front of the image
		*(*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(images[0].Data)), -1)) = 0xee
	case "half": // writes some of the image, and dies
		images[0].Data[:cap(images[0].Data)][0] = 0xee
		unix.Exit(3)
	case "short", "long", "empty":
		measure, err := u.Processor.Process(ctx, f, images)
		n := map[string]int{"short": len(images[0].Data) - 1, "empty": 0, "long": 1 << 40}[u.how]
		claim(&images[0].Data, n)
		return measure, err
	}
	return u.Processor.Process(ctx, f, images)
}

var (
	hoard [][]byte
	never atomic.Bool
	flips bool
)

// ownCPU is how long this process has computed.
func ownCPU() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
