package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const before = `
http: {quality: 70}
cameras:
  front:
    device: {serial: A}
    mode: {size: 1280x720, rate: 30}
    outputs:
      model: {size: 640x640}
      preview: {encode: jpeg}
  back: {device: {serial: B}}
`

// Each edit of the text, and the keys in which the config differs then.
func TestDiffNamesWhatAnEditChanges(t *testing.T) {
	for _, test := range []struct{ old, new, keys string }{
		{"", "", ""},
		{"rate: 30}", "rate: 30, format: auto}", ""}, // a default that is written out
		{"quality: 70", "quality: 71", "http"},
		{"http: {quality: 70}", "isolation: none\nlimits: {memory: 1GiB}\nlog: {level: debug}\nquarantine: {keep: 0}", "isolation http quarantine limits log"},
		{"rate: 30", "rate: 15", "front.mode"},
		{"serial: A", "serial: C", "front.device"},
		{"rate: 30}", "rate: 30}\n    fallback: [{rate: 15}]", "front.fallback"},
		{"rate: 30}", "rate: 30}\n    controls: {gain: 3}", "front.controls"},
		{"rate: 30}", "rate: 30}\n    queue: {capacity: 4}", "front.buffers front.queue.capacity"},
		{"rate: 30}", "rate: 30}\n    queue: {policy: slow-input}", "front.queue.policy"},
		{"rate: 30}", "rate: 30}\n    preprocess: {rotate: 90}", "front.preprocess"},
		{"rate: 30}", "rate: 30}\n    quality: {blur-below: 20}", "front.quality"},
		{"rate: 30}", "rate: 30}\n    recovery: {stall-after: 5s, usb-reset: true, process-deadline: 1s}",
			"front.recovery.stall-after front.recovery.process-deadline front.recovery.usb-reset"},
		{"size: 640x640", "size: 640x640, ring: {slots: 5}", "front.outputs.model"},
		{"preview: {", "pre: {", "front.outputs.preview front.outputs.pre"},
		{"      model: {size: 640x640}\n      preview: {encode: jpeg}", "      preview: {encode: jpeg}\n      model: {size: 640x640}", "front.outputs"},
		{"  back:", "  rear:", "-back"},
	} {
		if got := diffOf(t, before, strings.Replace(before, test.old, test.new, 1)); got != test.keys {
			t.Errorf("%q for %q: differ in %q, want %q", test.new, test.old, got, test.keys)
		}
	}
}

func diffOf(t *testing.T, old, new string) string {
	t.Helper()
	a, aerr := Parse("a.yaml", []byte(old))
	b, berr := Parse("a.yaml", []byte(new))
	if aerr != nil || berr != nil {
		t.Fatal(aerr, berr)
	}
	keys := Diff(a, b)
	for i := range a.Cameras {
		name := a.Cameras[i].Name
		other := b.Camera(name)
		if other == nil {
			keys = append(keys, "-"+name)
			continue
		}
		for _, key := range DiffCamera(&a.Cameras[i], other) {
			keys = append(keys, name+"."+key)
		}
	}
	return strings.Join(keys, " ")
}

// What a file says that the config names is a part of the config.
func TestDiffSeesWhatIsInACalibration(t *testing.T) {
	dir := t.TempDir()
	lens := filepath.Join(dir, "lens.yaml")
	load := func(text string) *Config {
		if err := os.WriteFile(lens, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Parse(filepath.Join(dir, "agent.yaml"), []byte("cameras: {front: {device: {pattern: bars}, preprocess: {undistort: lens.yaml}}}"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b := load(good), load(strings.Replace(good, "-0.3", "-0.2", 1))
	if keys := DiffCamera(&a.Cameras[0], &b.Cameras[0]); !slices.Equal(keys, []string{"preprocess"}) {
		t.Errorf("another calibration: differ in %q", keys)
	}
}

// A field that is added to the config is added to the parts.
func TestDiffMissesNoField(t *testing.T) {
	notDiffed := []string{"Cameras", "Warnings", "Name"}
	miss := func(v reflect.Value, differs func() bool) {
		for i := range v.NumField() {
			f, name := v.Field(i), v.Type().Field(i).Name
			if slices.Contains(notDiffed, name) {
				continue
			}
			was := reflect.New(f.Type()).Elem()
			was.Set(f)
			other(f)
			if !differs() {
				t.Errorf("%s.%s: no difference is seen", v.Type(), name)
			}
			f.Set(was)
		}
	}
	a, b := Defaults(), Defaults()
	miss(reflect.ValueOf(b).Elem(), func() bool { return len(Diff(a, b)) > 0 })
	c, d := NewCamera("a", Device{}), NewCamera("a", Device{})
	miss(reflect.ValueOf(&d).Elem(), func() bool { return len(DiffCamera(&c, &d)) > 0 })
	q, r := NewCamera("a", Device{}), NewCamera("a", Device{})
	miss(reflect.ValueOf(&r.Queue).Elem(), func() bool { return len(DiffCamera(&q, &r)) > 0 })
}

// other gives v another value, in its first field that can have one, and says whether
// there is one.
func other(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() && other(v.Field(i)) {
				return true
			}
		}
		return false
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(v.Uint() + 1)
	case reflect.Float64, reflect.Float32:
		v.SetFloat(v.Float() + 1)
	default:
		v.SetInt(v.Int() + 1)
	}
	return true
}

// A source that is open does for another config only if nothing of it changes.
func TestSameSourceIsOneOfTheSameFrames(t *testing.T) {
	a := NewCamera("a", Device{Serial: "A"})
	b := NewCamera("a", Device{Serial: "A"})
	b.Quality.BlurBelow, b.USBReset, b.Outputs = 20, true, nil
	if !SameSource(&a, &b) {
		t.Error("what becomes of frames makes it another source")
	}
	b.StallAfter++
	if SameSource(&a, &b) {
		t.Error("what the source was opened with may differ")
	}
}
