package systemd

import (
	"sync/atomic"

	"github.com/rs/zerolog"
)

// A Level is the least severe that is logged. It may be set while loggers are in
// use: those of [NewLogger] and all that are made of them ask it for each event,
// before anything of that is made.
type Level struct{ least atomic.Int32 }

var _ zerolog.Sampler = (*Level)(nil)

// NewLevel makes one that is least.
func NewLevel(least zerolog.Level) *Level {
	l := &Level{}
	l.Set(least)
	return l
}

// Set may be called from any goroutine.
func (l *Level) Set(least zerolog.Level) { l.least.Store(int32(least)) }

// Now is what was set last.
func (l *Level) Now() zerolog.Level { return zerolog.Level(l.least.Load()) }

// Sample says whether an event of that level is logged.
func (l *Level) Sample(level zerolog.Level) bool { return level >= l.Now() }
