package preproc

import (
	"strings"
	"testing"
)

func TestSelfTestPasses(t *testing.T) {
	if err := SelfTest(); err != nil {
		t.Error(err)
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
