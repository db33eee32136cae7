package preproc

import (
	"encoding"
	"strings"
	"testing"
)

func TestEnumsSpeakTheConfigsWords(t *testing.T) {
	type enum interface {
		encoding.TextUnmarshaler
		encoding.TextMarshaler
	}
	for _, c := range []struct {
		value enum
		kind  string
		words string
	}{
		{new(Fit), "fit", "letterbox stretch cover inside"},
		{new(Filter), "filter", "area linear nearest"},
		{new(Color), "color", "rgb bgr gray"},
		{new(DType), "dtype", "uint8 float32 float16 int8"},
		{new(Layout), "layout", "hwc chw"},
		{new(Encode), "encode", "raw jpeg"},
		{new(Flip), "flip", "none horizontal vertical both"},
	} {
		words := strings.Fields(c.words)
		for _, word := range words {
			if err := c.value.UnmarshalText([]byte(word)); err != nil {
				t.Errorf("%s %q: %v", c.kind, word, err)
			}
			if back, err := c.value.MarshalText(); err != nil || string(back) != word {
				t.Errorf("%s %q came back as %q, %v", c.kind, word, back, err)
			}
		}
		err := c.value.UnmarshalText([]byte("sideways"))
		want := c.kind + ` "sideways" is unknown; allowed: ` + strings.Join(words, ", ")
		if err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", c.kind, err, want)
		}
	}
}

func TestEnumWithoutNameIsNotWritten(t *testing.T) {
	if text, err := Fit(9).MarshalText(); err == nil {
		t.Errorf("Fit(9) is written as %q", text)
	}
	if s := Fit(9).String(); s != "unknown(9)" {
		t.Errorf("Fit(9) prints as %q", s)
	}
}
