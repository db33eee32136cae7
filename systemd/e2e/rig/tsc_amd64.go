package rig

import (
	"fmt"
	"time"
)

func rdtsc() uint64

// emulatedClock tells the guest's kernel the rate of its TSC, which under
// emulation is the host's: left to measure it by itself on a busy host, it has
// come out at a third of it, and the guest's clock ran three times too fast.
func emulatedClock() string {
	start, ticks := time.Now(), rdtsc()
	time.Sleep(100 * time.Millisecond)
	ticks = rdtsc() - ticks
	return fmt.Sprintf("tsc=reliable clocksource=tsc tsc_early_khz=%d", ticks*uint64(time.Millisecond)/uint64(time.Since(start)))
}
