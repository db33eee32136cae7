package proven

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/edge-agent/agent/agent/config"
)

// device is a config and a record in a directory of the test.
type device struct {
	*testing.T
	Source
}

func newDevice(t *testing.T) *device {
	dir := t.TempDir()
	return &device{t, Source{Path: filepath.Join(dir, "agent.yaml"), Record: filepath.Join(dir, "record")}}
}

func (d *device) edit(yaml string) {
	d.Helper()
	if err := os.WriteFile(d.Path, []byte(yaml), 0o644); err != nil {
		d.Fatal(err)
	}
}

func camera(name string) string {
	return fmt.Sprintf("cameras: {%s: {device: {pattern: bars}}}\n", name)
}

// run is a start of the agent: what it runs on, empty for nothing.
func (d *device) run() string {
	d.Helper()
	s := &Source{Path: d.Path, Record: d.Record, Accept: d.Accept} // of a new process
	c, err := s.Read()
	if err != nil {
		if c, _, err = s.Newest(); err != nil {
			return ""
		}
	}
	if err := s.InForce(); err != nil {
		d.Error(err)
	}
	return c.Cameras[0].Name
}

func (d *device) runsOn(name string) {
	d.Helper()
	if got := d.run(); got != name {
		d.Errorf("it runs on %q, want %q", got, name)
	}
}

func TestRefusedConfigLeavesTheOneThatWorked(t *testing.T) {
	d := newDevice(t)
	d.edit("cameras: {front: {devise: x}}\n")
	d.runsOn("")
	d.edit(camera("first"))
	d.runsOn("first")
	d.edit("cameras: {front: {devise: x}}\n")
	d.runsOn("first")
	d.runsOn("first")
	if err := os.Remove(d.Path); err != nil {
		t.Fatal(err)
	}
	d.runsOn("first")
	d.edit(camera("second"))
	d.runsOn("second")
}

// A version may refuse what another has accepted: it goes back to the newest that is
// to its taste.
func TestEachVersionFindsItsOwn(t *testing.T) {
	d := newDevice(t)
	for _, name := range []string{"zero", "old", "old", "new"} {
		d.edit(camera(name))
		d.runsOn(name)
	}
	d.Accept = func(c *config.Config) error {
		if c.Cameras[0].Name == "new" {
			return errors.New("what is this?")
		}
		return nil
	}
	d.runsOn("old")
	if _, since, err := d.Newest(); err != nil || since.IsZero() {
		t.Errorf("%v, %v", since, err)
	}
	d.Accept = func(*config.Config) error { return errors.New("never") }
	d.runsOn("")
	if _, _, err := d.Newest(); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

func TestOnlyThreeAreKeptAndNothingIsWrittenAgain(t *testing.T) {
	d := newDevice(t)
	for _, name := range []string{"a", "b", "c", "d", "b"} {
		d.edit(camera(name))
		d.runsOn(name)
	}
	list, err := d.load()
	if err != nil || len(list) != most {
		t.Fatalf("%d are kept, %v", len(list), err)
	}
	for i, name := range []string{"b", "d", "c"} {
		if !strings.Contains(string(list[i].Files[0].Data), name+":") {
			t.Errorf("%d: %s, want %s", i, list[i].Files[0].Data, name)
		}
	}
	before, err := os.Stat(d.Record)
	if err != nil {
		t.Fatal(err)
	}
	d.runsOn("b")
	if after, err := os.Stat(d.Record); err != nil || !os.SameFile(before, after) || before.Mode().Perm() != 0o600 {
		t.Errorf("written again, or for others to read: %v, %v", after, err)
	}
}

// The record is a file that something else may have written, or half.
func TestBadRecordsAreNone(t *testing.T) {
	d := newDevice(t)
	for name, make := range map[string]func() error{
		"empty":     func() error { return os.WriteFile(d.Record, nil, 0o600) },
		"half":      func() error { return os.WriteFile(d.Record, []byte(`[{"files": [{"path": "/etc`), 0o600) },
		"pipe":      func() error { return syscall.Mkfifo(d.Record, 0o600) },
		"directory": func() error { return os.Mkdir(d.Record, 0o700) },
		"link":      func() error { return os.Symlink(d.Path, d.Record) },
		"no files":  func() error { return os.WriteFile(d.Record, []byte(`[{"files": []}]`), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.RemoveAll(d.Record); err != nil {
				t.Fatal(err)
			}
			if err := make(); err != nil {
				t.Fatal(err)
			}
			if c, _, err := d.Newest(); err == nil {
				t.Errorf("%+v", c)
			}
		})
	}
	if err := errors.Join(os.RemoveAll(d.Record), os.WriteFile(d.Record, []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	d.edit(camera("a"))
	d.runsOn("a")
	d.edit("}")
	d.runsOn("a")
}

func TestNothingIsKeptWithoutAPlace(t *testing.T) {
	s := Source{Path: filepath.Join(t.TempDir(), "none.yaml"), Optional: true}
	if c, err := s.Read(); err != nil || len(c.Cameras) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if err := s.InForce(); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Newest(); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

// A disk that is full leaves what was there.
func TestRecordThatCannotBeWrittenStays(t *testing.T) {
	d := newDevice(t)
	d.edit(camera("a"))
	d.runsOn("a")
	before, err := os.ReadFile(d.Record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(filepath.Dir(d.Record), ".record.half"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.edit(camera("b"))
	if _, err := d.Read(); err != nil {
		t.Fatal(err)
	}
	if err := d.InForce(); err == nil {
		t.Error("no error")
	}
	if after, err := os.ReadFile(d.Record); err != nil || !bytes.Equal(before, after) {
		t.Errorf("%v: %s", err, after)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`[{"since":"2026-11-23T23:00:00Z","files":[{"path":"/etc/agent/agent.yaml","data":"Y2FtZXJhczoge30K"}]}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newDevice(t)
		if err := os.WriteFile(d.Record, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if c, _, err := d.Newest(); err == nil && c == nil {
			t.Error("neither a config nor an error")
		}
	})
}
