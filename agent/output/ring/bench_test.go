package ring_test

import (
	"fmt"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/preproc"
	"golang.org/x/sys/unix"
)

// The way out for a 640x640 float32 tensor: lent memory against a copy, by the
// number of consumers that keep up.
func BenchmarkWrite(b *testing.B) {
	spec := preproc.Spec{Name: "model", Width: 640, Height: 640, DType: preproc.Float32, Layout: preproc.CHW}
	for _, lent := range []bool{true, false} {
		for _, consumers := range []int{0, 1, 10} {
			b.Run(fmt.Sprintf("lent=%v/consumers=%d", lent, consumers), func(b *testing.B) {
				r, path := open(b, func(c *ring.Config) { c.Spec = spec })
				fds := make([]int, consumers)
				for i := range fds {
					fds[i] = knock(b, path)
					defer unix.Close(fds[i])
					_, memfd := receive(b, fds[i])
					unix.Close(memfd)
				}
				own := make([]byte, 640*640*3*4)
				img := &preproc.Image{Spec: &spec, Width: 640, Height: 640}
				message := make([]byte, 128)
				b.ReportAllocs()
				if !lent {
					b.SetBytes(int64(len(own))) // else nothing is moved
				}
				for b.Loop() {
					if img.Data = own; lent {
						img.Data = r.Lend()
					}
					if err := r.Write(b.Context(), img); err != nil {
						b.Fatal(err)
					}
					for _, fd := range fds {
						if _, err := unix.Read(fd, message); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}
