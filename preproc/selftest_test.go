package preproc

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/edge-agent/agent/capture"
)

func TestSelfTestPasses(t *testing.T) {
	if err := SelfTest(); err != nil {
		t.Error(err)
	}
}

// wrong is a processor whose images have one value that is off.
type wrong struct{ Processor }

func (w wrong) Process(ctx context.Context, f *capture.Frame, images []*Image) (Measure, error) {
	m, err := w.Processor.Process(ctx, f, images)
	images[0].Data[len(images[0].Data)/2] ^= 16
	return m, err
}

func TestSelfTestIsOfTheProcessorsGiven(t *testing.T) {
	err := SelfTestOf(func(v View, specs []Spec) (Processor, error) {
		p, err := New(v, specs)
		return wrong{p}, err
	})
	if err == nil || !strings.Contains(err.Error(), "resize: 1 of 3567 values are off") {
		t.Errorf("one wrong value: %v", err)
	}
	broken := errors.New("no such processor")
	if err := SelfTestOf(func(View, []Spec) (Processor, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("no processor: %v", err)
	}
}

func TestSelfTestSeesWhatDiffers(t *testing.T) {
	want := knownPicture()
	got := append([]byte(nil), want...)
	got[100] += 2
	if err := alike(got, want, 1); err == nil || !strings.Contains(err.Error(), "1 of 17856 values are off by more than 1; at byte 100") {
		t.Errorf("a value off by 2: %v", err)
	}
	if err := alike(got[1:], want, 1); err == nil {
		t.Error("a missing byte is not seen")
	}
	if err := alikeMostly(got, want, 1, 1); err != nil {
		t.Errorf("an allowed exception: %v", err)
	}
}
