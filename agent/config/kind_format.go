package config

import (
	"slices"
	"strings"

	"github.com/edge-agent/agent/capture"
)

// formats are the codes of the table of pixel formats, too many to be listed.
var formats = func() kind[capture.PixelFormat] {
	k := scalarKind("format", "allowed: a V4L2 code of pictures as agent devices prints it, such as YUYV, NV12 or MJPG", func(s string) (capture.PixelFormat, bool) {
		f, ok := capture.ParsePixelFormat(s)
		return f, ok && f.Pixels().Layout() != nil
	})
	k.why = func(s string) string {
		f, ok := capture.ParsePixelFormat(s)
		if !ok {
			return "not a code"
		}
		return f.Unreadable()
	}
	return k
}()

// oneOfFormats is a choice of some of them.
func oneOfFormats(some ...capture.PixelFormat) kind[capture.PixelFormat] {
	var codes []string
	for _, p := range some {
		codes = append(codes, p.String())
	}
	return scalarKind("format", "allowed: "+strings.Join(codes, ", "), func(s string) (capture.PixelFormat, bool) {
		p, ok := capture.ParsePixelFormat(s)
		return p, ok && slices.Contains(some, p)
	})
}
