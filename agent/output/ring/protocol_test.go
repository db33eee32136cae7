package ring_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/agent/output/ring/wire"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/lens"
	"golang.org/x/sys/unix"
)

// section is a part of PROTOCOL.md by the number of its heading.
func section(t *testing.T, number string) string {
	t.Helper()
	text, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## "+number+". ")
	if !found {
		t.Fatalf("no section %s", number)
	}
	body, _, _ := strings.Cut(rest, "\n## ")
	return body
}

var row = regexp.MustCompile(`(?m)^\| (\d+) \| (\w\d+) \| (\w+) \|`)

// decode reads b as the tables of the document say.
func decode(t *testing.T, tables string, b []byte) map[string]float64 {
	t.Helper()
	values := make(map[string]float64)
	for _, m := range row.FindAllStringSubmatch(tables, -1) {
		offset, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		switch at := b[offset:]; m[2] {
		case "u16":
			values[m[3]] = float64(binary.LittleEndian.Uint16(at))
		case "u32":
			values[m[3]] = float64(binary.LittleEndian.Uint32(at))
		case "u64":
			values[m[3]] = float64(binary.LittleEndian.Uint64(at))
		case "i64":
			values[m[3]] = float64(int64(binary.LittleEndian.Uint64(at)))
		case "f64":
			values[m[3]] = math.Float64frombits(binary.LittleEndian.Uint64(at))
		default:
			t.Fatalf("type %s of %s", m[2], m[3])
		}
	}
	return values
}

// What a live ring sends is read with nothing but the document's tables.
func TestDocumentIsTheProtocol(t *testing.T) {
	r, path := open(t, nil)
	for seq := range uint64(5) {
		publish(t, r, &pixels, seq)
	}
	fd := knock(t, path)
	defer unix.Close(fd)
	text, memfd := receive(t, fd)
	defer unix.Close(memfd)
	img := &preproc.Image{
		Width: 64, Height: 32, Data: r.Lend(), Sequence: 1001, Timestamp: 1002, Dequeued: 1003, Verdict: 1004,
		Geometry: preproc.Geometry{XX: 1.5, XY: 2.5, X0: 3.5, YX: 4.5, YY: 5.5, Y0: 6.5}, CameraWidth: 320, CameraHeight: 240,
	}
	if err := r.Write(t.Context(), img); err != nil {
		t.Fatal(err)
	}
	var d wire.Description
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(memfd, 0, d.Size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	message := make([]byte, 4096)
	if n, err := unix.Read(fd, message); n != d.MessageSize || err != nil {
		t.Fatal(n, err)
	}

	ringHeader, slotHeader, found := strings.Cut(section(t, "2"), "The slot header:")
	if !found {
		t.Fatal("section 2 lost its slot header")
	}
	want := map[string]float64{"ring_magic": 0x48524145, "ring_version": 1, "newest": 12}
	equal(t, "ring header", decode(t, ringHeader, mem), want)
	want = map[string]float64{
		"generation": 12, "sequence": 1001, "timestamp": 1002, "dequeued": 1003, "published": float64(img.Published),
		"length": 64 * 32 * 3, "verdict": 1004, "width": 64, "height": 32, "slot": 1,
		"xx": 1.5, "xy": 2.5, "x0": 3.5, "yx": 4.5, "yy": 5.5, "y0": 6.5, "camera_width": 320, "camera_height": 240,
	}
	equal(t, "slot header", decode(t, slotHeader, mem[d.FirstSlot+d.SlotSize:]), want)
	want["missed"], want["message_magic"], want["message_version"], want["type"] = 0, 0x4d524145, 1, 1
	both := decode(t, slotHeader, message)
	for name, v := range decode(t, section(t, "3"), message) {
		both[name] = v
	}
	equal(t, "message", both, want)
}

func equal(t *testing.T, what string, got, want map[string]float64) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func TestDocumentNamesEveryKeyOfTheDescription(t *testing.T) {
	documented := make(map[string]bool)
	for _, line := range strings.Split(section(t, "1"), "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(cells[1], -1) {
				documented[m[1]] = true
			}
		}
	}
	sent := make(map[string]bool)
	for f := range reflect.TypeFor[wire.Description]().Fields() {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		sent[key] = true
	}
	if !reflect.DeepEqual(documented, sent) {
		t.Errorf("documented %v\nsent %v", documented, sent)
	}
}

// A reader must not follow offsets out of the memory.
func TestDescriptionThatPointsOutsideIsRefused(t *testing.T) {
	_, path := open(t, func(c *ring.Config) { c.Camera = strings.Repeat("\x01", 255) })
	fd := knock(t, path)
	defer unix.Close(fd)
	text, memfd := receive(t, fd)
	unix.Close(memfd)
	var good wire.Description
	if err := json.Unmarshal([]byte(text), &good); err != nil {
		t.Fatalf("the longest description there is: %v", err)
	}
	if err := good.Check(int64(good.Size)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*wire.Description){
		"magic":       func(d *wire.Description) { d.Magic = "" },
		"version":     func(d *wire.Description) { d.Version = 3 },
		"size":        func(d *wire.Description) { d.Size++ },
		"slots":       func(d *wire.Description) { d.Slots++ },
		"overflow":    func(d *wire.Description) { d.Slots = math.MaxInt },
		"slot size":   func(d *wire.Description) { d.SlotSize += 8 },
		"unaligned":   func(d *wire.Description) { d.HeaderSize++ },
		"header size": func(d *wire.Description) { d.HeaderSize = 64 },
		"data size":   func(d *wire.Description) { d.DataSize = d.SlotSize },
		"first slot":  func(d *wire.Description) { d.FirstSlot = 0 },
		"lens":        func(d *wire.Description) { d.Lens = &lens.Lens{Model: "mirror"} },
		"message":     func(d *wire.Description) { d.MessageSize = 1 },
	} {
		bad := good
		change(&bad)
		if err := bad.Check(int64(good.Size)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
