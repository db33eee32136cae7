// Package pipe feeds images to the standard input of a command.
//
// What enters: images, as often as the pipeline finds them due. What leaves:
// whole frames in a format of package stream, to a command that this package
// starts with the first image, and starts again when it ends, with a growing
// pause. The newest image waits for a command that is busy; those before it are
// missed and counted. A command that takes nothing for ten seconds is killed.
// It never lets the pipeline wait, cuts no frame that the command lives to see,
// uses no shell, and never logs: what the command says goes to its owner.
package pipe

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/preproc"
)

// ErrClosed: the output was closed before.
var ErrClosed = errors.New("pipe closed")

// Config says what is fed with what.
type Config struct {
	// Command is the program, looked for in PATH unless it has a slash, and its
	// arguments. Dir is its working directory.
	Command []string
	Dir     string
	// Stream is what it gets.
	Stream stream.Config
	// Width and Height are those of the largest image.
	Width, Height int
	// Patience is how long Write may wait for the command to take the image
	// before, so that a recording loses none; 0 for a camera.
	Patience time.Duration
	// Said is called with each line of the command's standard error, from a
	// goroutine of its own, and how many lines before it there were too many of.
	Said func(line string, more uint64)

	limits limits
}

// limits are how long things may take.
type limits struct {
	stall          time.Duration // without taking anything, until the command is killed
	first, longest time.Duration // pause before it is started again, which doubles
	settled        time.Duration // of taking images, until what was wrong before is forgotten
	finish         time.Duration // for the image at hand, when the output is closed
	ending         time.Duration // to end by itself at the end of its input, and then after SIGTERM
}

var defaults = limits{
	stall: 10 * time.Second, first: time.Second, longest: time.Minute, settled: 10 * time.Second,
	finish: 300 * time.Millisecond, ending: 400 * time.Millisecond,
}

// closeTimeout is how long Close waits in any case: for a command that hangs in
// the kernel while it is started, say.
const closeTimeout = 2 * time.Second

// Stats are counters since New.
type Stats struct {
	// Delivered images were written whole, Missed ones were not.
	Delivered, Missed uint64
	// Ends counts how often the command ended, or could not be started.
	Ends uint64
	// PID is that of the command that runs, 0 for none.
	PID int
	// Err is why nothing comes of images, nil while the command takes them.
	Err error
}

// A Pipe is an [output.Output]. Stats, Report, Err and Close may be called from
// any goroutine.
type Pipe struct {
	cfg     Config
	encoder *stream.Encoder
	most    int // bytes of an image
	voice   voice
	wake    chan struct{} // something is to be seen to by run
	taken   chan struct{} // the waiting image was taken
	closing chan struct{}
	done    chan struct{} // closed when run has ended

	mu      sync.Mutex // guards what follows
	waiting preproc.Image
	full    bool // waiting is an image
	closed  bool
	until   time.Time // closed: when the image at hand must be written
	stdin   *os.File  // of the command that runs
	stats   Stats

	// Of run.
	image  preproc.Image
	header []byte // that the command's input began with
	frame  []byte
	pause  time.Duration // before the next start
}

var (
	_ output.Ailing   = (*Pipe)(nil)
	_ output.Reporter = (*Pipe)(nil)
)

// New makes a pipe. The command is started with the first image.
func New(cfg Config) (*Pipe, error) {
	if len(cfg.Command) == 0 || cfg.Command[0] == "" {
		return nil, errors.New("pipe: no command")
	}
	encoder, err := stream.New(cfg.Stream)
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	cfg.limits = cmp.Or(cfg.limits, defaults)
	p := &Pipe{
		cfg: cfg, encoder: encoder, most: cfg.Stream.Spec.MaxBytes(cfg.Width, cfg.Height), voice: voice{say: cfg.Said},
		wake: make(chan struct{}, 1), taken: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
	}
	p.waiting.Data, p.image.Data = make([]byte, 0, p.most), make([]byte, 0, p.most)
	births.Hold()
	go p.run()
	return p, nil
}

// name is the command's, without its arguments, which may hold a password.
func (p *Pipe) name() string { return filepath.Base(p.cfg.Command[0]) }

// Write copies img for the command, in the place of the image that still waits.
func (p *Pipe) Write(ctx context.Context, img *preproc.Image) error {
	if len(img.Data) > p.most {
		return fmt.Errorf("write to pipe: image of %d bytes: %d are allowed", len(img.Data), p.most)
	}
	if err := p.encoder.Check(img); err != nil {
		return fmt.Errorf("write to pipe: %w", err)
	}
	p.room(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	if p.full {
		p.stats.Missed++
	}
	memory := p.waiting.Data
	p.waiting = *img
	p.waiting.Data = append(memory[:0], img.Data...)
	p.full = true
	signal(p.wake)
	return nil
}

// room waits until there is room for an image, for as long as may be.
func (p *Pipe) room(ctx context.Context) {
	if p.cfg.Patience == 0 || !p.occupied() {
		return
	}
	limit := time.NewTimer(p.cfg.Patience)
	defer limit.Stop()
	for p.occupied() {
		select {
		case <-p.taken:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		case <-p.closing:
			return
		}
	}
}

func (p *Pipe) occupied() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.full
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take makes the waiting image the one at hand.
func (p *Pipe) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.full {
		return false
	}
	p.waiting, p.image = p.image, p.waiting
	p.full = false
	signal(p.taken)
	return true
}

// Stats may be called from any goroutine.
func (p *Pipe) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// Err is why nothing comes of images at the moment.
func (p *Pipe) Err() error { return p.Stats().Err }

// Report implements [output.Reporter].
func (p *Pipe) Report() output.Report {
	s := p.Stats()
	r := output.Report{Kind: "pipe", Address: p.name(), Delivered: s.Delivered, Missed: s.Missed, Err: s.Err}
	if s.PID != 0 {
		r.Consumers = 1
	}
	return r
}

// Close lets the command have the image at hand and the one that waits, and the
// end of its input. One that does not end by itself then is told to, and killed.
func (p *Pipe) Close() error {
	p.mu.Lock()
	already := p.closed
	p.closed = true
	if !already {
		p.until = time.Now().Add(p.cfg.limits.finish)
		if p.stdin != nil {
			_ = p.stdin.SetWriteDeadline(p.until) // fails for one that was closed
		}
	}
	p.mu.Unlock()
	if already {
		return nil
	}
	close(p.closing)
	timeout := time.NewTimer(closeTimeout)
	defer timeout.Stop()
	select {
	case <-p.done:
		births.Drop()
		return nil
	case <-timeout.C:
		return fmt.Errorf("close pipe: command %s does not end: %w", p.name(), os.ErrDeadlineExceeded)
	}
}

// bytes are those of the image at hand in the stream.
func (p *Pipe) bytes() []byte {
	if p.encoder.Format() == stream.Raw {
		return p.image.Data
	}
	p.frame, _ = p.encoder.AppendFrame(p.frame[:0], &p.image) // Write has checked it
	return p.frame
}

// sameStream says that the image at hand can follow those before it.
func (p *Pipe) sameStream() bool {
	p.frame = p.encoder.AppendHeader(p.frame[:0], &p.image)
	return bytes.Equal(p.frame, p.header)
}
