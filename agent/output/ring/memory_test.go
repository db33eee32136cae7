package ring_test

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func TestConsumerCannotWriteToTheFrames(t *testing.T) {
	r, path := open(t, nil)
	fd := knock(t, path)
	defer unix.Close(fd)
	_, memfd := receive(t, fd)
	defer unix.Close(memfd)
	// Through /proc a consumer gets a descriptor that may write, whatever it was given.
	reopened, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", memfd), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(reopened)
	for name, fd := range map[string]int{"as received": memfd, "reopened": reopened} {
		if _, err := unix.Mmap(fd, 0, 4096, unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
			t.Errorf("%s: mapped writable", name)
		}
		mem, err := unix.Mmap(fd, 0, 4096, unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_WRITE); err == nil {
			t.Errorf("%s: a read-only mapping was made writable", name)
		}
		unix.Munmap(mem)
		if _, err := unix.Pwrite(fd, []byte{1}, 0); err == nil {
			t.Errorf("%s: written", name)
		}
		if err := unix.Ftruncate(fd, 0); err == nil {
			t.Errorf("%s: cut to nothing", name)
		}
		hole := uint32(unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE)
		if err := unix.Fallocate(fd, hole, 0, 4096); err == nil {
			t.Errorf("%s: a hole was made", name)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); err == nil {
			t.Errorf("%s: sealed against its owner", name)
		}
	}
	publish(t, r, &pixels, 1)
}

// The agent gives its own memory back at once, a consumer's mapping stays whole.
func TestMappingOutlivesTheRing(t *testing.T) {
	r, path := open(t, nil)
	fd := knock(t, path)
	defer unix.Close(fd)
	_, memfd := receive(t, fd)
	defer unix.Close(memfd)
	publish(t, r, &pixels, 7)
	mem, err := unix.Mmap(memfd, 0, 2*4096, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if mem[4096+128] != 7 {
		t.Errorf("first byte of the frame is %d, want 7", mem[4096+128])
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
