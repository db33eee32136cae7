package v4l2

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// macros prints what the kernel's header makes of every combination.
const macros = `
#include <linux/videodev2.h>
#include <stdio.h>
int main(void) {
  for (int rgb = 0; rgb < 2; rgb++)
    for (int cs = 0; cs <= V4L2_COLORSPACE_DCI_P3; cs++)
      for (int enc = 0; enc <= V4L2_YCBCR_ENC_SMPTE240M; enc++)
        for (int q = 0; q <= V4L2_QUANTIZATION_LIM_RANGE; q++) {
          int c = cs ? cs : V4L2_MAP_COLORSPACE_DEFAULT(0, 0);
          int e = enc ? enc : V4L2_MAP_YCBCR_ENC_DEFAULT(c);
          int r = q ? q : V4L2_MAP_QUANTIZATION_DEFAULT(rgb, c, e);
          printf("%d %d %d %d %d %d\n", rgb, cs, enc, q, e, r);
        }
}
`

// encodings are the values of enum v4l2_ycbcr_encoding from 1 on, and what each
// one is read as.
var encodings = [...]capture.Matrix{
	1: capture.BT601, 2: capture.BT709, 3: capture.BT601, 4: capture.BT709, 5: capture.BT601,
	6: capture.BT2020, 7: capture.BT2020, 8: capture.SMPTE240M,
}

// Every colorspace, encoding and quantization is resolved as the macros of
// videodev2.h do, but for xvYCC, which has one range.
func TestDefaultsAreTheKernelsOwn(t *testing.T) {
	n := 0
	for line := range strings.Lines(resolved(t)) {
		var rgb, cs, enc, q, e, r uint32
		if _, err := fmt.Sscan(line, &rgb, &cs, &enc, &q, &e, &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		n++
		fourcc, matrix := capture.YUYV, encodings[e]
		if rgb == 1 {
			fourcc, matrix = capture.RGB3, capture.BT601
		}
		limited := r == quantizationLim || rgb == 0 && (e == ycbcrEncXV601 || e == ycbcrEncXV709)
		a := agreed{fourcc: uint32(fourcc), colorspace: cs, ycbcrEnc: enc, quantization: q}
		if m, got := a.color(); m != matrix || (got == capture.Limited) != limited {
			t.Errorf("rgb %d, colorspace %d, encoding %d, quantization %d: %v %v, want %v, limited %v", rgb, cs, enc, q, m, got, matrix, limited)
		}
	}
	if n != 2*13*9*3 {
		t.Errorf("%d combinations", n)
	}
}

// resolved compiles and runs the macros.
func resolved(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "macros.c"), filepath.Join(dir, "macros")
	if err := os.WriteFile(source, []byte(macros), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "cc", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
