package systemd

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

const (
	// queueEntries and queueBytes bound what waits for a sink that does not
	// read: by number, and by size for lines that are out of the ordinary.
	queueEntries = 1024
	queueBytes   = 4 << 20
	// keptLine is the largest buffer that is used again.
	keptLine = 4 << 10
	// closeTimeout bounds Close, within a stop of two seconds.
	closeTimeout = time.Second
)

// entry is one log line as zerolog wrote it, on its way to a sink.
type entry struct {
	at    time.Time
	level zerolog.Level
	line  []byte
}

// sink is where entries end: the journal or a stream.
type sink interface {
	// send delivers one entry. It may block until interrupt.
	send(e *entry) error
	// interrupt makes a blocked and every later send return an error.
	interrupt()
}

// LogWriter takes log lines from any goroutine and never blocks it: lines wait
// in a bounded queue for one goroutine that delivers them. When the queue is
// full, what comes last is lost, so that the lines that tell how a trouble began
// stand; how many were lost is logged when the sink reads again. Allocates
// nothing for a line of ordinary length.
type LogWriter struct {
	sink    sink
	queue   chan *entry
	free    chan *entry
	queued  atomic.Int64 // bytes in queue
	lost    atomic.Uint64
	told    uint64 // lost entries that were logged; only run touches it
	closing chan struct{}
	closed  sync.Once
	drained chan struct{}
}

var (
	_ zerolog.LevelWriter = (*LogWriter)(nil)
	_ io.Closer           = (*LogWriter)(nil)
)

// newLogWriter starts the goroutine that feeds s; Shutdown ends it.
func newLogWriter(s sink) *LogWriter {
	w := &LogWriter{
		sink:    s,
		queue:   make(chan *entry, queueEntries),
		free:    make(chan *entry, queueEntries),
		closing: make(chan struct{}),
		drained: make(chan struct{}),
	}
	for range queueEntries {
		w.free <- new(entry)
	}
	go w.run()
	return w
}

// NewStreamWriter returns a LogWriter over a terminal, a pipe or a file. out
// gets one Write a line, from one goroutine.
func NewStreamWriter(out io.Writer) *LogWriter { return newLogWriter(&streamSink{out: out}) }

// Write implements [io.Writer] for a line without a level.
func (w *LogWriter) Write(line []byte) (int, error) {
	return w.WriteLevel(zerolog.NoLevel, line)
}

// WriteLevel implements [zerolog.LevelWriter]. It copies line and returns at
// once; it never fails, for zerolog would print the error to standard error,
// which under systemd is journald again.
func (w *LogWriter) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	if !w.enqueue(level, line) {
		w.lost.Add(1)
	}
	return len(line), nil
}

func (w *LogWriter) enqueue(level zerolog.Level, line []byte) bool {
	select {
	case <-w.closing:
		return false
	default:
	}
	if w.queued.Add(int64(len(line))) > queueBytes {
		w.queued.Add(-int64(len(line)))
		return false
	}
	select {
	case e := <-w.free:
		e.at, e.level, e.line = time.Now(), level, append(e.line[:0], line...)
		w.queue <- e // has room for every entry there is
		return true
	default:
		w.queued.Add(-int64(len(line)))
		return false
	}
}

// Lost is the number of lines that did not reach the sink.
func (w *LogWriter) Lost() uint64 { return w.lost.Load() }

// Close is Shutdown with a bound of one second.
func (w *LogWriter) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return w.Shutdown(ctx)
}

// Shutdown delivers what is queued and ends the writer, at the latest when ctx
// is done. Lines that come after it are counted as lost. It may be called again.
func (w *LogWriter) Shutdown(ctx context.Context) error {
	w.closed.Do(func() { close(w.closing) })
	select {
	case <-w.drained:
		return nil
	case <-ctx.Done():
		w.sink.interrupt()
		return fmt.Errorf("flush log: %d lines left: %w", len(w.queue)+1, ctx.Err())
	}
}

func (w *LogWriter) run() {
	defer close(w.drained)
	for {
		select {
		case e := <-w.queue:
			w.deliver(e)
		case <-w.closing:
			for len(w.queue) > 0 {
				w.deliver(<-w.queue)
			}
			return
		}
	}
}

func (w *LogWriter) deliver(e *entry) {
	if err := w.sink.send(e); err != nil {
		w.lost.Add(1)
	} else if len(w.queue) == 0 {
		w.tellLost()
	}
	w.queued.Add(-int64(len(e.line)))
	if cap(e.line) > keptLine {
		e.line = nil
	}
	w.free <- e
}

// tellLost logs how many lines were lost since it last did.
func (w *LogWriter) tellLost() {
	lost := w.lost.Load()
	if lost == w.told {
		return
	}
	line := make([]byte, 0, 256)
	line = append(line, `{"level":"warn","message_id":"`+MessageLogLost+`","lost":`...)
	line = strconv.AppendUint(line, lost-w.told, 10)
	line = append(line, `,"message":"log entries were lost: the reader of the log did not keep up"}`+"\n"...)
	if w.sink.send(&entry{at: time.Now(), level: zerolog.WarnLevel, line: line}) == nil {
		w.told = lost
	}
}

// streamSink writes lines as they are. A write that blocks cannot be
// interrupted; it ends with the process.
type streamSink struct {
	out         io.Writer
	interrupted atomic.Bool
}

func (s *streamSink) send(e *entry) error {
	if s.interrupted.Load() {
		return io.ErrClosedPipe
	}
	_, err := s.out.Write(e.line)
	return err
}

func (s *streamSink) interrupt() { s.interrupted.Store(true) }
