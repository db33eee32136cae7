package preproc

import (
	"fmt"
	"slices"
	"strings"
)

// The config words of each enumeration, in the order of its values.
var (
	fitWords    = []string{"letterbox", "stretch", "cover", "inside"}
	filterWords = []string{"area", "linear", "nearest"}
	colorWords  = []string{"rgb", "bgr", "gray"}
	dtypeWords  = []string{"uint8", "float32", "float16", "int8"}
	layoutWords = []string{"hwc", "chw"}
	encodeWords = []string{"raw", "jpeg"}
	flipWords   = []string{"none", "horizontal", "vertical", "both"}
)

func (f Fit) String() string    { return wordOf(fitWords, f) }
func (f Filter) String() string { return wordOf(filterWords, f) }
func (c Color) String() string  { return wordOf(colorWords, c) }
func (d DType) String() string  { return wordOf(dtypeWords, d) }
func (l Layout) String() string { return wordOf(layoutWords, l) }
func (e Encode) String() string { return wordOf(encodeWords, e) }
func (f Flip) String() string   { return wordOf(flipWords, f) }

// MarshalText gives the config word; it fails for a value that has none.
func (f Fit) MarshalText() ([]byte, error)    { return marshalWord("fit", fitWords, f) }
func (f Filter) MarshalText() ([]byte, error) { return marshalWord("filter", filterWords, f) }
func (c Color) MarshalText() ([]byte, error)  { return marshalWord("color", colorWords, c) }
func (d DType) MarshalText() ([]byte, error)  { return marshalWord("dtype", dtypeWords, d) }
func (l Layout) MarshalText() ([]byte, error) { return marshalWord("layout", layoutWords, l) }
func (e Encode) MarshalText() ([]byte, error) { return marshalWord("encode", encodeWords, e) }
func (f Flip) MarshalText() ([]byte, error)   { return marshalWord("flip", flipWords, f) }

// UnmarshalText takes a config word; its error lists the allowed ones.
func (f *Fit) UnmarshalText(text []byte) error { return unmarshalWord("fit", fitWords, text, f) }
func (f *Filter) UnmarshalText(text []byte) error {
	return unmarshalWord("filter", filterWords, text, f)
}
func (c *Color) UnmarshalText(text []byte) error { return unmarshalWord("color", colorWords, text, c) }
func (d *DType) UnmarshalText(text []byte) error { return unmarshalWord("dtype", dtypeWords, text, d) }
func (l *Layout) UnmarshalText(text []byte) error {
	return unmarshalWord("layout", layoutWords, text, l)
}
func (e *Encode) UnmarshalText(text []byte) error {
	return unmarshalWord("encode", encodeWords, text, e)
}
func (f *Flip) UnmarshalText(text []byte) error { return unmarshalWord("flip", flipWords, text, f) }

func wordOf[T ~uint8](words []string, v T) string {
	if int(v) < len(words) {
		return words[v]
	}
	return fmt.Sprintf("unknown(%d)", uint8(v))
}

func marshalWord[T ~uint8](kind string, words []string, v T) ([]byte, error) {
	if int(v) >= len(words) {
		return nil, fmt.Errorf("%s %d has no name; known are 0 to %d", kind, uint8(v), len(words)-1)
	}
	return []byte(words[v]), nil
}

func unmarshalWord[T ~uint8](kind string, words []string, text []byte, v *T) error {
	i := slices.Index(words, string(text))
	if i < 0 {
		return fmt.Errorf("%s %q is unknown; allowed: %s", kind, text, strings.Join(words, ", "))
	}
	*v = T(i)
	return nil
}
