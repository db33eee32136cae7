package v4l2

import (
	"context"
	"fmt"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// BenchmarkRead is the cost of a frame in this package, without the kernel's
// part: two eventfds stand for it.
func BenchmarkRead(b *testing.B) {
	k := newKernel(b, capture.GREY)
	s := k.mustOpen(Config{})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ReportAllocs()
	b.SetBytes(int64(len(picture64)))
	for b.Loop() {
		k.refill()
		f, err := s.Read(ctx)
		if err != nil {
			b.Fatal(err)
		}
		f.Release()
	}
}

// BenchmarkTrimJPEG looks for the end of a frame that is padded, and of one
// that has none.
func BenchmarkTrimJPEG(b *testing.B) {
	for _, padding := range []int{0, 4 << 10, 1 << 20} {
		jpeg := make([]byte, 200<<10+padding)
		jpeg[0], jpeg[1] = 0xFF, 0xD8
		jpeg[len(jpeg)-padding-2], jpeg[len(jpeg)-padding-1] = 0xFF, 0xD9
		b.Run(fmt.Sprintf("padding=%d", padding), func(b *testing.B) {
			b.SetBytes(int64(len(jpeg)))
			for b.Loop() {
				trimJPEG(jpeg)
			}
		})
	}
}
