package systemd

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// A shore is what lies behind a breakwater: it notes what arrives, and when.
type shore struct {
	mu      sync.Mutex
	entries []entryOf
}

// An entryOf is what a test looks at of an entry.
type entryOf struct {
	at                            time.Time
	Level, Camera, Message, Kind  string
	MessageID                     string `json:"message_id"`
	LeftOut                       uint64 `json:"left_out"`
	Output, Time, Error, Resource string
}

func (s *shore) Write(line []byte) (int, error) { return s.WriteLevel(zerolog.NoLevel, line) }
func (s *shore) WriteLevel(_ zerolog.Level, line []byte) (int, error) {
	e := entryOf{at: time.Now()}
	if err := json.Unmarshal(line, &e); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, e)
	return len(line), nil
}

func (s *shore) last() entryOf {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[len(s.entries)-1]
}

// sum is how many entries there were, those that were left out with the others.
func (s *shore) sum() (n uint64) {
	for _, e := range s.entries {
		if n += e.LeftOut; e.LeftOut == 0 {
			n++
		}
	}
	return n
}

// most is how many came within any ten seconds.
func (s *shore) most() (n int) {
	first := 0
	for i, e := range s.entries {
		for e.at.Sub(s.entries[first].at) > stormPeriod {
			first++
		}
		n = max(n, i-first+1)
	}
	return n
}

func TestStormIsCountedAndNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shore
		b := newBreakwater(&s)
		log := zerolog.New(b)
		begin := time.Now()
		for range 100_000 { // 1000 a second
			time.Sleep(time.Millisecond)
			log.Warn().Str("camera", "front").Str("output", "model").Msg("something broke")
		}
		<-time.After(stormPeriod)
		synctest.Wait()
		if n := s.sum(); n != 100_000 {
			t.Errorf("the entries tell of %d", n)
		}
		if n, most := len(s.entries), stormBurst+100_000/2000+11; n > most {
			t.Errorf("%d entries in 100 s, at the most %d", n, most)
		}
		told := s.entries[len(s.entries)-1]
		if told.MessageID != MessageLogStorm || told.Level != "warn" || told.Camera != "front" || told.Output != "model" || told.Kind != "something broke" || told.Time == "" {
			t.Errorf("%+v", told)
		}
		if first := s.entries[0]; first.at.Sub(begin) > time.Millisecond || first.Message != "something broke" {
			t.Errorf("%+v", first)
		}
		n := len(s.entries)
		<-time.After(time.Hour)
		if synctest.Wait(); len(s.entries) != n {
			t.Errorf("after its end: %+v", s.entries[n:])
		}
		b.close()
	})
}

// However many storms there are, journald's own limit is not reached, which would
// throw away what it likes.
func TestStormsOfAllKindsStayBelowTheLimitOfJournald(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shore
		b := newBreakwater(&s)
		log := zerolog.New(b)
		const kinds, rounds = 500, 100
		for range rounds {
			<-time.After(250 * time.Millisecond)
			for i := range kinds {
				log.Error().Str("camera", fmt.Sprint("camera ", i)).Msg("something broke")
			}
		}
		b.close()
		if n := s.sum(); n != kinds*rounds {
			t.Errorf("the entries tell of %d of %d", n, kinds*rounds)
		}
		if n := s.most(); n > 441 {
			t.Errorf("%d entries within ten seconds", n)
		} else {
			t.Logf("%d entries tell of %d, at the most %d within ten seconds", len(s.entries), kinds*rounds, n)
		}
	})
}

func TestStormHidesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shore
		b := newBreakwater(&s)
		log := zerolog.New(b)
		for i := range 10_000 {
			time.Sleep(time.Millisecond)
			for c := range 30 { // 15 a second would pass, and 10 may
				log.Warn().Int("n", i).Str("camera", fmt.Sprint("camera ", c)).Msg("something broke")
			}
			if i%5_000 != 2_500 {
				continue
			}
			log.Error().Str("camera", "quiet").Msgf("worker replaced %d", i)
			if last := s.last(); last.Camera != "quiet" {
				t.Fatalf("after %d ms the entry of the other camera did not pass", i)
			}
		}
		b.close()
		if n := s.most(); n > 441 {
			t.Errorf("%d entries within ten seconds", n)
		}
	})
}

// A large device says much when it starts, and nothing of it twice.
func TestStartOfALargeDeviceIsNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shore
		b := newBreakwater(&s)
		log := zerolog.New(b)
		for camera := range 16 {
			for output := range 8 {
				log.Info().Str("camera", fmt.Sprint(camera)).Str("output", fmt.Sprint(output)).Msg("consumers may connect")
			}
			for _, message := range []string{"camera publishes", "camera holds again", "accounting"} {
				log.Info().Str("camera", fmt.Sprint(camera)).Msg(message)
			}
		}
		b.close()
		if n := len(s.entries); n != 16*11 || s.sum() != uint64(n) {
			t.Errorf("%d entries", n)
		}
	})
}

func TestCloseTellsWhatWasLeftOut(t *testing.T) {
	var s shore
	b := newBreakwater(&s)
	log := zerolog.New(b)
	for range 2 * stormBurst {
		log.Info().Msg("so it is")
	}
	b.close()
	log.Info().Msg("late")
	if last := s.entries[len(s.entries)-1]; s.sum() != 2*stormBurst+1 || last.Message != "late" {
		t.Errorf("the entries tell of %d, the last is %+v", s.sum(), last)
	}
}

// Whatever stands in a line, its kind is that of its members.
func FuzzKind(f *testing.F) {
	f.Add("front", "model", `text with "camera":"rear" in it`, "message")
	f.Add(`fr"ont\`, "mo\ndel", `\"message\":\"x`, "m\\")
	f.Fuzz(func(t *testing.T, camera, output, text, message string) {
		var line strings.Builder
		log := zerolog.New(&line)
		log.Warn().Str("text", text).Str("camera", camera).Str("output", output).Str("error", text).Msg(message)
		var want struct{ Camera, Output, Message string }
		if err := json.Unmarshal([]byte(line.String()), &want); err != nil {
			t.Fatal(err)
		}
		if len(line.String()) > 150 {
			return // long ones are cut
		}
		if got := kindOf([]byte(line.String())); got != (kind{want.Camera, want.Output, want.Message}) {
			t.Errorf("%s is of kind %+v", line.String(), got)
		}
	})
}

func BenchmarkStorm(b *testing.B) {
	w := newBreakwater(&shore{})
	line := []byte(`{"level":"warn","camera":"front","stage":"capture","error":"something that is not too short","message":"something broke"}`)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = w.WriteLevel(zerolog.WarnLevel, line)
	}
	w.close()
}
