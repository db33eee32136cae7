package files_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/agent/spool/spooltest"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// A disk that cannot be written to, or is gone, is tried less and less often,
// and written to again by itself. The error is the same all the while.
func TestReadOnlyDiskIsAState(t *testing.T) {
	dir := spooltest.Small(t)
	synctest.Test(t, func(t *testing.T) {
		f := open(t, dir, 1<<20)
		write(t, f, 0, picture)
		spooltest.Remount(t, dir, true)
		for i := range uint64(100) {
			time.Sleep(time.Second)
			write(t, f, 1+i, picture)
			if err := f.Err(); err == nil || !strings.Contains(err.Error(), "read-only file system") {
				t.Fatal(err)
			}
		}
		if r := f.Report(); r.Delivered != 1 || r.Missed != 100 || r.Err == nil || f.Stats().Dropped.Failed != 100 {
			t.Errorf("%+v", r)
		}
		spooltest.Remount(t, dir, false)
		time.Sleep(time.Minute)
		write(t, f, 101, picture)
		if s := closed(t, f); s.Written != 2 || f.Err() != nil {
			t.Errorf("%+v", s)
		}
	})
}

// With this variable set the test binary is somebody who loses the permission to
// write to that directory, and gets it back. Root cannot lose it.
const loserVar = "FILES_TEST_LOSER"

func TestPermissionThatIsTakenIsAState(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("to be somebody else takes root, as in CI")
	}
	const nobody = 65534
	dir, err := os.MkdirTemp("", "files") // others cannot reach into the test's own
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), loserVar+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "permission denied, and written again\n" {
		t.Errorf("%v: %s", err, out)
	}
}

func lose(dir string) {
	f, err := files.New(files.Config{Dir: dir, Keep: 1 << 20, Camera: "front", Spec: jpeg})
	if err != nil {
		panic(err)
	}
	write := func(so func() bool) {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for sequence := uint64(0); !so(); sequence++ {
			<-tick.C
			img := &preproc.Image{Width: 640, Height: 480, Sequence: sequence, Timestamp: capture.Monotonic(), Data: []byte("picture")}
			if err := f.Write(context.Background(), img); err != nil {
				panic(err)
			}
		}
	}
	write(func() bool { return f.Stats().Written > 0 })
	if err := os.Chmod(dir, 0); err != nil {
		panic(err)
	}
	write(func() bool { return f.Err() != nil })
	if !strings.Contains(f.Err().Error(), "permission denied") {
		panic(f.Err())
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		panic(err)
	}
	write(func() bool { return f.Err() == nil })
	fmt.Println("permission denied, and written again")
}

// Time passes without images, too.
func TestFilesGoWithoutNewOnes(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		f, err := files.New(files.Config{Dir: dir, Keep: 1 << 20, KeepFor: time.Hour, Sidecar: true, Camera: "front", Spec: jpeg})
		if err != nil {
			t.Fatal(err)
		}
		write(t, f, 1, picture)
		time.Sleep(30 * time.Minute)
		write(t, f, 2, picture)
		time.Sleep(30*time.Minute + time.Minute)
		synctest.Wait()
		if names, _ := list(t, dir); len(names) != 2 || f.Stats().Files != 1 {
			t.Errorf("left are %q, %+v", names, f.Stats())
		}
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if names, _ := list(t, dir); len(names) != 0 {
			t.Errorf("left are %q", names)
		}
		closed(t, f)
	})
}

// Files that stay although their time is over are told of even when there is no
// image, and so is that they are gone.
func TestFilesThatCannotBeDeletedAreAState(t *testing.T) {
	dir := spooltest.Small(t)
	synctest.Test(t, func(t *testing.T) {
		f, err := files.New(files.Config{Dir: filepath.Join(dir, "archive"), Keep: 1 << 20, KeepFor: time.Hour, Camera: "front", Spec: jpeg})
		if err != nil {
			t.Fatal(err)
		}
		write(t, f, 1, picture)
		spooltest.Remount(t, dir, true)
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		if r := f.Report(); r.Err == nil || !strings.Contains(r.Err.Error(), "read-only") {
			t.Errorf("%+v", r)
		}
		spooltest.Remount(t, dir, false)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if names, _ := list(t, filepath.Join(dir, "archive")); len(names) != 0 || f.Err() != nil {
			t.Errorf("left are %q, %v", names, f.Err())
		}
		write(t, f, 2, picture)
		if names, _ := list(t, filepath.Join(dir, "archive")); len(names) != 1 || f.Err() != nil {
			t.Errorf("left are %q, %v", names, f.Err())
		}
		closed(t, f)
	})
}
