package systemd

import (
	"bytes"
	"hash/maphash"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// recentEvents is how many are kept, and recentDetail how many bytes of each
	// of their texts: some 60 kB, and 300 kB at the most.
	recentEvents, recentDetail = 200, 300
	// oneEvent is within what time equal events are one that happened again.
	oneEvent = 10 * time.Minute
)

// An Event is what an operator may want to know of: a log entry that the catalog
// explains, or a warning.
type Event struct {
	// First is when it happened, Last when it last did so, Count how often.
	First, Last time.Time
	Count       int
	// Level is info, warn, error or worse.
	Level          string
	Camera, Output string // empty when it is about none
	Message        string // the constant one of the log call
	Reason         string // the first line of the error
	Details        string // other fields: "stage=capture, drop_reason=short"
	MessageID      string

	key uint64 // of what makes two events equal
}

// Recent keeps the newest events of the log for whoever asks the agent instead of
// the journal. Events that are equal but for numbers are one with a count, and
// when there are too many, those of the camera that has most make room: a storm
// does not push out what else happened. Any goroutine may use it.
type Recent struct {
	mu     sync.Mutex
	events []Event // the newest last
}

// Events are those that are kept, the newest first.
func (r *Recent) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := make([]Event, 0, len(r.events))
	for i := range r.events {
		events = append(events, r.events[len(r.events)-1-i])
	}
	return events
}

// keep takes a line as zerolog wrote it, if it is an event.
func (r *Recent) keep(level zerolog.Level, line []byte, now time.Time) {
	if level < zerolog.WarnLevel && !bytes.Contains(line, []byte(`"message_id"`)) {
		return
	}
	e := Event{First: now, Last: now, Count: 1, Level: level.String()}
	if e.read(line) != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.events {
		if same := &r.events[i]; same.key == e.key && now.Sub(same.Last) < oneEvent {
			e.First, e.Count = same.First, same.Count+1
			r.remove(i)
			break
		}
	}
	if len(r.events) == recentEvents {
		r.remove(r.dispensable())
	}
	r.events = append(r.events, e)
}

func (r *Recent) remove(i int) { r.events = append(r.events[:i], r.events[i+1:]...) }

// dispensable is the oldest event of the camera that has most.
func (r *Recent) dispensable() (oldest int) {
	count, most := map[string]int{}, ""
	for i := range r.events {
		camera := r.events[i].Camera
		if count[camera]++; count[camera] > count[most] {
			most = camera
		}
	}
	for r.events[oldest].Camera != most {
		oldest++
	}
	return oldest
}

// read takes what is in a line.
func (e *Event) read(line []byte) error {
	var details []string
	err := eachMember(line, func(name, value string) {
		switch name {
		case zerolog.LevelFieldName, zerolog.TimestampFieldName, zerolog.CallerFieldName, functionKey:
		case zerolog.MessageFieldName:
			e.Message = bounded(value)
		case zerolog.ErrorFieldName:
			e.Reason = bounded(value)
		case "message_id":
			e.MessageID = bounded(value)
		case "camera":
			e.Camera = bounded(value)
		case "output":
			e.Output = bounded(value)
		default:
			if len(value) <= maxDetail { // or it is a stack
				details = append(details, name+"="+value)
			}
		}
	})
	e.Details = bounded(strings.Join(details, ", "))
	same := []string{e.Level, e.Camera, e.Output, e.Message, digitless(e.Reason), digitless(e.Details)}
	e.key = maphash.String(eventSeed, strings.Join(same, "\n"))
	return err
}

// bounded is the first line of a text, without control characters and not too long.
func bounded(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > recentDetail {
		text = text[:recentDetail-3] + "..."
	}
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

var eventSeed = maphash.MakeSeed()

func digitless(text string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' || r == '.' {
			return -1
		}
		return r
	}, text)
}

// A tee keeps lines that go on, too.
type tee struct {
	zerolog.LevelWriter
	recent *Recent
}

// WriteLevel implements [zerolog.LevelWriter].
func (t tee) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	t.recent.keep(level, line, time.Now())
	return t.LevelWriter.WriteLevel(level, line)
}

// and is w, and r if it is not nil.
func (r *Recent) and(w zerolog.LevelWriter) zerolog.LevelWriter {
	if r == nil {
		return w
	}
	return tee{w, r}
}
