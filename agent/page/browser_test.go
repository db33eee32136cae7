//go:build page

package page_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// These tests drive a real browser against a real agent: `make page`. Screenshots
// are for people to look at.
const (
	program = "../../bin/agent"
	shots   = "../../.cache/page"
)

// An agent is the real one, in a directory of its own.
type agent struct {
	t    *testing.T
	dir  string
	url  string
	cmd  *exec.Cmd
	done chan struct{}
}

func startAgent(t *testing.T, dir, yaml string) *agent {
	t.Helper()
	a := &agent{t: t, dir: dir, done: make(chan struct{})}
	config := filepath.Join(dir, "agent.yaml")
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	a.cmd = exec.Command(program, "run", "--config", config)
	a.cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+dir, "STATE_DIRECTORY="+dir)
	stderr, err := a.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url := make(chan string, 1)
	go func() {
		defer close(a.done)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			var line struct{ Message, URL string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.URL != "" {
				url <- line.URL
			}
		}
	}()
	t.Cleanup(a.stop)
	select {
	case a.url = <-url:
	case <-time.After(20 * time.Second):
		t.Fatal("the agent does not listen")
	}
	return a
}

func (a *agent) stop() {
	if a.cmd == nil {
		return
	}
	_ = a.cmd.Process.Signal(os.Interrupt)
	<-a.done
	_ = a.cmd.Wait()
	a.cmd = nil
}

// A browser has one page open, and notes what the page complains of.
type browser struct {
	*testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
}

func open(t *testing.T, url string) *browser {
	t.Helper()
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), flags...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{T: t, ctx: ctx}
	chromedp.ListenTarget(ctx, b.hear)
	b.do(log.Enable(), runtime.Enable(), chromedp.Navigate(url))
	return b
}

func (b *browser) hear(event any) {
	complaint := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError || e.Entry.Level == log.LevelWarning {
			complaint = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		complaint = e.ExceptionDetails.Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			complaint = fmt.Sprintf("console: %s", e.Args[0].Value)
		}
	}
	if complaint != "" {
		b.mu.Lock()
		b.complaints = append(b.complaints, complaint)
		b.mu.Unlock()
	}
}

// content fails when the page complained, and forgets.
func (b *browser) content() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.Errorf("the browser complains: %s", c)
	}
	b.complaints = nil
}

func (b *browser) do(actions ...chromedp.Action) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Run(b.ctx, chromedp.ActionFunc(func(c context.Context) error {
		for _, a := range actions {
			if err := a.Do(c); err != nil {
				return err
			}
		}
		return ctx.Err()
	})); err != nil {
		b.Fatal(err)
	}
}

// eval is what an expression of the page's script is.
func eval[T any](b *browser, expression string) (v T) {
	b.Helper()
	b.do(chromedp.Evaluate(expression, &v))
	return v
}

// until waits for an expression to be true. One that fails, as of a card that is
// not there yet, is not.
func (b *browser) until(expression string) {
	b.Helper()
	expression = "(() => { try { return " + expression + " } catch { return false } })()"
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Run(b.ctx, chromedp.Poll(expression, nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(25*time.Second))); err != nil {
		b.Fatalf("never: %s: %v, %v\n%s", expression, err, ctx.Err(), eval[string](b, "document.body.innerText"))
	}
}

// drawn is a promise that what the script has done is to be seen.
const drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"

// shoot takes screenshots at the widths of a phone and of a desktop, light and dark.
func (b *browser) shoot(name string) {
	b.Helper()
	if err := os.MkdirAll(shots, 0o755); err != nil {
		b.Fatal(err)
	}
	for _, size := range []struct {
		name          string
		width, height int64
		scale         float64
		mobile        bool
	}{{"phone", 360, 740, 2, true}, {"desktop", 1280, 800, 1, false}} {
		for _, scheme := range []string{"light", "dark"} {
			media := emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}})
			b.do(emulation.SetDeviceMetricsOverride(size.width, size.height, size.scale, size.mobile), media)
			b.do(chromedp.Evaluate(drawn, nil, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
			if wide := eval[bool](b, "document.documentElement.scrollWidth > innerWidth"); wide {
				b.Errorf("%s: has to be scrolled sideways at %d pixels", name, size.width)
			}
			var first, all []byte
			b.do(chromedp.CaptureScreenshot(&first), chromedp.FullScreenshot(&all, 100))
			b.do(emulation.SetDeviceMetricsOverride(size.width, size.height, size.scale, size.mobile))
			for part, png := range map[string][]byte{"": first, "-all": all} {
				path := filepath.Join(shots, fmt.Sprintf("%s-%s-%s%s.png", name, size.name, scheme, part))
				if err := os.WriteFile(path, png, 0o644); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.do(emulation.SetDeviceMetricsOverride(1280, 800, 1, false))
}
