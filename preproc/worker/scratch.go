package worker

import "golang.org/x/sys/unix"

// A scratch is memory for pictures that are needed once. It goes back to the
// kernel when it is freed; the Go heap would keep as much for good, and a
// picture is more than all that an agent has there.
type scratch struct{ mapped [][]byte }

// bytes are n zeros. The kernel hands out their pages as they are touched.
func (s *scratch) bytes(n int) []byte {
	if n < pageSize {
		return make([]byte, max(0, n))
	}
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return make([]byte, n)
	}
	s.mapped = append(s.mapped, b)
	return b
}

func (s *scratch) free() {
	for _, b := range s.mapped {
		_ = unix.Munmap(b) // it is one that we mapped
	}
	s.mapped = nil
}
