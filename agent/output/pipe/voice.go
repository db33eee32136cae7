package pipe

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"time"
)

// What a command says is bounded: in length; in number, by a bucket that holds so
// many lines and gets one more after each period; and in bytes a second, at which
// it has to wait itself.
const (
	maxLine    = 1 << 10
	maxLines   = 20
	linePeriod = 3 * time.Second
	maxBytes   = 16 << 10 // in each bytePeriod
	bytePeriod = time.Second / 16
	// lastWords is how long the standard error of a command that ended is read:
	// it has ended as well, unless another process has it.
	lastWords = 100 * time.Millisecond
)

// A voice passes on what commands say, one after the other.
type voice struct {
	say    func(line string, more uint64)
	spent  int // lines
	filled time.Time
	more   uint64 // lines that were too many
}

// listen reads to the end, and returns the last line.
func (v *voice) listen(r io.Reader) (last string) {
	in := bufio.NewReaderSize(&slowly{from: r}, maxLine)
	var kept [maxLine]byte
	n := 0 // of kept, which is the last line
	for {
		text, err := in.ReadSlice('\n')
		for part := range bytes.SplitSeq(text, []byte{'\r'}) { // progress, on a terminal
			if part = bytes.TrimSpace(part); len(part) > 0 {
				n = copy(kept[:], part)
				v.pass(part)
			}
		}
		for err == bufio.ErrBufferFull { // the rest of a long line
			_, err = in.ReadSlice('\n')
		}
		if err != nil {
			return printable(kept[:n])
		}
	}
}

// slowly reads no more than may be.
type slowly struct {
	from  io.Reader
	spent int // bytes
	since time.Time
}

func (s *slowly) Read(b []byte) (int, error) {
	if s.spent >= maxBytes {
		<-time.After(bytePeriod - time.Since(s.since))
	}
	if time.Since(s.since) >= bytePeriod {
		s.spent, s.since = 0, time.Now()
	}
	n, err := s.from.Read(b)
	s.spent += n
	return n, err
}

func (v *voice) pass(line []byte) {
	now := time.Now()
	if n := int(now.Sub(v.filled) / linePeriod); n > 0 {
		v.spent, v.filled = max(0, v.spent-n), now
	}
	if v.spent == maxLines || v.say == nil {
		v.more++
		return
	}
	v.spent++
	v.say(printable(line), v.more)
	v.more = 0
}

// printable is what a line has for people, without control characters.
func printable(line []byte) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(line), "?")))
}
