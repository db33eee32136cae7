package ring

import (
	"errors"
	"fmt"
	"os"

	"github.com/edge-agent/agent/agent/output/ring/wire"
	"golang.org/x/sys/unix"
)

// memory is the frames that the agent writes and consumers map read-only.
type memory struct {
	data     []byte
	writable int // never given to a consumer
	readOnly int // the descriptor that consumers get
	desc     *wire.Description
}

// layOut completes desc's map of the memory.
func layOut(desc *wire.Description) {
	desc.FirstSlot, desc.HeaderSize = wire.FirstSlot, wire.DataOffset
	desc.SlotSize = (wire.DataOffset + desc.DataSize + wire.SlotAlign - 1) / wire.SlotAlign * wire.SlotAlign
	desc.Size = desc.FirstSlot + desc.Slots*desc.SlotSize
}

// newMemory takes all memory at once, so that a device with too little of it
// says so here and not with SIGBUS in mid-stream.
func newMemory(name string, desc *wire.Description, print [wire.FingerprintSize]byte) (*memory, error) {
	fd, err := createMemfd("edge-agent:" + name)
	if err != nil {
		return nil, fmt.Errorf("create shared memory: %w", err)
	}
	m := &memory{desc: desc, writable: fd, readOnly: -1}
	if err := unix.Fallocate(fd, 0, 0, int64(desc.Size)); err != nil {
		return nil, errors.Join(fmt.Errorf("allocate %d bytes of shared memory: %w", desc.Size, err), m.close())
	}
	if m.data, err = mapShared(fd, desc.Size); err != nil {
		return nil, errors.Join(err, m.close())
	}
	if err = seal(fd); err == nil {
		m.readOnly, err = openReadOnly(fd)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("seal shared memory: %w", err), m.close())
	}
	wire.PutRingHeader(m.data, print)
	return m, nil
}

func mapShared(fd, size int) ([]byte, error) {
	data, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("map shared memory: %w", err)
	}
	return data, nil
}

// createMemfd asks for memory that can never be executed, which kernels before
// 6.3 do not know.
func createMemfd(name string) (int, error) {
	name = name[:min(len(name), 200)] // the kernel allows 249 bytes
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	return fd, err
}

// What stands between the frames and everyone but the agent.
const (
	memoryMode  = 0o444
	memorySeals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
)

// seal fixes the size, which spares readers SIGBUS, and the seals.
//
// A read-only descriptor alone is not enough: who has one can open the file
// again through /proc, as a memfd belongs to everyone. Its mode refuses that to
// every user but root and the agent's own, who need no descriptor: they can
// write to the agent itself, by ptrace(2). F_SEAL_FUTURE_WRITE would refuse it to
// these, and with them to the preprocessor's next process and to the agent's own,
// which map the ring while consumers have it.
func seal(fd int) error {
	if err := unix.Fchmod(fd, memoryMode); err != nil {
		return err
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, memorySeals)
	return err
}

// openReadOnly gives the descriptor for consumers.
func openReadOnly(fd int) (int, error) {
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	readOnly, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return readOnly, nil
}

// slot is the header and data of the frame with this generation.
func (m *memory) slot(generation uint64) []byte {
	i := wire.SlotOf(generation, m.desc.Slots)
	start := m.desc.FirstSlot + i*m.desc.SlotSize
	return m.data[start : start+m.desc.SlotSize : start+m.desc.SlotSize]
}

func (m *memory) close() error {
	err := unix.Close(m.writable)
	if m.data != nil {
		err = errors.Join(err, unix.Munmap(m.data))
	}
	if m.readOnly >= 0 {
		err = errors.Join(err, unix.Close(m.readOnly))
	}
	m.data, m.writable, m.readOnly = nil, -1, -1
	return err
}
