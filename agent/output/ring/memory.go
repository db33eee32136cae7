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

// newMemory takes all memory at once, so that a device with too little of it
// says so here and not with SIGBUS in mid-stream, and completes desc's map.
func newMemory(name string, desc *wire.Description) (*memory, error) {
	desc.FirstSlot, desc.HeaderSize = wire.FirstSlot, wire.HeaderSize
	desc.SlotSize = (wire.HeaderSize + desc.DataSize + wire.SlotAlign - 1) / wire.SlotAlign * wire.SlotAlign
	desc.Size = desc.FirstSlot + desc.Slots*desc.SlotSize
	fd, err := createMemfd("edge-agent:" + name)
	if err != nil {
		return nil, fmt.Errorf("create shared memory: %w", err)
	}
	m := &memory{desc: desc, writable: fd, readOnly: -1}
	if err := unix.Fallocate(fd, 0, 0, int64(desc.Size)); err != nil {
		return nil, errors.Join(fmt.Errorf("allocate %d bytes of shared memory: %w", desc.Size, err), m.close())
	}
	m.data, err = unix.Mmap(fd, 0, desc.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map shared memory: %w", err), m.close())
	}
	if m.readOnly, err = seal(fd); err != nil {
		return nil, errors.Join(fmt.Errorf("seal shared memory: %w", err), m.close())
	}
	wire.PutRingHeader(m.data)
	return m, nil
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

// seal fixes the size, which spares readers SIGBUS, and opens the descriptor
// for consumers.
//
// Read-only alone is not enough: who has the descriptor can open it again
// through /proc, as a memfd belongs to everyone. Its mode refuses that to every
// user but root, who needs no descriptor to write into us. F_SEAL_FUTURE_WRITE
// would refuse root, too, and a preprocessor's new process with it: that one
// maps the ring while consumers have it.
func seal(fd int) (readOnly int, err error) {
	if err := unix.Fchmod(fd, 0o444); err != nil {
		return -1, err
	}
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return -1, err
	}
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	readOnly, err = unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
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
