package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/edge-agent/agent/agent/quarantine"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/replay"
	"github.com/edge-agent/agent/preproc"
)

// expand replaces directories by their files, in the order of the names. Each
// file is an input of its own, because stills may differ in size.
func expand(inputs []string) (files []string, failed []error) {
	for _, name := range inputs {
		info, err := os.Stat(name)
		if name == "-" || err != nil || !info.IsDir() {
			files = append(files, name) // opening it tells what is wrong
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			failed = append(failed, fmt.Errorf("list input: %w", err))
		}
		for _, e := range entries {
			if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
				files = append(files, filepath.Join(name, e.Name()))
			}
		}
	}
	return files, failed
}

// open makes a source of an input. The caller closes both.
func (r *runner) open(ctx context.Context, name string) (capture.Source, io.Closer, error) {
	var file io.ReadCloser
	if name == "-" {
		file = untilCancelled(ctx, r.options.Stdin)
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, fmt.Errorf("open input: %w", err)
		}
		file = f
	}
	in := bufio.NewReader(file)
	head, err := in.Peek(len(quarantine.Magic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, errors.Join(fmt.Errorf("read input: %w", err), file.Close())
	}
	if bytes.HasPrefix(head, []byte(quarantine.Magic)) {
		source, err := openEntry(in)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("open input %s: %w", name, err), file.Close())
		}
		return source, file, nil
	}
	source, err := replay.NewReader(in, replay.Config{
		Path:     name,
		Raw:      geometry(r.options.Camera.Mode),
		Unpaced:  true,
		Lossless: true,
		Buffers:  1,
	})
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open input %s: %w", name, err), file.Close())
	}
	return source, file, nil
}

// untilCancelled is r until ctx ends, whether or not a terminal or a pipe has
// anything to say. The Read that waits in r cannot be called back: its
// goroutine ends when it does.
func untilCancelled(ctx context.Context, r io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	stop := context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(in, r)
		stop()
		in.CloseWithError(err) // io.EOF if nil
	}()
	return out
}

// geometry is the camera's mode as that of raw frames, which counts for inputs
// that do not tell their own; nil when it is none.
func geometry(mode capture.Request) *capture.Format {
	p := mode.PixelFormat.Pixels()
	layout := p.Layout()
	if layout == nil || layout.Compressed() || mode.Width == 0 {
		return nil
	}
	f := capture.DefaultFormat(p, mode.Width, mode.Height)
	return &f
}

// input processes all frames of one input.
func (r *runner) input(ctx context.Context, name string) error {
	source, file, err := r.open(ctx, name)
	if err != nil {
		return err
	}
	defer file.Close()
	defer source.Close()
	stem := r.stem(name)
	r.judge = preproc.NewJudge(r.options.Camera.Quality)
	from := Result{Input: name}
	if e, ok := source.(*entry); ok {
		from.Quarantined = e.Reason
	}
	for ; ; from.Index++ {
		f, err := source.Read(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("process %s: %w", name, err)
		}
		err = r.frame(ctx, from, stem, f)
		f.Release()
		if err != nil {
			return err
		}
	}
}

// stem is the beginning of the names of an input's images. Inputs of the same
// name in different directories get a number.
func (r *runner) stem(name string) string {
	stem := filepath.Base(name)
	stem = strings.TrimSuffix(stem, filepath.Ext(stem))
	if name == "-" {
		stem = "stdin"
	}
	base := stem
	for n := 2; r.stems[stem]; n++ {
		stem = fmt.Sprintf("%s-%d", base, n)
	}
	r.stems[stem] = true
	return stem
}
