package ring_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/agent/output/ring/wire"
)

func TestConsumerCannotWriteToTheFrames(t *testing.T) {
	r, path := open(t, nil)
	fd := knock(t, path)
	defer unix.Close(fd)
	_, memfd := receive(t, fd)
	defer unix.Close(memfd)
	if _, err := unix.Mmap(memfd, 0, 4096, unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("mapped writable")
	}
	mem, err := unix.Mmap(memfd, 0, 4096, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_WRITE); err == nil {
		t.Error("a read-only mapping was made writable")
	}
	unix.Munmap(mem)
	if _, err := unix.Pwrite(memfd, []byte{1}, 0); err == nil {
		t.Error("written")
	}
	if err := unix.Ftruncate(memfd, 0); err == nil {
		t.Error("cut to nothing")
	}
	hole := uint32(unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE)
	if err := unix.Fallocate(memfd, hole, 0, 4096); err == nil {
		t.Error("a hole was made")
	}
	if _, err := unix.FcntlInt(uintptr(memfd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); err == nil {
		t.Error("sealed against its owner")
	}
	publish(t, r, &pixels, 1)
}

// Through /proc a consumer gets a descriptor with other rights than it was
// given, but for the file's mode. Root may do all, and needs no descriptor.
func TestConsumerCannotOpenTheFramesForWriting(t *testing.T) {
	_, path := open(t, nil)
	fd := knock(t, path)
	defer unix.Close(fd)
	_, memfd := receive(t, fd)
	defer unix.Close(memfd)
	name := fmt.Sprintf("/proc/self/fd/%d", memfd)
	asSomebody(t, func() {
		for mode, flags := range map[string]int{"write": unix.O_WRONLY, "read and write": unix.O_RDWR, "truncate": unix.O_RDONLY | unix.O_TRUNC} {
			if again, err := unix.Open(name, flags|unix.O_CLOEXEC, 0); err == nil {
				t.Errorf("opened to %s", mode)
				unix.Close(again)
			}
		}
		if err := unix.Fchmod(memfd, 0o666); err == nil && os.Geteuid() == 0 {
			t.Error("the mode was changed")
		}
		again, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Errorf("open to read: %v", err)
		}
		unix.Close(again)
	})
}

// asSomebody runs do with the file rights of a user who is neither root nor,
// where the tests run as root, the owner.
func asSomebody(t *testing.T, do func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const nobody = 65534
	own := uintptr(os.Geteuid())
	unix.RawSyscall(unix.SYS_SETFSUID, nobody, 0, 0)
	defer unix.RawSyscall(unix.SYS_SETFSUID, own, 0, 0)
	do()
}

// The agent gives its own memory back at once, a consumer's mapping stays whole.
func TestMappingOutlivesTheRing(t *testing.T) {
	r, path := open(t, nil)
	fd := knock(t, path)
	defer unix.Close(fd)
	text, memfd := receive(t, fd)
	defer unix.Close(memfd)
	var desc wire.Description
	if err := json.Unmarshal([]byte(text), &desc); err != nil {
		t.Fatal(err)
	}
	publish(t, r, &pixels, 7)
	mem, err := unix.Mmap(memfd, 0, desc.Size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if first := mem[desc.FirstSlot+desc.HeaderSize]; first != 7 {
		t.Errorf("first byte of the frame is %d, want 7", first)
	}
	buf := make([]byte, 4096)
	for { // what is left in the socket, then the hang-up
		n, err := unix.Read(fd, buf)
		if n == 0 && err == nil {
			break
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
	}
}
