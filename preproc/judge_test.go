package preproc

import (
	"testing"
	"time"
)

// fine is a measure of which no verdict comes.
var fine = Measure{LumaLow: 20, LumaMean: 100, LumaHigh: 200, Sharpness: 400}

// frames judges n frames of a camera with 25 frames a second, and returns the
// number of the first with a verdict, from 1, and that verdict.
func frames(j *Judge, n int, measure func(i int) Measure) (first int, v Verdict) {
	for i := range n {
		if v := j.Frame(measure(i), time.Duration(i)*40*time.Millisecond, 0); v != Good {
			return i + 1, v
		}
	}
	return 0, Good
}

func TestFrozenIsTheSameContentForTheTimeGiven(t *testing.T) {
	same := func(int) Measure { return fine }
	if n, v := frames(NewJudge(usual), 200, same); n != 126 || v != Frozen {
		t.Errorf("frame %d is %v; 5 s have passed with frame 126", n, v)
	}
	blinks := func(i int) Measure {
		m := fine
		m.Content = uint64(i / 120)
		return m
	}
	if n, v := frames(NewJudge(usual), 1000, blinks); n != 0 {
		t.Errorf("content that changes each 4.8 s: frame %d is %v", n, v)
	}
	off := usual
	off.FrozenAfter = 0
	if n, v := frames(NewJudge(off), 1000, same); n != 0 {
		t.Errorf("off: frame %d is %v", n, v)
	}
}

func TestFrozenIsOverWithTheFirstOtherFrame(t *testing.T) {
	j := NewJudge(usual)
	frames(j, 126, func(int) Measure { return fine })
	if v := j.Frame(fine, 6*time.Second, 0); v != Frozen || j.Unchanged() != 0 {
		t.Errorf("%v since %v", v, j.Unchanged())
	}
	other := fine
	other.Content++
	if v := j.Frame(other, 7*time.Second, 0); v != Good || j.Unchanged() != 7*time.Second {
		t.Errorf("%v since %v", v, j.Unchanged())
	}
}

// One frame a minute is slow, not frozen, until it has been the same for long.
func TestTwoEqualFramesAreNotFrozen(t *testing.T) {
	j := NewJudge(usual)
	for i, want := range []Verdict{Good, Good, Frozen} {
		if v := j.Frame(fine, time.Duration(i)*time.Minute, 0); v != want {
			t.Errorf("frame %d: %v, want %v", i, v, want)
		}
	}
}

func TestVerdictsByTheNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		m    Measure
		age  time.Duration
		want Verdict
	}{
		"good":            {fine, time.Second, Good},
		"black":           {Measure{LumaHigh: 7.9}, 0, Black},
		"just not black":  {Measure{LumaHigh: 8, Sharpness: 20}, 0, Good},
		"white":           {Measure{LumaLow: 247.1, LumaHigh: 255}, 0, BlownOut},
		"just not white":  {Measure{LumaLow: 247, LumaHigh: 255, Sharpness: 20}, 0, Good},
		"blurred":         {Measure{LumaHigh: 99, Sharpness: 19.9}, 0, Blurred},
		"stale":           {fine, time.Second + 1, Stale},
		"stale and black": {Measure{}, time.Minute, Black | Stale},
		"from the future": {fine, -time.Minute, Good},
	} {
		if got := NewJudge(usual).Frame(c.m, 0, c.age); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if got := NewJudge(Quality{}).Frame(c.m, 0, c.age); got != Good {
			t.Errorf("%s, with everything off: %v", name, got)
		}
	}
}

// Black frames are all alike, and have no detail: that is not one more fault.
func TestBlackIsNeitherFrozenNorBlurred(t *testing.T) {
	j := NewJudge(usual)
	for i := range 500 {
		if v := j.Frame(Measure{}, time.Duration(i)*40*time.Millisecond, 0); v != Black {
			t.Fatalf("frame %d: %v", i, v)
		}
	}
}

func TestVerdictHasTheNamesOfItsBits(t *testing.T) {
	for v, want := range map[Verdict]string{
		Good: "good", Frozen: "frozen", Black | Stale: "black+stale",
		Frozen | Black | BlownOut | Blurred | Stale: "frozen+black+blown-out+blurred+stale",
	} {
		if v.String() != want {
			t.Errorf("%d is %s, want %s", uint32(v), v, want)
		}
	}
	if Stale != 1<<(Verdicts-1) {
		t.Error("Verdicts is not the number of bits")
	}
}

func TestJudgingAllocatesNothing(t *testing.T) {
	j, at := NewJudge(usual), time.Duration(0)
	if n := testing.AllocsPerRun(100, func() { at += time.Second; j.Frame(fine, at, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
