package ring_test

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring/wire"
	"golang.org/x/sys/unix"
)

// An age is how an agent lays out what readers of version 1 have to understand.
type age struct {
	header, message int
	extra           string // more of the description
}

var ages = map[string]age{
	"first": {header: 128, message: 128},
	"later": {header: 4096 + 64, message: 512, extra: `,"zoom":{"of":[1,-2.5e-3,{"deep":null}],"é\u0041":"\"}]"},"tags":[true,[],{}],"id":1234567890123456789`},
}

// A foreign agent serves one frame at a time, in the layout of its age.
type foreign struct {
	*testing.T
	age
	mem []byte
}

func (f *foreign) slotSize() int { return f.header + 4096 }

func serveForeign(t *testing.T, a age) (*foreign, map[string]language) {
	t.Helper()
	f := &foreign{T: t, age: a}
	size := 4096 + 2*f.slotSize()
	memfd, err := unix.MemfdCreate("foreign", unix.MFD_CLOEXEC)
	if err == nil {
		err = unix.Ftruncate(memfd, int64(size))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(memfd) })
	if f.mem, err = unix.Mmap(memfd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(f.mem) })
	text, err := json.Marshal(wire.Description{
		Magic: wire.Magic, Version: 1, Camera: "front", Output: "model", Size: size, Slots: 2, FirstSlot: 4096,
		SlotSize: f.slotSize(), HeaderSize: a.header, DataSize: 4096, MessageSize: a.message,
		Encode: "raw", Shape: []int{32, 128, 1}, DType: "uint8", Layout: "hwc", Color: "gray", Width: 128, Height: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	greeting := strings.TrimSuffix(string(text), "}") + a.extra + "}"

	path := filepath.Join(t.TempDir(), "s")
	door, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(door, &unix.SockaddrUnix{Name: path})
	}
	if err == nil {
		err = unix.Listen(door, 8)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Shutdown(door, unix.SHUT_RDWR); unix.Close(door) }) // the former wakes accept
	go func() {
		for {
			fd, _, err := unix.Accept4(door, unix.SOCK_CLOEXEC)
			if err != nil {
				return
			}
			_ = unix.Sendmsg(fd, []byte(greeting), unix.UnixRights(memfd), nil, unix.MSG_NOSIGNAL)
			t.Cleanup(func() { unix.Close(fd) })
			message := make([]byte, a.message)
			for i := range 3 { // of a type that nobody knows
				message[6] = byte(7 + i)
				_ = unix.Send(fd, message, unix.MSG_NOSIGNAL)
			}
		}
	}()
	return f, languages(t, path)
}

// publish writes the n-th frame.
func (f *foreign) publish(n uint64, rec wire.Record) (crc uint32) {
	g := wire.Generation(n)
	slot := f.mem[4096+wire.SlotOf(g, 2)*f.slotSize():][:f.slotSize()]
	wire.BeginWrite(slot, g)
	for i := range slot[16:] {
		slot[16+i] = byte(0xa5 + i) // what is reserved may hold anything
	}
	full := make([]byte, wire.HeaderSize)
	rec.Put(full)
	copy(slot[16:min(f.header, wire.HeaderSize)], full[16:])
	wire.EndWrite(slot, g)
	wire.SetNewest(f.mem, g)
	return crc32.ChecksumIEEE(slot[f.header:][:rec.Length])
}

// Readers go by the sizes of the description, pass over what they do not know,
// and take bits that they do not know for what they are: against the frame.
func TestReadersUnderstandAgentsOfAnotherAge(t *testing.T) {
	for name, a := range ages {
		t.Run(name, func(t *testing.T) {
			f, readers := serveForeign(t, a)
			settle(t, readers)
			for n := uint64(1); n < 10; n++ {
				rec := wire.Record{
					Sequence: n, Timestamp: 5, Dequeued: 6, Published: 7, Length: 4096, Verdict: 1<<31 | 1<<9, Width: 128, Height: 32,
					Geometry: [6]float64{2, 0, 0, 0, 2, 0}, CameraWidth: 256, CameraHeight: 64,
				}
				want := answer{
					Status: "frame", Sequence: n, Timestamp: 5, Dequeued: 6, Published: 7, Length: 4096, Verdict: rec.Verdict,
					Width: 128, Height: 32, Geometry: rec.Geometry, Old: true, Valid: true,
				}
				want.CRC = f.publish(n, rec)
				if a.header > 128 {
					want.Camera = [2]int{256, 64}
				}
				sameFrame(t, readers, want)
			}
		})
	}
}

// Nothing that an agent says leads a reader out of the memory, or to hang: it says
// what is wrong and that there is no agent.
func TestReadersRefuseADescriptionThatTheyCannotFollow(t *testing.T) {
	for extra, why := range map[string]string{
		`,"slots":3`:                   "fit",
		`,"slots":4611686018427387904`: "",
		`,"size":1048576`:              "fit",
		`,"data_size":9000`:            "fit",
		`,"header_size":4097`:          "aligned",
		`,"first_slot":-4096`:          "positive",
		`,"slot_size":"8192"`:          "",
		`,"version":3`:                 "version",
		`,"magic":"something else"`:    "not an edge-agent ring",
		`,"error":"full up"`:           "full up",
		`,"newest":"1"`:                "",
		`,,`:                           "",
	} {
		_, readers := serveForeign(t, age{header: 4096, message: 136, extra: extra})
		for name, l := range readers {
			eventually(t, fmt.Sprintf("%s says %q of %s", name, why, extra), func() bool { // not while it waits for the description anew
				a := ask(t, l, "next 0.01")
				if a.Status != "away" {
					t.Fatalf("%s of %s: %+v", name, extra, a)
				}
				return strings.Contains(a.Why, why)
			})
		}
	}
}
