package quarantine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/agent/spool/spooltest"
	"github.com/edge-agent/agent/capture"
)

func TestFullDiskIsToldOnceAndGotOver(t *testing.T) {
	dir := spooltest.Small(t)
	hog := filepath.Join(dir, "hog")
	synctest.Test(t, func(t *testing.T) {
		var o told
		s := open(t, o.config(dir, 1<<30))
		synctest.Wait()
		spooltest.Fill(t, hog)
		for i := range uint64(100) { // one a second, as long as a minute's pause and more
			offer(s, "front", "corrupt", i, 10000)
			time.Sleep(time.Second)
		}
		if st := s.Stats(); st.Kept != 0 || st.Dropped != (Dropped{Full: 100}) || st.LastError == nil {
			t.Errorf("%+v", st)
		}
		if len(o.trouble) != 1 || !strings.Contains(o.trouble[0], "no space left") {
			t.Errorf("told %q, want it once", o.trouble)
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
			t.Errorf("half an entry was left: %v, %v", list, err)
		}
		if err := os.Remove(hog); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for i := range uint64(PerHour + 1) { // what failed did not use the hour up
			offer(s, "front", "corrupt", 100+i, 10000)
		}
		if st := closed(t, s); st.Kept != PerHour || st.Dropped.Suppressed != 1 || st.LastError != nil {
			t.Errorf("%+v", st)
		}
		if len(o.trouble) != 2 || o.trouble[1] != "<nil>" {
			t.Errorf("told %q, want the end of it", o.trouble)
		}
	})
}

func TestReadOnlyDiskAndDeletedDirectoryAreGotOver(t *testing.T) {
	dir := spooltest.Small(t)
	quarantined := filepath.Join(dir, "quarantine")
	synctest.Test(t, func(t *testing.T) {
		spooltest.Remount(t, dir, true)
		var o told
		s := open(t, o.config(quarantined, 1<<20))
		offer(s, "front", "corrupt", 0, 100)
		spooltest.Remount(t, dir, false)
		time.Sleep(time.Minute)
		offer(s, "front", "corrupt", 1, 100)
		if err := os.RemoveAll(quarantined); err != nil {
			t.Fatal(err)
		}
		offer(s, "front", "corrupt", 2, 100) // makes the directory again
		if st := closed(t, s); st.Kept != 2 || st.Dropped != (Dropped{Failed: 1}) || st.LastError != nil || st.Files != 1 {
			t.Errorf("%+v", st)
		}
		if len(o.trouble) != 2 || !strings.Contains(o.trouble[0], "read-only") || o.trouble[1] != "<nil>" {
			t.Errorf("told %q", o.trouble)
		}
	})
	if n := len(entriesIn(t, quarantined)); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// With this variable set the test binary is a process that will die.
const roleVar = "QUARANTINE_TEST_ROLE"

func TestMain(m *testing.M) {
	role, dir, _ := strings.Cut(os.Getenv(roleVar), ":")
	switch role {
	case "offer":
		offerForever(dir)
	case "dash":
		dashForever(dir)
	case "fly":
		flyForever(dir)
	default:
		os.Exit(m.Run())
	}
}

// large is the bytes of a frame that takes long enough to be killed at.
const large = 2 << 20

// offerForever quarantines frames, each one for another reason so that nothing
// is suppressed, and says how many it has.
func offerForever(dir string) {
	kept := make(chan struct{}, 1)
	s, err := New(Config{
		Dir: dir, Keep: 20 * large,
		Kept:    func(*Entry, string, uint64) { kept <- struct{}{} },
		Trouble: func(err error) { panic(err) }, // or the test would wait for ever
	})
	if err != nil {
		panic(err)
	}
	f := &capture.Frame{Format: capture.Format{PixelFormat: capture.MJPG, Width: 64, Height: 48}}
	f.Planes[0] = make([]byte, large)
	for f.Sequence = uint64(os.Getpid()) << 32; ; f.Sequence++ {
		f.Timestamp = capture.Monotonic()
		s.Offer("front", f, Cause{fmt.Sprintf("r%c%c", 'a'+f.Sequence/26%26, 'a'+f.Sequence%26), ""})
		<-kept
		fmt.Println(f.Sequence)
	}
}

// untilKilled runs this binary in a role.
func untilKilled(t *testing.T, role, dir string, lines int) string {
	t.Helper()
	return spooltest.UntilKilled(t, roleVar+"="+role+":"+dir, lines)
}

func TestKilledAgentLeavesNoHalfEntry(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "quarantine") // in memory nearly all the time goes into write(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for range 10 {
		untilKilled(t, "offer", dir, 4)
		entriesIn(t, dir) // reads every one to its checksum
		var o told
		s := open(t, o.config(dir, 20*large))
		st := closed(t, s)
		list, err := os.ReadDir(dir)
		if err != nil || len(list) != st.Files || st.BytesKept > 20*large || len(o.trouble) > 0 {
			t.Fatalf("%v, %v, %+v, told %q", list, err, st, o.trouble)
		}
	}
}
