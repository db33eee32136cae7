//go:build page

package page_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// footage is a recording of a square that moves, or does not, of always the same
// length: it may be written over while it is played.
func footage(moves bool) []byte {
	const width, height, frames = 320, 240, 60
	film := []byte(fmt.Sprintf("YUV4MPEG2 W%d H%d F20:1 Ip C420jpeg\n", width, height))
	for n := range frames {
		film = append(film, "FRAME\n"...)
		picture := make([]byte, width*height*3/2)
		for i := range picture {
			picture[i] = 128
			if y, x := i/width, i%width; i < width*height {
				picture[i] = byte(40 + y/2 + x/4)
				if at := 4 * n; moves && x >= at && x < at+60 && y > 90 && y < 150 {
					picture[i] = 235
				}
			}
		}
		film = append(film, picture...)
	}
	return film
}

func rewrite(t *testing.T, path string, film []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(film); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func directory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "page") // short: socket paths are bounded
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// card is an expression for something in the card of a camera.
func card(name, selector string) string {
	return fmt.Sprintf("[...document.querySelectorAll('.camera')].find(e => e.querySelector('h3').textContent === %q).querySelector(%q)", name, selector)
}

func TestPageShowsWhatHappens(t *testing.T) {
	dir := directory(t)
	yard, gate := filepath.Join(dir, "yard.y4m"), filepath.Join(dir, "gate.y4m")
	rewrite(t, yard, footage(true))
	a := startAgent(t, dir, `
http: {listen: "127.0.0.1:0"}
cameras:
  front: {device: {pattern: bars}, mode: {size: 640x360, rate: 30}, outputs: {model: {size: 320x320, fit: letterbox, dtype: float32, layout: chw}, preview: {size: 320x180, fit: stretch, encode: jpeg}}}
  yard: {device: {replay: yard.y4m, loop: true}, quality: {frozen-after: 2s}, outputs: {model: {size: 320x320, fit: letterbox}, archive: {encode: jpeg, every: 2s, files: {dir: yard, keep: 10MiB}}}}
  gate: {device: {replay: gate.y4m, loop: true}, outputs: {model: {size: 320x320, fit: letterbox}}}
`)
	b := open(t, a.url)
	t.Log("a camera is away: red, with the reason")
	b.until(card("gate", ".state") + ".textContent.includes('waiting')")
	b.until("document.getElementById('headline').textContent === '1 of 3 cameras has trouble'")
	b.until("/gate since .*: stat .*no such file/.test(document.getElementById('reasons').textContent)")
	if class := eval[string](b, card("gate", "header")+".parentElement.className"); class != "camera bad" {
		t.Errorf("its card is %q", class)
	}
	if text := eval[string](b, card("gate", ".picture p")+".textContent"); !strings.Contains(text, "no such file") {
		t.Errorf("in place of its picture: %q", text)
	}
	b.until(card("yard", ".figures dd span") + ".textContent > 15")
	before := eval[string](b, card("front", ".figures")+".textContent")
	b.until(card("front", ".figures") + ".textContent !== " + fmt.Sprintf("%q", before))
	t.Log("the pictures change")
	for _, name := range []string{"front", "yard"} {
		image := card(name, "img")
		b.until(image + ".naturalWidth > 0 && !" + image + ".hidden")
		first := eval[string](b, image+".src")
		b.until(image + ".src !== " + fmt.Sprintf("%q", first) + " && " + image + ".naturalWidth > 0")
	}
	b.until("document.querySelectorAll('#memory .trace').length === 1")
	b.content()
	b.do(chromedp.Evaluate("document.querySelector('.more').open = true", nil))
	b.shoot("away")

	t.Log("it comes, and all is well")
	rewrite(t, gate+".new", footage(true))
	if err := os.Rename(gate+".new", gate); err != nil {
		t.Fatal(err)
	}
	b.until("document.getElementById('headline').textContent === 'All is well'")
	b.until(card("gate", "header") + ".parentElement.className === 'camera good'")
	b.until(card("gate", "img") + ".naturalWidth > 0")
	b.until("document.getElementById('events').textContent.includes('gate: camera publishes again')")
	b.content()
	b.shoot("well")

	t.Log("a picture freezes, and thaws")
	rewrite(t, yard, footage(false))
	b.until(card("yard", ".state") + ".textContent.includes('frozen')")
	b.until("document.getElementById('banner').className === 'bad'")
	b.content()
	b.shoot("frozen")
	rewrite(t, yard, footage(true))
	b.until("document.getElementById('headline').textContent === 'All is well'")
	b.content()

	t.Log("the agent ends while the page is open")
	a.stop()
	b.until("document.getElementById('news').textContent === 'No answer from the agent'")
	b.until("document.getElementById('main').classList.contains('stale')")
	b.until("/No answer from the agent for (6|7) s/.test(document.getElementById('headline').textContent)")
	b.shoot("silent")
}

func TestPageOfTwelveCameras(t *testing.T) {
	var yaml strings.Builder
	yaml.WriteString("http: {listen: \"127.0.0.1:0\"}\ncameras:\n")
	for i := range 12 {
		device := "pattern: bars"
		if i%5 == 3 {
			device = fmt.Sprintf("by-id: usb-Some_Manufacturer_With_A_Long_Name_Camera_Model_X%d_0123456789ABCDEF-video-index0", i)
		}
		fmt.Fprintf(&yaml, "  hall-%d-north-entrance: {device: {%s}, mode: {size: 320x240, rate: 5}, outputs: {model: {size: 64x64}, second: {size: 32x32}}}\n", i, device)
	}
	b := open(t, startAgent(t, directory(t), yaml.String()).url)
	b.do(emulation.SetDeviceMetricsOverride(1280, 800, 1, false))
	b.until("document.querySelectorAll('.camera.good').length === 10")
	b.until("[...document.images].filter(i => i.naturalWidth > 0).length > 2")
	b.content()
	b.shoot("twelve")
}

// hostile is an agent that says the worst: what a status may have in it is up to
// cameras, drivers and whoever names files.
const hostile = `<img src=x onerror=alert(1)><script>document.title='owned'</script>`

func TestPageShowsHostileTextAsText(t *testing.T) {
	real := startAgent(t, directory(t), `
http: {listen: "127.0.0.1:0"}
cameras: {replace-me: {device: {pattern: bars}, mode: {size: 64x48, rate: 20}, outputs: {model: {size: 32x32}}}}
`)
	server := proxy(t, real.url, strings.NewReplacer("replace-me", hostile, "pattern: bars", "pattern: "+hostile+strings.Repeat(" very long", 40)))
	b := open(t, server)
	b.until("document.querySelectorAll('.camera').length === 1")
	b.until("document.getElementById('events').textContent.includes('<script>')")
	if name := eval[string](b, "document.querySelector('.camera h3').textContent"); name != hostile {
		t.Errorf("the name is shown as %q", name)
	}
	if n := eval[int](b, "document.querySelectorAll('.camera script, #events script, [onerror]').length"); n != 0 {
		t.Errorf("%d elements of the name", n)
	}
	if title := eval[string](b, "document.title"); strings.Contains(title, "owned") {
		t.Error(title)
	}
	b.shoot("hostile")
}

// proxy is the agent's page and status with other words in the JSON.
func proxy(t *testing.T, url string, words *strings.Replacer) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get(url + r.URL.Path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		relay(w, resp, words)
	})
}
