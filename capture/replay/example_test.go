package replay_test

import (
	"context"
	"fmt"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/replay"
)

// The test pattern tells which frame it is.
func ExampleReadFrameNumber() {
	source, err := replay.Open(context.Background(), replay.Config{Pattern: "bars", Format: capture.NV12, Unpaced: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer source.Close()
	for range 3 {
		frame, err := source.Read(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		luma := func(x, y int) byte { return frame.Planes[0][y*frame.Format.Stride[0]+x] }
		number, ok := replay.ReadFrameNumber(luma, frame.Format.Width, frame.Format.Height)
		fmt.Println(frame.Sequence, number, ok)
		frame.Release()
	}
	// Output:
	// 0 0 true
	// 1 1 true
	// 2 2 true
}
