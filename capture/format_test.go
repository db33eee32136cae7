package capture

import "testing"

func TestCodesAreReadAsTheyAreWritten(t *testing.T) {
	for _, l := range Formats() {
		for _, p := range []PixelFormat{l.PixelFormat, l.Multiplanar} {
			if got, ok := ParsePixelFormat(p.String()); p != 0 && (!ok || got != p) {
				t.Errorf("%s is read as %s", p, got)
			}
		}
	}
	for text, want := range map[string]PixelFormat{
		"Y16": FourCC('Y', '1', '6', ' '), "Y16 ": FourCC('Y', '1', '6', ' '),
		"Y16-BE": 1<<31 | FourCC('Y', '1', '6', ' '), "Y16 -BE": 1<<31 | FourCC('Y', '1', '6', ' '),
		"AR15-BE": 1<<31 | FourCC('A', 'R', '1', '5'), "pBAA": FourCC('p', 'B', 'A', 'A'),
	} {
		if got, ok := ParsePixelFormat(text); !ok || got != want {
			t.Errorf("%q is read as %#x, want %#x", text, uint32(got), uint32(want))
		}
	}
	for _, text := range []string{"", "YU", "YUYVY", "YU\x00V", "YUY\x80", "-BE"} {
		if got, ok := ParsePixelFormat(text); ok {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}

// A row of each format has room for each of its samples, and each plane is used.
func TestSamplesLieWithinTheirPlanes(t *testing.T) {
	seen := map[PixelFormat]bool{}
	for _, l := range Formats() {
		for _, p := range []PixelFormat{l.PixelFormat, l.Multiplanar} {
			if p != 0 && seen[p] {
				t.Errorf("%s is there twice", p)
			}
			seen[p] = true
		}
		used := map[int]bool{}
		for i, c := range l.Components {
			used[c.Plane] = true
			f := Format{PixelFormat: l.PixelFormat, Width: 64, Height: 64}
			if end := c.Offset + (64/c.HSub-1)*c.Step + c.Word; end > f.RowBytes(c.Plane) || c.Shift+c.Bits > 8*c.Word && l.Packing == Words || 64/c.VSub != f.Rows(c.Plane) {
				t.Errorf("%s: component %d ends at byte %d of %d", l.PixelFormat, i, end, f.RowBytes(c.Plane))
			}
		}
		if len(used) != len(l.Planes) && !l.Compressed() {
			t.Errorf("%s: %d of %d planes are used", l.PixelFormat, len(used), len(l.Planes))
		}
	}
}
