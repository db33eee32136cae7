package status

import (
	"fmt"
	"time"
)

// A Grade is how things are, in one word.
type Grade string

// The grades. An agent whose cameras are about to open has no trouble yet.
const (
	Good    Grade = "good"
	Warning Grade = "warning"
	Bad     Grade = "bad"
)

// Words are the first line that anybody is told, in STATUS, on the page and by
// agent status: whether all is well, and if not, what is not.
func (s *Status) Words() (Grade, string) {
	failed := s.failing()
	switch {
	case s.Healthy && len(s.Cameras) == 0:
		return Warning, "There is no camera yet"
	case s.Healthy && !s.Degraded:
		return Good, "All is well"
	case s.Healthy:
		return Warning, "Works, with less than asked for"
	case len(failed) == 0, s.ownTrouble():
		return Bad, "The agent itself has trouble"
	}
	grade, what := plight(failed)
	switch all := len(s.Cameras); {
	case all == 1:
		return grade, fmt.Sprintf("Camera %s %s", failed[0].Name, what[0])
	case len(failed) == 1:
		return grade, fmt.Sprintf("1 of %d cameras %s", all, what[0])
	default:
		return grade, fmt.Sprintf("%d of %d cameras %s", len(failed), all, what[1])
	}
}

// plight is what is the matter with cameras that fail, of one and of many: the worst
// of it. One that has not been opened yet, or has shown all that it had, is no
// trouble.
func plight(failed []*Camera) (Grade, [2]string) {
	grade, what := Warning, [2]string{"is at its end", "are at their end"}
	for _, c := range failed {
		switch c.State {
		case "ended":
		case "opening":
			what = [2]string{"is being opened", "are being opened"}
		default:
			return Bad, [2]string{"has trouble", "have trouble"}
		}
	}
	return grade, what
}

// ownTrouble says that something is wrong that is not one camera's.
func (s *Status) ownTrouble() bool {
	for i := range s.Reasons {
		if s.Reasons[i].Kind == Failed && s.Reasons[i].Camera == "" {
			return true
		}
	}
	return false
}

func (s *Status) failing() (cameras []*Camera) {
	for i := range s.Cameras {
		if !s.Cameras[i].Healthy {
			cameras = append(cameras, &s.Cameras[i])
		}
	}
	return cameras
}

// Worst is the reason behind the headline: of those of the worst kind, the one that
// began first; nil when all is well.
func (s *Status) Worst() (worst *Reason) {
	own := s.ownTrouble()
	for i := range s.Reasons {
		r := &s.Reasons[i]
		if r.Kind != s.Reasons[0].Kind || own && r.Camera != "" {
			continue
		}
		if worst == nil || r.Since != nil && (worst.Since == nil || r.Since.Before(*worst.Since)) {
			worst = r
		}
	}
	return worst
}

// Clock is a time for people who read it now: that of the day, or the day as well
// where it is another one.
func Clock(at, now time.Time) string {
	at = at.In(now.Location())
	if year, day := at.Year(), at.YearDay(); year != now.Year() || day != now.YearDay() {
		return at.Format("2006-01-02 15:04")
	}
	return at.Format(time.TimeOnly)
}
