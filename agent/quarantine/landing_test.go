package quarantine

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/agent/spool/spooltest"
)

// The process may die between writing the entry and removing the record.
func TestEntryMadeTwiceIsOneEntry(t *testing.T) {
	dir := t.TempDir()
	die(t, dir)
	record := filepath.Join(dir, ".in-flight", "front")
	data, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	var first []*Entry
	for i := range 3 {
		if err := os.WriteFile(record, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var o told
		closed(t, open(t, o.config(dir, 1<<20)))
		entries := entriesIn(t, dir)
		if len(entries) != 1 || i > 0 && !bytes.Equal(written(t, entries[0]), written(t, first[0])) {
			t.Fatalf("%d entries, or another one", len(entries))
		}
		first = entries
	}
}

// Records wait in memory for a disk that is full, a few of them.
func TestRecordsWaitForTheDisk(t *testing.T) {
	disk, flights := spooltest.Small(t), t.TempDir()
	hog := filepath.Join(disk, "hog")
	spooltest.Fill(t, hog)
	synctest.Test(t, func(t *testing.T) {
		var o told
		c := o.config(disk, 1<<20)
		c.FlightDir = flights
		for n := range uint64(maxLeft + 3) {
			time.Sleep(time.Second)
			s := open(t, c)
			fly(t, s, "front").Begin(numbered(n))
			if st := closed(t, s); st.Kept != 0 {
				t.Fatalf("%+v", st)
			}
		}
		s := open(t, c)
		synctest.Wait()
		if lefts, err := leftIn(flights); len(lefts) != maxLeft || err != nil {
			t.Errorf("%q wait, %v", lefts, err)
		}
		if err := os.Remove(hog); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		offer(s, "front", "corrupt", 99, 1000) // the disk takes one: then it takes them all
		closed(t, s)
	})
	var sequences []uint64
	for _, e := range entriesIn(t, disk) {
		sequences = append(sequences, e.Frame.Sequence)
	}
	slices.Sort(sequences)
	if lefts, _ := leftIn(flights); len(lefts) != 0 || len(sequences) == 0 || sequences[len(sequences)-1] != 99 {
		t.Errorf("%q wait, entries of %v", lefts, sequences)
	}
}

func TestWhatIsNoRecordIsNoEntry(t *testing.T) {
	dir := t.TempDir()
	flights := filepath.Join(dir, ".in-flight")
	die(t, dir)
	good, err := os.ReadFile(filepath.Join(flights, "front"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := func(at int, value byte) []byte {
		d := slices.Clone(good)
		d[at] ^= value
		return d
	}
	for name, data := range map[string][]byte{
		"empty": nil, "short": good[:recordBytes-1], "cut": good[:recordBytes+10], "junk": bytes.Repeat([]byte{0xff}, 9000),
		"version": damaged(7, 0xff), "state": damaged(8, 0xff), "format": damaged(16, 0xff), "width": damaged(31, 0xff),
		"stride": damaged(47, 0x40), "matrix": damaged(72, 0xf0), "range": damaged(80, 0xf0), "bytes": damaged(143, 0x80),
		"late.9999999999999999999": good, "early.0000000000000000000": damaged(100, 0),
	} {
		if err := os.WriteFile(filepath.Join(flights, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	foreign := filepath.Join(flights, "Notes.txt")
	if err := os.WriteFile(foreign, good, 0o600); err != nil {
		t.Fatal(err)
	}
	var o told
	st := closed(t, open(t, o.config(dir, 1<<20)))
	var cameras []string
	for _, e := range entriesIn(t, dir) {
		cameras = append(cameras, e.Camera)
	}
	if slices.Sort(cameras); strings.Join(cameras, " ") != "early front late" || len(o.trouble) != 0 {
		t.Errorf("entries of %q, %+v, told %q", cameras, st, o.trouble)
	}
	if list, err := os.ReadDir(flights); err != nil || len(list) != 1 {
		t.Errorf("left: %v, %v", list, err)
	}
}
