package ring_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring/wire"
)

// The header is for C99 and newer, and for C++, with every warning there is;
// a program that maps no points needs no -lm.
func TestHeaderIsCAndCxx(t *testing.T) {
	const program = "#include \"edge_agent.h\"\n" +
		"int main(void) { ea_ring r; ea_frame f; return ea_open(&r, \"a\", \"b\") == EA_AWAY && ea_next(&r, &f, 0) == EA_AWAY && (ea_close(&r), true) ? 0 : 1; }\n"
	example, err := os.ReadFile("c/frames.c")
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/program"
	for _, args := range []string{
		"cc -x c -std=c99", "cc -x c -std=gnu17 -D_FORTIFY_SOURCE=2 -O2", "c++ -x c++ -std=c++11", "c++ -x c++ -std=c++20",
	} {
		for _, source := range []string{program, string(example) + "\n"} {
			words := append(strings.Fields(args), strict...)
			words = append(words, "-o", path, "-")
			if source != program {
				words = append(words, "-lm")
			}
			cmd := exec.Command(words[0], words[1:]...)
			cmd.Stdin = strings.NewReader(source)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", args, err, out)
			} else if err := exec.Command(path).Run(); source == program && err != nil {
				t.Errorf("%s: %v", args, err)
			}
		}
	}
}

// parse is what the header makes of a description, under the sanitizers.
func parse(t *testing.T, c *echo, text string, size int64) (d wire.Description) {
	t.Helper()
	if _, err := fmt.Fprintf(c.in, "parse %d %d\n%s", size, len(text), text); err != nil {
		t.Fatalf("%v, before %q", err, text)
	}
	c.end(t, &d)
	return d
}

func description(t testing.TB) string {
	t.Helper()
	text, err := json.Marshal(wire.Description{
		Magic: wire.Magic, Version: 2, Camera: "front", Output: "model", Size: 4096 + 4*8192, Slots: 4, FirstSlot: 4096,
		SlotSize: 8192, HeaderSize: 4096, DataSize: 4096, MessageSize: 136, Encode: "raw", Shape: []int{32, 128, 1},
		DType: "int8", Layout: "hwc", Color: "gray", Width: 128, Height: 32, Scale: 0.25, ZeroPoint: -3, Newest: 12, Lens: &lenses[1],
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What is no JSON, or not of the types that it should be, is refused whole.
func TestHeaderRefusesADescriptionThatIsNone(t *testing.T) {
	c := newCReader(t, "/nowhere")
	good := description(t)
	if d := parse(t, c, good, 1<<20); d.Version != 2 || d.Slots != 4 || d.Scale != 0.25 || d.ZeroPoint != -3 || d.Newest != 12 {
		t.Fatalf("%+v", d)
	}
	for at := range len(good) - 1 {
		if d := parse(t, c, good[:at], 1<<20); d.Version != 0 {
			t.Fatalf("accepted, cut after %d bytes", at)
		}
	}
	change := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for _, text := range []string{
		good + "x", good + good, "[" + good + "]", change(`"slots":4`, `"slots":04`), change(`"slots":4`, `"slots":4.0`), change(`"slots":4`, `"slots":"4"`),
		change(`"slots":4`, `"slots":4e0`), change(`"slots":4`, `"slots":1e999`), change(`"slots":4`, `"slots":-4`), change(`"slots":4`, `"slots":null`), change(`"slots":4,`, ``),
		change(`"slots":4`, `"slots":5`), change(`"slots":4`, `"slots":9223372036854775807`), change(`"newest":12`, `"newest":18446744073709551615`),
		change(`[32,128,1]`, `[32,128]`), change(`[32,128,1]`, `[32,128,1,1]`), change(`[32,128,1]`, `[32,128.5,1]`), change(`[32,128,1]`, `[32,0,1]`),
		change(`"front"`, "\"fr\nont\""), change(`"front"`, `"fr\xont"`), change(`"front"`, `"fr\u12g4"`), change(`"front"`, `front`),
		change(`"pinhole"`, `"mirror"`), change(`edge-agent-ring`, `edge-agent-rin`), change(`{`, `{"error":"full",`), change(`{`, `{"deep":`+strings.Repeat("[", 4000)),
		change(`{`, `{"deep":`+strings.Repeat(`{"a":`, 700)), change(`{`, "{\x00"), change(`"version":2`, `"version":3`), change(`"message_size":136`, `"message_size":64`),
	} {
		if d := parse(t, c, text, 1<<20); d.Version != 0 || d.Error == "" {
			t.Errorf("accepted: %q", text)
		}
	}
}

// Whatever an agent claims: what the header accepts keeps it inside the memory.
func FuzzHeaderDescription(f *testing.F) {
	good := description(f)
	f.Add(good, int64(1<<20))
	f.Add(good, int64(4096))
	f.Add(strings.ReplaceAll(good, ":", ": \t"), int64(1<<20))
	f.Add(`{"magic":"edge-agent-ring","version":1,"error":"f\u00fcll\ud83d"}`, int64(0))
	f.Add(`{"a":[{},[],{"b":[true,null,false,-0.5e-07]}],"\n":"\/"}`, int64(0))
	c := newCReader(f, "/nowhere")
	f.Fuzz(func(t *testing.T, text string, size int64) {
		d := parse(t, c, text, size)
		if d.Version == 0 {
			return
		}
		if d.Magic = wire.Magic; d.Check(size) != nil {
			t.Errorf("accepted: %v", d.Check(size))
		}
	})
}
