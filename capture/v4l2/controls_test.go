package v4l2

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

func control(id uint32, name string, typ ControlType, low, high int64) *fakeControl {
	c := &fakeControl{queryExtCtrl: queryExtCtrl{id: id, typ: uint32(typ), minimum: low, maximum: high, step: 1}}
	copy(c.name[:], name)
	return c
}

// webcamControls has an exposure time that works while exposure is manual.
func webcamControls() []*fakeControl {
	class := control(1, "Camera Controls", 6, 0, 0)
	mode := control(2, "Auto Exposure", ControlMenu, 0, 3)
	mode.menu, mode.value = map[uint32]string{1: "Manual Mode", 3: "Aperture Priority Mode"}, 3
	time := control(3, "Exposure Time, Absolute", ControlInteger, 3, 2047)
	time.flags, time.refuses = ctrlFlagInactive, unix.EACCES
	mode.onSet = func(c *fakeControl) {
		time.flags, time.refuses = 0, 0
		if c.value != 1 {
			time.flags, time.refuses = ctrlFlagInactive, unix.EACCES
		}
	}
	return []*fakeControl{
		class, mode, time,
		control(4, "Exposure, Dynamic Framerate", ControlBoolean, 0, 1),
		control(5, "Pixel Rate", ControlInteger64, 0, 1<<40),
		control(6, "Do It", ControlButton, 0, 0),
		control(7, "Bits", ControlBitmask, 0, 0b101),
		control(8, "String", 7, 0, 8),
	}
}

func TestControlsAreNamedAsByV4l2Ctl(t *testing.T) {
	for words, name := range map[string]string{
		"Exposure, Dynamic Framerate":     "exposure_dynamic_framerate",
		"White Balance Temperature, Auto": "white_balance_temperature_auto",
		" LED1 Mode - (x)":                "led1_mode_x",
		"Gain µ":                          "gain",
	} {
		if got := controlName(words); got != name {
			t.Errorf("%q is %q, want %q", words, got, name)
		}
	}
}

func TestControlsAreSet(t *testing.T) {
	k := newKernel(t, capture.GREY)
	k.controls = webcamControls()
	s := k.mustOpen(Config{Controls: []Control{
		{"exposure_time_absolute", 250}, // before the one that wakes it
		{"auto_exposure", 1}, {"exposure_dynamic_framerate", 1}, {"pixel_rate", 1 << 33}, {"do_it", 0}, {"bits", 5},
	}})
	for i, want := range map[int]int64{1: 1, 2: 250, 3: 1, 4: 1 << 33, 6: 5} {
		if k.controls[i].value != want {
			t.Errorf("%s is %d, want %d", text(k.controls[i].name[:]), k.controls[i].value, want)
		}
	}
	if n := strings.Join(capture.Notes(s), ";"); strings.Contains(n, "control") {
		t.Errorf("notes %s", n)
	}
}

func TestAControlThatIsInactiveIsANote(t *testing.T) {
	k := newKernel(t, capture.GREY)
	k.controls = webcamControls()
	s := k.mustOpen(Config{Controls: []Control{{"exposure_time_absolute", 250}, {"exposure_dynamic_framerate", 1}}})
	if n := strings.Join(capture.Notes(s), ";"); !strings.Contains(n, "control exposure_time_absolute is inactive and was not set to 250") {
		t.Errorf("notes %s", n)
	}
	if k.controls[3].value != 1 {
		t.Error("the other control was not set")
	}
}

func TestWrongControlsAreReportedTogetherAndNothingIsSet(t *testing.T) {
	k := newKernel(t, capture.GREY)
	k.controls = webcamControls()
	k.controls[4].flags = ctrlFlagReadOnly
	_, err := k.open(Config{Controls: []Control{
		{"exposure_dynamic_framerate", 1}, {"gain", 1}, {"exposure_time_absolute", 5000}, {"auto_exposure", 2}, {"pixel_rate", 1}, {"bits", 2},
	}})
	if err == nil {
		t.Fatal("opened")
	}
	for _, want := range []string{
		"control gain: no such control; the camera has auto_exposure, exposure_time_absolute, exposure_dynamic_framerate, pixel_rate, do_it, bits",
		"control exposure_time_absolute: is 5000; allowed is 3 to 2047",
		"control auto_exposure: is 2; allowed are 1 (Manual Mode), 3 (Aperture Priority Mode)",
		"control pixel_rate: is read-only",
		"control bits: is 0x2; allowed are the bits 0x5",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	if k.controls[3].value != 0 {
		t.Error("a control was set")
	}
}
