package survey

import (
	"strconv"
	"strings"
)

// Plain is what a device says of itself, without what a terminal would obey.
func Plain(name string) string {
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(name, "?"))
}
