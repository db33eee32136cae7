package show

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// add makes a line of spans.
func (p *printer) add(spans ...span) { p.lines = append(p.lines, spans) }

// wrap makes lines of a text, most at the most, which begin at an indent.
func (p *printer) wrap(text string, look style, indent, most int) {
	room := p.Width - indent
	for rest := Clean(text); rest != "" && most > 0; most-- {
		piece := rest
		if utf8.RuneCountInString(rest) > room {
			piece = cut(rest, room, most == 1)
		}
		rest = strings.TrimLeft(strings.TrimPrefix(rest, piece), " ")
		p.add(span{strings.Repeat(" ", indent), plain}, span{strings.TrimRight(piece, " "), look})
	}
}

// cut is what there is room for, as far as a space if one is near; of the last line
// the end shows that there was more.
func cut(text string, room int, last bool) string {
	runes := []rune(text)
	if last {
		return string(runes[:room-2]) + ".."
	}
	piece := string(runes[:room])
	if at := strings.LastIndexByte(piece, ' '); at > len(piece)/2 && runes[room] != ' ' {
		return piece[:at]
	}
	return piece
}

// short is a text that is no longer than room, its middle left out if need be: names
// differ at their ends.
func short(text string, room int) string {
	runes := []rune(text)
	if len(runes) <= room {
		return text
	}
	if room < 5 {
		return string(runes[:max(room, 0)])
	}
	head := (room - 2) / 2
	return string(runes[:head]) + ".." + string(runes[len(runes)-(room-2-head):])
}

// Clean is a text of which a terminal does nothing but show it.
func Clean(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) < 0 {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// write puts the lines out, as many as there is room for, in one piece.
func (p *printer) write(w io.Writer) error {
	lines, more := p.lines, 0
	if p.Height > 1 && len(lines) > p.Height {
		more = len(lines) - p.Height + 1
		lines = lines[:p.Height-1]
	}
	var b strings.Builder
	for _, l := range lines {
		p.writeLine(&b, l)
	}
	if more > 0 {
		p.writeLine(&b, line{{fmt.Sprintf(".. and %s more", plural(more, "line")), faint}})
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (p *printer) writeLine(b *strings.Builder, l line) {
	for _, s := range p.fit(l) {
		if p.Color && s.style != plain {
			s.text = "\x1b[" + string(s.style) + "m" + s.text + "\x1b[0m"
		}
		b.WriteString(s.text)
	}
	b.WriteByte('\n')
}

// fit is what there is room for of a line, with nothing after what is to be seen.
func (p *printer) fit(l line) (fitting line) {
	room := p.Width
	for _, s := range l {
		s.text = short(Clean(s.text), room)
		room -= utf8.RuneCountInString(s.text)
		fitting = append(fitting, s)
	}
	for last := len(fitting) - 1; last >= 0; last-- {
		if fitting[last].text = strings.TrimRight(fitting[last].text, " "); fitting[last].text != "" {
			return fitting[:last+1]
		}
	}
	return nil
}
