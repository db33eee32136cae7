package recovery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// names are the steps after failures of these causes, one right after the other.
func names(l *Ladder, now time.Time, list ...Cause) []string {
	var got []string
	for _, c := range list {
		s := l.Failed(c, now)
		name := fmt.Sprintf("%v %d/%d", s.Rung, s.Try, s.Of)
		if s.News {
			name += "!"
		}
		got = append(got, name)
	}
	return got
}

func repeat(c Cause, n int) []Cause { return slices.Repeat([]Cause{c}, n) }

func TestEachCauseClimbsItsRungs(t *testing.T) {
	for name, test := range map[string]struct {
		ladder Ladder
		causes []Cause
		want   []string
	}{
		"broken, all remedies": {Ladder{Fallbacks: 1, Resets: true}, repeat(Broken, 15), []string{
			"restart-stream 1/2!", "restart-stream 2/2", "reopen 1/3!", "reopen 2/3", "reopen 3/3",
			"lower-mode 1/1!",
			"restart-stream 1/2!", "restart-stream 2/2", "reopen 1/3!", "reopen 2/3", "reopen 3/3",
			"usb-reset 1/2!", "usb-reset 2/2", "reopen 4/0!", "reopen 5/0",
		}},
		"broken, neither modes nor reset": {Ladder{}, repeat(Broken, 7), []string{
			"restart-stream 1/2!", "restart-stream 2/2", "reopen 1/3!", "reopen 2/3", "reopen 3/3", "reopen 4/0!", "reopen 5/0",
		}},
		"cannot be opened": {Ladder{}, repeat(Failed, 5), []string{
			"reopen 1/3!", "reopen 2/3", "reopen 3/3", "reopen 4/0!", "reopen 5/0",
		}},
		"no room goes straight to lower modes": {Ladder{Fallbacks: 2, Resets: true}, repeat(Unfit, 4), []string{
			"lower-mode 1/2!", "lower-mode 2/2!", "reopen 1/0!", "reopen 2/0",
		}},
		"a storm of workers is no matter of the bus": {Ladder{Fallbacks: 1, Resets: true}, repeat(Storm, 8), []string{
			"reopen 1/3!", "reopen 2/3", "reopen 3/3", "lower-mode 1/1!", "reopen 1/3!", "reopen 2/3", "reopen 3/3", "reopen 4/0!",
		}},
		"a hang": {Ladder{Fallbacks: 1, Resets: true}, repeat(Hang, 4), []string{"usb-reset 1/2!", "usb-reset 2/2", "process 1/0!", "process 2/0"}},
		"a hang for which a process was given up": {Ladder{Given: start.Add(1 - ProcessPeriod)}, repeat(Hang, 1), []string{"wait 1/0!"}},
		"a hang an hour after":                    {Ladder{Given: start.Add(-ProcessPeriod)}, repeat(Hang, 1), []string{"process 1/0!"}},
		"a hang, no reset":                        {Ladder{Fallbacks: 1}, repeat(Hang, 1), []string{"process 1/0!"}},
		"a hang that ended":                       {Ladder{}, []Cause{Broken, Hang, Broken}, []string{"restart-stream 1/2!", "process 1/0!", "restart-stream 2/2!"}},
		"absence never climbs, and is a new start": {Ladder{Fallbacks: 1}, []Cause{Broken, Broken, Broken, Absent, Absent, Taken, Broken}, []string{
			"restart-stream 1/2!", "restart-stream 2/2", "reopen 1/3!", "wait 1/0!", "wait 2/0", "wait 3/0", "restart-stream 1/2!",
		}},
		"being in use is no new start": {Ladder{}, []Cause{Broken, Taken, Broken, Broken}, []string{
			"restart-stream 1/2!", "wait 1/0!", "restart-stream 2/2", "reopen 1/3!",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := names(&test.ladder, start, test.causes...); !slices.Equal(got, test.want) {
				t.Errorf("\n got %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestQuietForgetsWhatWasTried(t *testing.T) {
	l := &Ladder{}
	names(l, start, repeat(Broken, 4)...)
	l.Published(start)
	if got := names(l, start.Add(Quiet-1), Broken); got[0] != "reopen 3/3" {
		t.Errorf("before it was quiet: %s", got)
	}
	l.Published(start)
	if settled, _ := l.Improve(start.Add(Quiet - 1)); settled {
		t.Error("settled before it was quiet")
	}
	if settled, raised := l.Improve(start.Add(Quiet)); !settled || raised {
		t.Errorf("settled %v, raised %v", settled, raised)
	}
	if settled, _ := l.Improve(start.Add(Quiet)); settled {
		t.Error("settled twice")
	}
	if got := names(l, start.Add(Quiet), Broken); got[0] != "restart-stream 1/2!" {
		t.Errorf("after it was quiet: %s", got)
	}
}

// raise lets a camera publish until a better mode is due, and says how long
// that took.
func raise(t *testing.T, l *Ladder, now *time.Time) time.Duration {
	t.Helper()
	l.Published(*now)
	began := *now
	for now.Sub(began) < 2*LastRaise {
		*now = now.Add(time.Second)
		if _, raised := l.Improve(*now); raised {
			return now.Sub(began)
		}
	}
	t.Fatal("no better mode is ever due")
	return 0
}

func TestBetterModesAreTriedWithGrowingPatience(t *testing.T) {
	l, now := &Ladder{Fallbacks: 2}, start
	names(l, now, Unfit, Unfit)
	if l.Mode() != 2 {
		t.Fatalf("mode %d", l.Mode())
	}
	var waits []time.Duration
	for range 9 { // the better mode fails at once
		waits = append(waits, raise(t, l, &now))
		if l.Mode() != 1 {
			t.Fatalf("raised to mode %d", l.Mode())
		}
		if got := names(l, now, Broken); got[0] != "lower-mode 2/2!" {
			t.Fatalf("a better mode that does not hold: %s", got)
		}
	}
	want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}
	for i, w := range waits {
		if w != want[i]*time.Minute {
			t.Errorf("waited %v", waits)
			break
		}
	}
	raise(t, l, &now)
	l.Published(now)
	now = now.Add(LastRaise) // it holds
	if settled, raised := l.Improve(now); settled || !raised || l.Mode() != 0 {
		t.Errorf("settled %v, raised %v, mode %d: one mode at a time, up to the wanted one", settled, raised, l.Mode())
	}
	l.Published(now)
	now = now.Add(2 * LastRaise)
	if settled, raised := l.Improve(now); settled || raised {
		t.Error("something is due although all is well")
	}
	names(l, now, Unfit)
	if got := raise(t, l, &now); got != FirstRaise {
		t.Errorf("waits %v although the mode had held", got)
	}
}

func TestAModeThatHoldsForMinutesOnlyDoesNotFlap(t *testing.T) {
	l, now := &Ladder{Fallbacks: 1}, start
	names(l, now, Unfit)
	changes := 0
	for now.Sub(start) < 24*time.Hour {
		raise(t, l, &now)
		changes++
		l.Published(now)
		now = now.Add(45 * time.Second) // quiet for long enough
		l.Improve(now)
		names(l, now, Unfit)
	}
	if changes > 30 {
		t.Errorf("%d times up and down in a day", changes)
	}
}

func TestLeastModeIsTheOwners(t *testing.T) {
	l, now := &Ladder{Fallbacks: 2, Least: 1}, start
	if l.Mode() != 1 {
		t.Errorf("mode %d", l.Mode())
	}
	l.Published(now)
	now = now.Add(2 * LastRaise)
	if _, raised := l.Improve(now); raised || l.Mode() != 1 {
		t.Errorf("raised to mode %d", l.Mode())
	}
	if s := l.Failed(Unfit, now); s.Rung != Lower || s.Mode != 2 {
		t.Errorf("%+v: it is in mode 1, and the next one is 2", s)
	}
	if got := raise(t, l, &now); got != FirstRaise || l.Mode() != 1 {
		t.Errorf("mode %d after %v", l.Mode(), got)
	}
	l.Published(now)
	l.Least = 0
	if got := raise(t, l, &now); got != FirstRaise || l.Mode() != 0 {
		t.Errorf("mode %d after %v", l.Mode(), got)
	}
	if l.Least = 7; l.Mode() != 2 {
		t.Errorf("mode %d of 2", l.Mode())
	}
}

func TestResetsAreTwoAnHour(t *testing.T) {
	l, now := &Ladder{Resets: true}, start
	count := 0
	for now.Sub(start) < 5*time.Hour {
		s := l.Failed(Broken, now)
		if s.Rung == Reset {
			count++
			l.Failed(Absent, now) // it goes, and comes back
		}
		now = now.Add(s.After + 2*time.Second)
	}
	if count < 8 || count > 10 {
		t.Errorf("%d resets in 5 hours", count)
	}
}

// TestEveryWalkKeepsThePromises goes through every sequence of four failures,
// right after each other or after some time of publishing, and through long
// ones at random, and asks of each step what must always hold.
func TestEveryWalkKeepsThePromises(t *testing.T) {
	for _, l := range []Ladder{{}, {Fallbacks: 1}, {Fallbacks: 2, Resets: true}} {
		explore(t, l, start, Step{}, 4)
		random, now, before := rand.New(rand.NewPCG(1, 2)), start, Step{}
		for range 50_000 {
			if random.IntN(10) == 0 {
				l.Least = random.IntN(3)
			}
			before.Mode = l.Mode() // its owner may have changed it
			now, before = walk(t, &l, Cause(random.IntN(causes)), times[random.IntN(len(times))], now, before)
		}
	}
}

// times are for how long the camera publishes between two failures.
var times = []time.Duration{0, time.Second, FirstRaise, LastRaise}

func explore(t *testing.T, l Ladder, now time.Time, before Step, depth int) {
	if depth == 0 {
		return
	}
	for _, published := range times {
		for c := range Cause(causes) {
			next := l
			next.resets = slices.Clone(l.resets)
			at, s := walk(t, &next, c, published, now, before)
			explore(t, next, at, s, depth-1)
		}
	}
}

// walk lets the camera publish for some time and fail then.
func walk(t *testing.T, l *Ladder, c Cause, published time.Duration, now time.Time, before Step) (time.Time, Step) {
	was := l.mode
	if published > 0 {
		l.Published(now)
		now = now.Add(published)
		if _, raised := l.Improve(now); raised && (l.mode != was-1 || l.mode < l.Least) {
			t.Fatalf("raised from mode %d to %d", was, l.mode)
		}
	}
	s := l.Failed(c, now)
	if fault := fault(*l, c, s, before, published >= Quiet); fault != "" {
		t.Fatalf("%s: %+v after %+v, cause %d, published for %v, ladder %+v", fault, s, before, c, published, *l)
	}
	return now, s
}

// fault says which promise a step breaks.
func fault(l Ladder, c Cause, s, before Step, quiet bool) string {
	first, last := spans[c].first, spans[c].last
	switch {
	case s.Mode < 0 || max(s.Mode, l.mode) > l.Fallbacks || s.Mode != l.Mode():
		return "a mode that is none"
	case s.After < 0 || s.After > longestPause*6/5 && (c != Hang || s.Rung != Wait || s.After > ProcessPeriod):
		return "a pause out of bounds"
	case first == Wait && s.Rung != Wait:
		return "absence climbs"
	case s.Rung == Reset && !l.Resets:
		return "a reset that nobody allowed"
	case s.Rung == Process && c != Hang:
		return "the process is given up for a camera that answers"
	case s.Of > 0 && s.Try > s.Of:
		return "more tries than there are"
	case s.Of > 0 && (s.Rung < first || s.Rung > last) && !(s.Rung == Lower && c != Hang):
		return "a rung that does not help"
	case quiet && s.Rung == Reopen && first == Restart && s.Of == 0:
		return "quiet restores nothing"
	case s.Mode > before.Mode && s.Rung != Lower:
		return "a lower mode without a step"
	case s.Mode > before.Mode+1:
		return "two modes at once"
	}
	return ""
}

// Its program tells nobody when it lets go.
func TestCameraThatIsTakenIsTriedOften(t *testing.T) {
	for cause, most := range map[Cause]time.Duration{Taken: 600 * time.Millisecond, Absent: 2400 * time.Millisecond} {
		l, longest := &Ladder{}, time.Duration(0)
		for range 50 {
			longest = max(longest, l.Failed(cause, start).After)
		}
		if longest > most || longest < most/2 {
			t.Errorf("cause %d: up to %v between tries, want at most %v", cause, longest, most)
		}
	}
}
