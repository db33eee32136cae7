package capture

import (
	"errors"
	"testing"

	"github.com/pion/mediadevices/pkg/prop"
)

func TestChoose(t *testing.T) {
	webcam := []Mode{
		{YUYV, 640, 480, 30}, {YUYV, 1280, 720, 10}, {YUYV, 1920, 1080, 5},
		{MJPG, 640, 480, 30}, {MJPG, 1280, 720, 30}, {MJPG, 1280, 720, 60}, {MJPG, 1920, 1080, 30},
	}
	for name, c := range map[string]struct {
		modes []Mode
		want  Request
		exp   Mode
	}{
		"no wish aims at 720p30":                        {webcam, Request{}, Mode{MJPG, 1280, 720, 30}},
		"the cheaper of two that reach all":             {webcam, Request{Width: 640, Height: 480, Rate: 30}, Mode{YUYV, 640, 480, 30}},
		"reaching the rate beats cheap":                 {webcam, Request{Width: 1280, Height: 720, Rate: 30}, Mode{MJPG, 1280, 720, 30}},
		"cheap once it reaches the rate":                {webcam, Request{Width: 1280, Height: 720, Rate: 10}, Mode{YUYV, 1280, 720, 10}},
		"the nearest that is not smaller":               {webcam, Request{Width: 800, Height: 600, Rate: 30}, Mode{MJPG, 1280, 720, 30}},
		"the largest when all are smaller":              {webcam, Request{Width: 4000, Height: 3000, Rate: 30}, Mode{MJPG, 1920, 1080, 30}},
		"the size before the rate":                      {webcam, Request{Width: 1920, Height: 1080, Rate: 60}, Mode{MJPG, 1920, 1080, 30}},
		"the rate before a size that nobody wished for": {webcam, Request{Rate: 60}, Mode{MJPG, 1280, 720, 60}},
		"an exact format":                               {webcam, Request{PixelFormat: YUYV, Width: 1280, Height: 720, Rate: 30}, Mode{YUYV, 1280, 720, 10}},
		"29.97 is meant by 30": {
			[]Mode{{MJPG, 640, 480, 30}, {NV12, 640, 480, 29.97}},
			Request{Width: 640, Height: 480, Rate: 30}, Mode{NV12, 640, 480, 29.97},
		},
		"a lower rate that still reaches": {
			[]Mode{{NV12, 640, 480, 60}, {NV12, 640, 480, 30}},
			Request{Width: 640, Height: 480, Rate: 25}, Mode{NV12, 640, 480, 30},
		},
		"an unknown rate is taken at its word": {
			[]Mode{{NV12, 640, 480, 0}}, Request{Width: 640, Height: 480, Rate: 25}, Mode{NV12, 640, 480, 0},
		},
		"gray only when it is asked for or alone": {
			[]Mode{{GREY, 1280, 720, 30}, {YUYV, 1280, 720, 30}}, Request{}, Mode{YUYV, 1280, 720, 30},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Choose(offer(c.modes), c.want)
			if err != nil || got != c.exp.media() {
				t.Errorf("%v: got %s %dx%d at %v (%v), want %v", c.want, got.FrameFormat, got.Width, got.Height, got.FrameRate, err, c.exp)
			}
		})
	}
}

func offer(modes []Mode) []prop.Media {
	var list []prop.Media
	for _, m := range modes {
		list = append(list, m.media())
	}
	return list
}

func TestChooseNamesWhatThereIs(t *testing.T) {
	_, err := Choose(offer([]Mode{{YUYV, 640, 480, 30}, {YUYV, 320, 240, 30}}), Request{PixelFormat: NV12})
	if !errors.Is(err, ErrMode) || err.Error() != "choose NV12 among YUYV: no mode satisfies the request" {
		t.Errorf("got %v", err)
	}
}

func TestFormatNamesComeBack(t *testing.T) {
	for _, l := range Formats() {
		if got := pixelFormatOf(mediaFormatOf(l.PixelFormat)); got != l.PixelFormat {
			t.Errorf("%s came back as %s", l.PixelFormat, got)
		}
	}
}

func TestChooseModeKeepsTheRateOfTheList(t *testing.T) {
	t.Parallel()
	listed := Mode{YUYV, 640, 480, 30000.0 / 1001}
	got, err := ChooseMode([]Mode{listed, {YUYV, 320, 240, 30}}, Request{Width: 640, Rate: 30})
	if err != nil || got != listed {
		t.Errorf("ChooseMode = %v, %v; want %v to the last digit", got, err, listed)
	}
	if _, err := ChooseMode(nil, Request{}); err == nil {
		t.Error("a mode was chosen out of none")
	}
}
