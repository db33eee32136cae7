//go:build page

package page_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

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
	b.until("/No answer from the agent for (6|7)\\ss/.test(document.getElementById('headline').textContent)")
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

// An hour of history, with a gap where the camera was away, memory that grows, and
// an output whose command fails: it works, with less than was asked for.
func TestPageShowsAnHourAndWhatIsLess(t *testing.T) {
	real := startAgent(t, directory(t), `
http: {listen: "127.0.0.1:0"}
limits: {memory: 120MiB}
cameras: {front: {device: {pattern: bars}, mode: {size: 640x360, rate: 30}, outputs: {model: {size: 64x64, ring: {slots: 4}, pipe: {command: [/bin/false]}}}}}
`)
	var memory, published, ages []any
	for i := range 360 {
		memory, published, ages = append(memory, 30<<20+i*250_000+(i%9)<<19), append(published, 30-float64(i%5)/10), append(ages, 0.004)
		if i > 200 && i < 240 {
			published[i], ages[i] = 0, nil
		}
		if i < 40 {
			memory[i], published[i], ages[i] = nil, nil, nil
		}
	}
	past, err := json.Marshal(map[string]any{"time": time.Now(), "period_seconds": 10, "memory_bytes": memory, "cameras": []any{
		map[string]any{"name": "front", "captured_per_second": published, "published_per_second": published, "age_p50_seconds": ages, "age_p99_seconds": ages}}})
	if err != nil {
		t.Fatal(err)
	}
	page := relayOf(t, real.url, strings.NewReplacer())
	b := open(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/history" {
			_, _ = w.Write(past)
			return
		}
		page(w, r)
	}))
	b.until("document.getElementById('headline').textContent === 'Works, with less than asked for'")
	b.until("/front since .*: output model: command false: exit status 1/.test(document.getElementById('reasons').textContent)")
	b.until(card("front", "header") + ".parentElement.className === 'camera warn'")
	b.do(chromedp.Evaluate("document.querySelector('.more').open = true", nil))
	b.until("document.querySelectorAll('.trace').length === 2 && document.querySelectorAll('#memory .limit').length === 1")
	b.until(card("front", "img") + ".naturalWidth > 0")
	b.content()
	b.shoot("hour")
}

// A picture that is cut off on its way is none, and no fault of the page.
func TestPageOutlivesPicturesThatAreCutOff(t *testing.T) {
	real := startAgent(t, directory(t), `
http: {listen: "127.0.0.1:0"}
cameras: {front: {device: {pattern: bars}, mode: {size: 64x48, rate: 20}, outputs: {model: {size: 32x32}}}}
`)
	asked := make(chan struct{}, 100)
	page := relayOf(t, real.url, strings.NewReplacer())
	b := open(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/snapshot.jpg") {
			asked <- struct{}{}
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("cut off"))
			return
		}
		page(w, r)
	}))
	for range 4 {
		<-asked
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		if strings.Contains(c, "Uncaught") {
			t.Error(c)
		}
	}
}
