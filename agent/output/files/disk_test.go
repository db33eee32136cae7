package files_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/agent/spool/spooltest"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// picture takes 10 of the 64 pages.
var picture = make([]byte, 10*4096)

func TestFullDiskOfOursGivesTheOldest(t *testing.T) {
	dir := spooltest.Small(t)
	synctest.Test(t, func(t *testing.T) {
		f := open(t, dir, 1<<30) // keep promises more than there is
		for i := range uint64(50) {
			time.Sleep(time.Second)
			write(t, f, i, picture)
		}
		if s := closed(t, f); s.Written != 50 || s.Files != 6 || s.LastError != nil {
			t.Errorf("%+v", s)
		}
	})
	if names, _ := list(t, dir); len(names) != 6 || !strings.HasSuffix(names[5], "-00000049.jpg") {
		t.Errorf("left: %q", names)
	}
}

func TestFullDiskOfOthersIsWaitedFor(t *testing.T) {
	dir := spooltest.Small(t)
	hog := filepath.Join(dir, "hog")
	synctest.Test(t, func(t *testing.T) {
		f := open(t, dir, 1<<30)
		for i := range uint64(3) {
			write(t, f, i, picture)
		}
		spooltest.Fill(t, hog)
		// One old picture makes room for one new one. The hog takes it all.
		write(t, f, 3, picture)
		if s := f.Stats(); s.Written != 4 || s.Files != 3 {
			t.Errorf("%+v", s)
		}
		write(t, f, 4, make([]byte, 64*4096)) // no room for this one in any case
		write(t, f, 5, picture)
		if s := f.Stats(); s.Written != 4 || s.Dropped.Full != 2 || s.LastError == nil {
			t.Errorf("%+v", s)
		}
		if names, _ := list(t, dir); len(names) != 1 {
			t.Errorf("left, half files among them: %q", names)
		}
		spooltest.Fill(t, hog)
		time.Sleep(time.Second)
		write(t, f, 6, picture) // tried again, in vain
		time.Sleep(time.Second)
		write(t, f, 7, picture) // not tried: the pause has doubled
		if s := f.Stats(); s.Written != 4 || s.Dropped.Full != 4 || s.Files != 0 {
			t.Errorf("%+v", s)
		}
		if err := os.Remove(hog); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		write(t, f, 8, picture)
		if s := closed(t, f); s.Written != 5 || s.Dropped.Full != 4 || s.LastError != nil || f.Err() != nil {
			t.Errorf("there is room again: %+v", s)
		}
	})
}

// With this variable set the test binary writes pictures until it is killed.
const dirVar = "FILES_TEST_DIR"

// large is the bytes of a picture that takes long enough to be killed at.
const large = 2 << 20

func TestMain(m *testing.M) {
	if dir := os.Getenv(loserVar); dir != "" {
		lose(dir)
		os.Exit(0)
	}
	dir := os.Getenv(dirVar)
	if dir == "" {
		os.Exit(m.Run())
	}
	f, err := files.New(files.Config{Dir: dir, Keep: 20 * large, Camera: "front", Output: "archive", Spec: jpeg, MaxBytes: large, Sidecar: true})
	if err != nil {
		panic(err)
	}
	img := &preproc.Image{Width: 640, Height: 480, Data: make([]byte, large)}
	for said := uint64(0); ; img.Sequence++ {
		img.Timestamp = capture.Monotonic()
		if err := f.Write(context.Background(), img); err != nil {
			panic(err)
		}
		if written := f.Stats().Written; written != said {
			said = written
			fmt.Println(written)
		}
	}
}

func TestKilledAgentLeavesNoHalfPicture(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "files") // in memory nearly all the time goes into write(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for range 20 {
		spooltest.UntilKilled(t, dirVar+"="+dir, 5)
		if names, _ := list(t, dir); wholePictures(t, dir, names) == 0 {
			t.Fatalf("%q", names)
		}
		closed(t, open(t, dir, 20*large))
		names, bytes := list(t, dir)
		if n := wholePictures(t, dir, names); 2*n != len(names) || bytes > 20*large {
			t.Fatalf("%q have %d bytes, %d pictures", names, bytes, n)
		}
	}
}

// wholePictures counts those, each of which must be whole and have a record
// beside it that is, too.
func wholePictures(t *testing.T, dir string, names []string) (n int) {
	t.Helper()
	for _, name := range names {
		if strings.HasPrefix(name, ".tmp-") || !strings.HasSuffix(name, ".jpg") {
			continue
		}
		var record struct {
			File  string
			Bytes int
		}
		text, err := os.ReadFile(filepath.Join(dir, name+".json"))
		if err != nil || json.Unmarshal(text, &record) != nil || record.File != name || record.Bytes != large {
			t.Fatalf("%s: %v: %s", name, err, text)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != large {
			t.Fatalf("%v, %v", info, err)
		}
		n++
	}
	return n
}
