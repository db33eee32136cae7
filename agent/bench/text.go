package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

const mebi = 1 << 20

// Print writes the report for people.
func (r *Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "%d CPUs, %d MiB of memory (%s); counted on: %.0f %% of both\n", r.CPUs, r.MemoryLimit/mebi, r.MemoryLimitOf, 100*Headroom)
	for i := range r.Cameras {
		fmt.Fprintln(t)
		r.Cameras[i].print(t)
	}
	if len(r.Cameras) > 1 {
		fmt.Fprintf(t, "\nall together\t%.2f of %d CPUs, %d of %d MiB\n", r.Load, r.CPUs, r.Memory/mebi, r.MemoryLimit/mebi)
	}
	return t.Flush()
}

func (c *Camera) print(t io.Writer) {
	if c.Error != "" {
		fmt.Fprintf(t, "%s\t%s\n", c.Name, c.Error)
		return
	}
	fmt.Fprintf(t, "%s\t%s\n", c.Name, c)
	if c.MadeUp != "" {
		fmt.Fprintf(t, "  frames\tmade up: %s\n", c.MadeUp)
	}
	fmt.Fprintf(t, "  decode, and what all outputs share\t%6.2f ms\n", c.SharedMS)
	for _, o := range c.Outputs {
		due := ""
		if o.Every > 0 {
			due = fmt.Sprintf(", every %gs", o.Every)
		}
		fmt.Fprintf(t, "  output %s\t%6.2f ms%s\n", o.Name, o.AddMS, due)
	}
	fmt.Fprintf(t, "  a frame\t%6.2f ms of CPU\n", c.FrameMS)
	fmt.Fprintf(t, "  at most\t%6.1f frames/s, %.2f ms each at the median, %.2f at p99\n", c.FramesPerSecond, c.P50MS, c.P99MS)
	fmt.Fprintf(t, "  at its rate\t%6.2f CPUs, %.1f MiB\n", c.Load, float64(c.Memory)/mebi)
	other := fmt.Sprintf("memory would do for %d", c.Holds.ByMemory)
	if c.Holds.Binds == "memory" {
		other = fmt.Sprintf("the CPUs would do for %d", c.Holds.ByCPU)
	}
	fmt.Fprintf(t, "  this device holds\t%6d such cameras: %s binds, %s\n", c.Holds.Cameras, map[string]string{"cpu": "the CPU", "memory": "memory"}[c.Holds.Binds], other)
}
