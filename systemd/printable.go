package systemd

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxSentence bounds MESSAGE: what is longer stands whole in the field it is of.
const maxSentence = 2000

// printable is text without what a terminal would obey, hide or be confused by:
// control characters, those that turn the direction of writing, and bytes that are
// no UTF-8 are written as Go writes them, \x1b. Text comes from outside: from USB
// devices, files, commands and clients. With whole, lines stay lines.
//
// A MESSAGE that journalctl thinks unprintable is shown as [40B blob data], so that
// one hostile byte would hide the whole entry.
func printable(text string, whole bool) string {
	plain := func(r rune, size int) bool {
		return r == '\n' && whole || r == '\t' && whole || strconv.IsPrint(r) && (r != utf8.RuneError || size > 1)
	}
	good := 0
	for good < len(text) {
		r, size := utf8.DecodeRuneInString(text[good:])
		if !plain(r, size) {
			break
		}
		good += size
	}
	if good == len(text) {
		return text
	}
	var b strings.Builder
	b.WriteString(text[:good])
	for rest := text[good:]; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		if plain(r, size) {
			b.WriteString(rest[:size])
		} else {
			quoted := strconv.Quote(rest[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		rest = rest[size:]
	}
	return b.String()
}

// cut is no longer than most bytes, or ends with an ellipsis that takes its place.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-3], "") + "..."
}

// printableJSON is a line of JSON of which a terminal, too, makes nothing but text: it
// says the same. zerolog escapes control characters of ASCII only.
func printableJSON(line []byte) []byte {
	odd := func(r rune) bool { return r >= utf8.RuneSelf && !strconv.IsPrint(r) }
	if bytes.IndexFunc(line, odd) < 0 {
		return line
	}
	escaped := make([]byte, 0, 2*len(line))
	for _, r := range string(line) {
		switch {
		case !odd(r):
			escaped = utf8.AppendRune(escaped, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
	}
	return escaped
}
