package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A world has a directory and a clock on the wall, which may be set. It is for
// bubbles of synctest, which have the monotonic one.
type world struct {
	t      *testing.T
	dir    string
	set    time.Duration // by how much the clock on the wall was
	number int
}

const keepFor = 7 * 24 * time.Hour

// start is a run of the agent.
func (w *world) start() *Directory {
	w.t.Helper()
	d := New(Config{Path: w.dir, Keep: 1 << 30, KeepFor: keepFor, Beside: ".json", Own: func(name string) (string, bool) {
		return name, strings.HasSuffix(name, ".n")
	}})
	d.clock.wall = func() time.Time { return time.Now().Round(0).Add(w.set) }
	w.expire(d)
	return d
}

func (w *world) expire(d *Directory) {
	w.t.Helper()
	if _, err := d.Expire(); err != nil {
		w.t.Fatal(err)
	}
}

// write makes a file, which the kernel dates by the world's clock.
func (w *world) write(d *Directory) {
	w.t.Helper()
	w.number++
	name := fmt.Sprintf("%03d.n", w.number)
	if err := d.Write(File{Name: name, Beside: []byte("{}")}); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(w.dir, name), time.Time{}, d.clock.wall()); err != nil {
		w.t.Fatal(err)
	}
}

// run lets time pass, and the agent look at the age of its files.
func (w *world) run(d *Directory, days float64) {
	for end := time.Now().Add(time.Duration(days * float64(24*time.Hour))); time.Now().Before(end); time.Sleep(time.Hour) {
		w.expire(d)
	}
}

func (w *world) left(want ...int) {
	w.t.Helper()
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	var names, wanted []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	for _, n := range want {
		name := fmt.Sprintf("%03d.n", n)
		wanted = append(wanted, name, name+".json")
	}
	if !slices.Equal(names, wanted) {
		w.t.Errorf("left are %q, want %q", names, wanted)
	}
}

func inWorld(t *testing.T, play func(w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { play(&world{t: t, dir: dir}) })
}

const year = 365 * 24 * time.Hour

func TestFilesGoWhenTheirTimeIsOver(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.start()
		for range 4 {
			w.write(d)
			w.run(d, 2)
		}
		w.left(2, 3, 4) // the first is 8 days old
		if d.Files() != 3 || d.Bytes() != 6 {
			t.Errorf("%d files of %d bytes", d.Files(), d.Bytes())
		}
		// Days without the agent count.
		time.Sleep(3 * 24 * time.Hour)
		d = w.start()
		w.left(4)
		w.run(d, 1.9)
		w.left(4)
		next, err := d.Expire()
		if err != nil || next <= 0 || next > 3*time.Hour {
			t.Errorf("next in %v, %v", next, err)
		}
		time.Sleep(next)
		w.expire(d)
		w.left()
	})
}

// A camera waits for Open, which deletes nothing for its age.
func TestOpenLeavesWhatIsOverdue(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.start()
		for range 3 {
			w.write(d)
		}
		time.Sleep(keepFor)
		again := New(d.cfg)
		if err := again.Open(); err != nil || again.Files() != 3 {
			t.Errorf("%d files, %v", again.Files(), err)
		}
		w.left(1, 2, 3)
		w.expire(again)
		w.left()
	})
}

// A device without a clock of its own lives in the past until it learns the
// time. Nothing is older for that, in this run or in the next one.
func TestClockThatJumpsByYearsDeletesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.set = -26 * year
		d := w.start()
		w.write(d)
		w.run(d, 3)
		w.write(d)
		w.set = 0 // NTP
		w.run(d, 1)
		w.write(d)
		w.left(1, 2, 3)
		d = w.start()
		w.left(1, 2, 3)
		w.run(d, 3.5) // the first is 7.5 days old
		w.left(2, 3)
		w.set = 40 * year // a clock that lies
		w.run(d, 1)
		w.left(2, 3)
		d = w.start()
		w.left(2, 3)
		w.run(d, 2)
		w.left(3)
	})
}

// The agent did not run when the clock was set: to the next run all files are
// years old, or those of a time when it was right are from the future.
func TestClockThatWasSetBetweenRunsDeletesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.set = -26 * year
		d := w.start()
		w.write(d)
		w.run(d, 3)
		w.write(d)
		w.set = 0
		d = w.start()
		w.left(1, 2)
		w.run(d, 3)
		w.left(1, 2)
		w.run(d, 1.5)
		w.left(2) // by the days between them
		d = w.start()
		w.left(2)
		w.run(d, 3)
		w.left()
	})
}

// Each start of such a device is in the past of its files. Their time goes on
// when the clock is right again: it is not new at each start.
func TestStartInThePastIsNoNewLife(t *testing.T) {
	inWorld(t, func(w *world) {
		d := w.start()
		w.write(d)
		for range 6 {
			w.run(d, 1)
			w.set = -26 * year
			d = w.start()
			w.write(d)
			time.Sleep(10 * time.Minute)
			w.set = 0
			w.expire(d)
			time.Sleep(10 * time.Minute)
		}
		w.left(1, 2, 3, 4, 5, 6, 7)
		w.run(d, 1)
		w.left(2, 3, 4, 5, 6, 7)
		w.run(d, 1)
		w.left(3, 4, 5, 6, 7)
	})
}

// A hundred thousand files cost a start a moment and some memory.
func TestManyFilesAreTakenStockOf(t *testing.T) {
	const n = 100_000
	dir, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for i := range n {
		f, err := os.Create(fmt.Sprintf("%s/front-archive-20261123T120000.000000Z-%08d.jpg", dir, i))
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	d := New(Config{Path: dir, Keep: 1 << 30, Own: func(name string) (string, bool) { return name, strings.HasSuffix(name, ".jpg") }})
	before := heap()
	began := time.Now()
	if err := d.Open(); err != nil {
		t.Fatal(err)
	}
	took, grown := time.Since(began), heap()-before
	t.Logf("%d files: %v, %d kB", d.Files(), took, grown/1000)
	if d.Files() != n || took > 10*time.Second || grown > 20e6 {
		t.Errorf("%d files took %v and %d bytes", d.Files(), took, grown)
	}
	runtime.KeepAlive(d)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
