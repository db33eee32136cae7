package status_test

import (
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/status"
)

func TestFirstLineSaysWhatIsWrong(t *testing.T) {
	camera := func(name, state string) status.Camera {
		return status.Camera{Name: name, State: state, Healthy: state == "publishing"}
	}
	good, lost := camera("front", "publishing"), camera("rear", "waiting")
	opening, ended := camera("side", "opening"), camera("film", "ended")
	type cameras = []status.Camera
	for _, c := range []struct {
		want          string
		cameras       cameras
		degraded, own bool
	}{
		{"good: All is well", cameras{good, good}, false, false},
		{"warning: There is no camera yet", nil, false, false},
		{"warning: Works, with less than asked for", cameras{good}, true, false},
		{"bad: Camera rear has trouble", cameras{lost}, true, false},
		{"bad: 1 of 2 cameras has trouble", cameras{good, lost}, false, false},
		{"bad: 2 of 4 cameras have trouble", cameras{good, lost, lost, good}, false, false},
		{"bad: 3 of 4 cameras have trouble", cameras{good, opening, ended, lost}, false, false},
		{"warning: Camera side is being opened", cameras{opening}, false, false},
		{"warning: 2 of 3 cameras are being opened", cameras{good, opening, ended}, false, false},
		{"warning: 1 of 2 cameras is at its end", cameras{good, ended}, false, false},
		{"bad: The agent itself has trouble", cameras{good}, false, true},
		{"bad: The agent itself has trouble", cameras{opening, lost}, true, true},
	} {
		s := status.Status{Cameras: c.cameras, Degraded: c.degraded, Healthy: !c.own}
		for i := range c.cameras {
			s.Healthy = s.Healthy && c.cameras[i].Healthy
		}
		if c.own {
			s.Reasons = []status.Reason{{Kind: status.Failed, Text: "a stage is stuck"}}
		}
		grade, words := s.Words()
		if got := string(grade) + ": " + words; got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestWorstReasonIsTheFirstOfTheWorstKind(t *testing.T) {
	at := func(second int) *time.Time {
		v := time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC)
		return &v
	}
	s := status.Status{Reasons: []status.Reason{
		{Kind: status.Failed, Camera: "a"}, {Kind: status.Failed, Camera: "b", Since: at(20)}, {Kind: status.Failed, Camera: "c", Since: at(10)},
		{Kind: status.Degraded, Text: "memory", Since: at(5)},
	}}
	if got := s.Worst(); got == nil || got.Camera != "c" {
		t.Errorf("%+v", got)
	}
	s.Reasons = append(s.Reasons, status.Reason{Kind: status.Failed, Text: "stuck", Since: at(30)})
	if got := s.Worst(); got == nil || got.Text != "stuck" {
		t.Errorf("%+v", got)
	}
	if got := (&status.Status{}).Worst(); got != nil {
		t.Errorf("%v", got)
	}
}

func TestTimesOfOtherDaysHaveTheirDate(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 10, 0, 0, time.FixedZone("", 3600))
	for ago, want := range map[time.Duration]string{time.Minute: "00:09:00", 20 * time.Minute: "2026-02-28 23:50", 365 * 24 * time.Hour: "2025-03-01 00:10"} {
		if got := status.Clock(now.Add(-ago).UTC(), now); got != want {
			t.Errorf("%v ago: %s, want %s", ago, got, want)
		}
	}
}
