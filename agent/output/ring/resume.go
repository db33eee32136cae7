package ring

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/edge-agent/agent/agent/output/door"
	"github.com/edge-agent/agent/agent/output/ring/wire"
	"golang.org/x/sys/unix"
)

// A Store holds descriptors for the process that comes after this one, however
// it ends. Several may have the same name.
type Store interface {
	// Take hands over what the process before kept under a name, which may be
	// anything. The descriptors are the caller's; the store keeps its own.
	Take(name string) []int
	// Keep has the store hold a duplicate of fd as well, or do without.
	Keep(name string, fd int)
	// Drop has it close all that it holds under the name.
	Drop(name string)
}

// noStore is that of a ring which ends with its process.
type noStore struct{}

func (noStore) Take(string) []int { return nil }
func (noStore) Keep(string, int)  {}
func (noStore) Drop(string)       {}

// maxStoreName is the longest name that systemd takes.
const maxStoreName = 255

// storeName is one name for all descriptors of a ring, without a colon, which
// separates names.
func storeName(c *Config) string {
	return url.QueryEscape(c.Camera) + "/" + url.QueryEscape(c.Spec.Name)
}

// inherit takes over the memory and the consumers of the process before, if
// that memory is in every respect what this ring would make: consumers go on
// reading where they map it. Else they are hung up on, and come again.
func (r *Ring) inherit() {
	var memories, connections []int
	for _, fd := range r.store.Take(r.name) {
		if isConsumer(fd, r.cfg.Socket) {
			connections = append(connections, fd)
		} else {
			memories = append(memories, fd)
		}
	}
	if len(memories) == 1 && len(connections) <= r.cfg.MaxConsumers {
		if m, newest, err := adoptMemory(memories[0], &r.desc, r.print); err == nil {
			r.mem, r.published = m, newest/2
			for _, fd := range connections {
				r.consumers = append(r.consumers, &consumer{fd: fd, process: door.Peer(fd)})
			}
			return
		}
	}
	for _, fd := range connections {
		hangUp(fd)
	}
	for _, fd := range memories {
		unix.Close(fd)
	}
	r.store.Drop(r.name)
}

// keepRate is how many consumers are kept in a second. Who connects and hangs up
// all the time costs the agent some CPU time, and is not to cost PID 1 any.
const keepRate = 16

// A rate counts what happens in the second at hand.
type rate struct {
	second time.Duration
	count  int
}

func (r *rate) allows(now time.Duration, most int) bool {
	if second := now.Truncate(time.Second); second != r.second {
		r.second, r.count = second, 0
	}
	r.count++
	return r.count <= most
}

// isConsumer says that fd is a connection that was made through the socket at
// path.
func isConsumer(fd int, path string) bool {
	local, err := unix.Getsockname(fd)
	if err != nil {
		return false
	}
	address, ok := local.(*unix.SockaddrUnix)
	if !ok || address.Name != path {
		return false
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	listens, lerr := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return err == nil && lerr == nil && kind == unix.SOCK_SEQPACKET && listens == 0 && unix.SetNonblock(fd, true) == nil
}

// hangUp ends a connection of which the store has a descriptor, too.
func hangUp(fd int) {
	_ = unix.Shutdown(fd, unix.SHUT_RDWR)
	unix.Close(fd)
}

// fingerprint is of all that one process of the agent must have in common with
// the next for a ring to go on: what consumers were told, what the pixels mean,
// where they come from and the layout of the memory.
func fingerprint(d wire.Description, c *Config) [wire.FingerprintSize]byte {
	d.PID, d.Newest = 0, 0
	d.Lens = nil // c has it
	return sha256.Sum256(fmt.Appendf(nil, "%+v %+v %+v %q", d, c.Lens, c.Spec, c.Origin))
}

// adoptMemory checks what another process says is the memory of a ring, and
// maps it. It gives the generation of the newest frame. On an error, fd is still
// the caller's.
//
// The writer may have ended anywhere between two instructions: with a slot half
// written, which is marked so and written again, or with a frame complete that
// it had told nobody of, in whose place comes another one. Its worker is dead as
// well: the kernel kills it before systemd learns that there is a process to
// start. Any other state is none that a writer leaves.
func adoptMemory(fd int, desc *wire.Description, print [wire.FingerprintSize]byte) (m *memory, newest uint64, err error) {
	if err := checkFile(fd, int64(desc.Size)); err != nil {
		return nil, 0, err
	}
	data, err := mapShared(fd, desc.Size)
	if err != nil {
		return nil, 0, err
	}
	m = &memory{data: data, writable: -1, readOnly: -1, desc: desc}
	if newest, err = m.checkGenerations(print); err == nil {
		m.readOnly, err = openReadOnly(fd)
	}
	if err != nil {
		return nil, 0, errors.Join(err, unix.Munmap(data))
	}
	m.writable = fd
	return m, newest, nil
}

// checkFile compares with what newMemory makes.
func checkFile(fd int, size int64) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode != unix.S_IFREG|memoryMode || st.Size != size || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("file of mode %o, user %d and %d bytes: not ours", st.Mode, st.Uid, st.Size)
	}
	found, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	const execution = 0x20 // F_SEAL_EXEC comes of MFD_NOEXEC_SEAL
	if err == nil && found&^execution != memorySeals {
		err = fmt.Errorf("file with seals %#x: not ours", found)
	}
	return err
}

func (m *memory) checkGenerations(print [wire.FingerprintSize]byte) (newest uint64, err error) {
	if !wire.IsRing(m.data, print) {
		return 0, errors.New("memory of another ring")
	}
	const most = 1 << 62
	newest = wire.Newest(m.data)
	if newest%2 != 0 || newest > most {
		return 0, fmt.Errorf("generation %d: no frame", newest)
	}
	next := newest + 2
	for i := range uint64(m.desc.Slots) {
		// The last of the frames up to the newest that went to this slot.
		want, slots := 2*(i+1), 2*uint64(m.desc.Slots)
		if want > newest {
			want = 0
		} else {
			want += (newest - want) / slots * slots
		}
		g := wire.BeginRead(m.data[m.desc.FirstSlot+int(i)*m.desc.SlotSize:])
		if g != want && (wire.SlotOf(next, m.desc.Slots) != int(i) || g != next && g != next-1) {
			return 0, fmt.Errorf("slot %d has generation %d and should have %d", i, g, want)
		}
	}
	return newest, nil
}
