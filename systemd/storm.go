package systemd

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// What repeats itself is bounded, whoever logs it: journald takes 500 entries of
// the unit in ten seconds (LogRateLimitBurst=) and throws away what comes then,
// which might be the one that matters. In any ten seconds no more than 441 leave here:
// stormAll and stormAllMore, stormFirst and stormFirstMore, and stormTold.
const (
	// stormPeriod is how often it is told how many were left out.
	stormPeriod = 10 * time.Second
	// stormBurst entries of a kind pass at once, and one more in each stormRefill.
	stormBurst, stormRefill = 30, 2 * time.Second
	// stormAll entries of all kinds pass at once, and so many more in a period.
	stormAll, stormAllMore = 200, 100
	// stormFirst are kept for what has not been logged for a minute, and so many more
	// in a period: a storm of one camera does not hide what happens to another.
	stormFirst, stormFirstMore = 100, 10
	// stormKinds are told apart; what is of further ones counts as one kind.
	stormKinds = 255
	// stormTold is how many entries tell of what was left out, the last one of all
	// that the others do not name.
	stormTold = 31
)

// A kind is what counts as the same: the message of a log call, for one output.
type kind struct{ camera, output, message string }

// A bucket holds entries that may pass.
type bucket struct {
	left   int
	filled time.Time
}

// take takes one that is left. most are there at first, and one comes each period.
func (b *bucket) take(now time.Time, most int, period time.Duration) bool {
	if b.filled.IsZero() {
		b.left, b.filled = most, now
	}
	if n := int(now.Sub(b.filled) / period); n > 0 {
		b.left, b.filled = min(most, b.left+n), b.filled.Add(time.Duration(n)*period)
	}
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}

// A flood is what is known of a kind.
type flood struct {
	bucket
	level   zerolog.Level // the highest of what was left out
	leftOut uint64        // and not told of yet
}

// A breakwater hands lines on to a log. Of those that repeat themselves, for a camera
// that comes and goes ten times a second or a driver that fails on each frame, the
// first ones pass and then a few; the others are counted, and once in ten seconds an
// entry tells how many of which kind there were, so that nothing is lost from the
// sum. What is not repeated passes, unless everything is. Any goroutine may use it.
type breakwater struct {
	out zerolog.LevelWriter

	mu         sync.Mutex
	all, first bucket
	kinds      map[kind]*flood
	leftOut    uint64      // of all kinds, so far
	next       *time.Timer // of tell, nil while there is nothing to tell
	closed     bool
}

func newBreakwater(out zerolog.LevelWriter) *breakwater {
	return &breakwater{out: out, kinds: map[kind]*flood{}}
}

// Write implements [io.Writer] for a line without a level.
func (b *breakwater) Write(line []byte) (int, error) { return b.WriteLevel(zerolog.NoLevel, line) }

// WriteLevel implements [zerolog.LevelWriter].
func (b *breakwater) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	if !b.passes(level, line) {
		return len(line), nil
	}
	return b.out.WriteLevel(level, line)
}

func (b *breakwater) passes(level zerolog.Level, line []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return true // nobody would tell of it any more
	}
	now := time.Now()
	f := b.flood(kindOf(line))
	// An entry that its kind has no room for takes none from the others.
	if f.take(now, stormBurst, stormRefill) {
		if b.all.take(now, stormAll, stormPeriod/stormAllMore) ||
			f.left == stormBurst-1 && b.first.take(now, stormFirst, stormPeriod/stormFirstMore) {
			return true
		}
	}
	b.leftOut++
	f.leftOut++
	if f.leftOut == 1 || level > f.level {
		f.level = level
	}
	if b.next == nil {
		b.next = time.AfterFunc(stormPeriod, b.tell)
	}
	return false
}

// flood is that of a kind; when there are too many, of all that are new.
func (b *breakwater) flood(k kind) *flood {
	if f := b.kinds[k]; f != nil {
		return f
	}
	if len(b.kinds) >= stormKinds {
		b.forget()
	}
	if len(b.kinds) >= stormKinds {
		k = various
	}
	if b.kinds[k] == nil {
		b.kinds[k] = &flood{}
	}
	return b.kinds[k]
}

// various is what is of no kind that is told apart.
var various = kind{message: "various"}

// forget forgets the kinds of which nothing came for so long that all may pass.
func (b *breakwater) forget() {
	now := time.Now()
	for k, f := range b.kinds {
		if f.leftOut == 0 && now.Sub(f.filled) >= stormRefill*stormBurst {
			delete(b.kinds, k)
		}
	}
}

// tell says how many entries were left out since it last did.
func (b *breakwater) tell() {
	b.mu.Lock()
	var told []leftOut
	for k, f := range b.kinds {
		if f.leftOut > 0 {
			told = append(told, leftOut{k, f.level, f.leftOut})
			f.leftOut = 0
		}
	}
	if b.next = nil; len(told) > 0 && !b.closed {
		b.next = time.AfterFunc(stormPeriod, b.tell)
	}
	b.mu.Unlock()
	for _, l := range inFew(told) {
		l.write(b.out)
	}
}

// inFew are the kinds of which most was left out, and one for the rest.
func inFew(told []leftOut) []leftOut {
	slices.SortFunc(told, func(a, b leftOut) int { return cmp.Compare(b.n, a.n) })
	if len(told) <= stormTold {
		return told
	}
	rest := leftOut{kind: various}
	for _, l := range told[stormTold-1:] {
		rest.n, rest.level = rest.n+l.n, max(rest.level, l.level)
	}
	return append(told[:stormTold-1], rest)
}

// close tells what there is left to tell.
func (b *breakwater) close() {
	b.mu.Lock()
	b.closed = true
	if b.next != nil {
		b.next.Stop()
	}
	b.mu.Unlock()
	b.tell()
}

// leftOut is what an entry tells of a kind.
type leftOut struct {
	kind
	level zerolog.Level
	n     uint64
}

func (l leftOut) write(out zerolog.LevelWriter) {
	log := zerolog.New(out).Hook(zerolog.HookFunc(eventTime))
	e := log.WithLevel(l.level).Str("message_id", MessageLogStorm)
	if l.camera != "" {
		e = e.Str("camera", l.camera)
	}
	if l.output != "" {
		e = e.Str("output", l.output)
	}
	e.Str("kind", l.message).Uint64("left_out", l.n).Msg("entries were left out: too many of the kind")
}

// kindOf reads the kind of a line as zerolog writes it. In a value, each quote has a
// backslash before it: what looks like a member is one.
func kindOf(line []byte) kind {
	return kind{member(line, `"camera":"`), member(line, `"output":"`), member(line, `"message":"`)}
}

func member(line []byte, name string) string {
	_, rest, ok := bytes.Cut(line, []byte(name))
	if !ok {
		return ""
	}
	for end := 0; end < len(rest); end++ {
		switch rest[end] {
		case '\\':
			end++
		case '"':
			return unquoted(rest[:end])
		}
	}
	return ""
}

// unquoted is what is in a JSON string; hostile ones are cut.
func unquoted(text []byte) string {
	const most = 200
	var value string
	if len(text) > most || json.Unmarshal(fmt.Appendf(nil, "\"%s\"", text), &value) != nil {
		return string(bytes.ToValidUTF8(text[:min(len(text), most)], nil))
	}
	return value
}

// A Log is where the lines of a logger go.
type Log struct {
	storms *breakwater
	writer *LogWriter
}

// Counts are how many entries were left out so far, since they repeated others, and
// how many were lost, since nobody read in time. Any goroutine may ask.
func (l *Log) Counts() (leftOut, lost uint64) {
	l.storms.mu.Lock()
	defer l.storms.mu.Unlock()
	return l.storms.leftOut, l.writer.Lost()
}

// Close delivers what is queued, within a second.
func (l *Log) Close() error {
	l.storms.close()
	return l.writer.Close()
}
