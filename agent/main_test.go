package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/worker"
)

// TestMain is the worker of a camera when the agent under test starts one. A
// camera's name says how its worker misbehaves: crash-7 on each frame whose
// sequence number is a multiple of 7. That of a camera wrong-N has a bit wrong in
// each image, and of a camera first-N the first one has.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "worker" {
		how, every, _ := strings.Cut(os.Args[2], "-")
		n, _ := strconv.ParseUint(every, 10, 64)
		flips := how == "wrong" || how == "first" && isFirst(os.Args[2])
		if err := worker.Serve(func(view preproc.View, specs []preproc.Spec) (preproc.Processor, error) {
			inner, err := preproc.New(view, specs)
			return &unruly{inner, how, n, flips}, err
		}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	for _, role := range roles {
		if role() {
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// roles are what else the test binary may be: each says whether it was that.
var roles []func() bool

var (
	never  atomic.Bool
	leaked [][]byte
)

type unruly struct {
	preproc.Processor
	how   string
	every uint64
	flips bool // a bit of each image
}

// isFirst is true in the first process that asks with this name.
func isFirst(name string) bool {
	return os.Mkdir(filepath.Join(os.TempDir(), name), 0o700) == nil
}

func (u *unruly) Process(ctx context.Context, f *capture.Frame, images []*preproc.Image) (preproc.Measure, error) {
	if u.flips {
		measure, err := u.Processor.Process(ctx, f, images)
		if err == nil && images[0] != nil {
			images[0].Data[len(images[0].Data)/2] ^= 4
		}
		return measure, err
	}
	if u.every == 0 || f.Sequence == 0 || f.Sequence%u.every != 0 {
		return u.Processor.Process(ctx, f, images)
	}
	switch u.how {
	case "crash":
		var nowhere *int
		*nowhere = 0
	case "hang":
		for !never.Load() {
		}
	case "leak":
		block := make([]byte, 2<<20)
		for i := range block {
			block[i] = 1
		}
		leaked = append(leaked, block)
	case "lie":
		measure, err := u.Processor.Process(ctx, f, images)
		images[0].Data = images[0].Data[:1]
		return measure, err
	}
	return u.Processor.Process(ctx, f, images)
}
