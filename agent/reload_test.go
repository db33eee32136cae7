package agent

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Law 10: whatever one camera of three is changed in, the others' sequence does not
// break and their consumers notice nothing; nor do its own, of outputs that are as
// they were.
func TestReloadChangesOneCameraOfThree(t *testing.T) {
	r := startReloadable(t, trio)
	r.until(t, "all publish", func() bool {
		return !slices.ContainsFunc(r.list(), func(c *camera) bool { return c.ledger.published.Load() == 0 })
	})
	left, right, front, other := r.tail("left/model.sock"), r.tail("right/model.sock"), r.tail("front/model.sock"), r.tail("front/other.sock")
	cameras := r.list()
	for _, edit := range []struct{ old, new, want string }{
		{"quarantine:", "# as before\nquarantine:", ""},
		{"other: {size: 48x32", "more: {size: 16x16}\n      other: {size: 48x32", "camera front: changed: outputs.more; kept: source, outputs.model, outputs.other"},
		{"outputs:\n", "quality: {blur-below: 3}\n    outputs:\n", "camera front: changed: quality; kept: source, outputs.model, outputs.more, outputs.other"},
		{"      more: {size: 16x16}\n", "", "camera front: changed: outputs.more; kept: source, outputs.model, outputs.other"},
		{"quality: {blur-below: 3}", "recovery: {usb-reset: true}", "camera front: changed: quality, recovery.usb-reset; kept: source, outputs.model, outputs.other"},
	} {
		got := r.edit(edit.old, edit.new)
		if edit.want == "" {
			r.says(got)
		} else {
			r.says(got, edit.want)
		}
		for _, l := range []*tail{left, right, front, other} {
			r.more(l, 3)
		}
	}
	if now := r.list(); now[0] != cameras[0] || now[2] != cameras[2] || now[1] == cameras[1] || now[1].ledger.published.Load() < 20 {
		t.Error("another camera was made anew, or the changed one was not, or it counts from 0")
	}
	for _, l := range []*tail{left, right} {
		if n := l.gaps(t); n != 0 {
			t.Errorf("%d gaps in the sequence of a camera that did not change", n)
		}
	}
	front.gaps(t)
	other.gaps(t)
	r.stop()
	r.finished(t)
	for _, c := range r.list() {
		a := c.ledger.Account()
		if c.cfg.Name != "front" && (a.KernelLost != 0 || a.Captured != a.Published+a.Dropped["shutdown"]) {
			t.Errorf("%s: %+v", c.cfg.Name, a)
		}
	}
}

// Another mode takes another opening; who is connected to a ring of a fixed size
// stays.
func TestReloadOfASourceKeepsConsumers(t *testing.T) {
	r := startReloadable(t, strings.ReplaceAll(trio, "queue: {policy: block}", "queue: {capacity: 2}"))
	r.until(t, "publishing", func() bool { return r.camera("front").ledger.published.Load() > 0 })
	model, other := r.tail("front/model.sock"), r.tail("front/other.sock")
	r.more(model, 2)
	front := "  front:\n    device: {replay: ../testdata/jpeg/422-720p.jpg, loop: true}\n    mode: "
	r.says(r.edit(front+"{rate: 50}", front+"{rate: 40}"), "camera front: changed: mode; kept: outputs.model, outputs.other")
	r.more(model, 3)
	r.says(r.edit("other: {size: 48x32", "other: {size: 48x48"), "camera front: changed: outputs.other; kept: source, outputs.model")
	r.more(model, 3)
	<-other.ended // its images are others now
	r.more(r.tail("front/other.sock"), 3)
	model.gaps(t)
	r.stop()
	r.finished(t)
}

func TestReloadAddsAndRemovesCameras(t *testing.T) {
	r := startReloadable(t, trio)
	r.until(t, "publishing", func() bool { return r.camera("right").ledger.published.Load() > 0 })
	left, right := r.tail("left/model.sock"), r.tail("right/model.sock")
	gone := r.camera("right")
	if err := os.WriteFile(gone.hangRecord, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.says(r.edit("  right:", "  rear:"), "camera right: removed", "camera rear: added")
	<-right.ended
	for _, left := range []string{filepath.Join(r.dir, "right"), gone.hangRecord} {
		if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", left, err)
		}
	}
	if a := gone.ledger.Account(); a.InFlight != 0 || a.Balanced() != nil {
		t.Errorf("%+v", a)
	}
	told := false
	for _, e := range r.log.entries(t, "accounting") {
		told = told || e["camera"] == "right"
	}
	if !told {
		t.Error("its account is not told")
	}
	r.more(r.tail("rear/model.sock"), 3)
	r.more(left, 3)
	names := []string{}
	for _, c := range r.Status().Cameras {
		names = append(names, c.Name)
	}
	if !slices.Equal(names, []string{"left", "front", "rear"}) {
		t.Errorf("cameras: %v", names)
	}
	if n := left.gaps(t); n != 0 {
		t.Errorf("%d gaps", n)
	}
	r.stop()
	r.finished(t)
}

// A config that cannot be taken changes nothing, whether its text is at fault or what
// is to be made of it.
func TestRefusedReloadChangesNothing(t *testing.T) {
	r := startReloadable(t, trio)
	r.until(t, "publishing", func() bool { return r.camera("front").ledger.published.Load() > 0 })
	cameras, model := r.list(), r.tail("front/model.sock")
	if err := os.MkdirAll(filepath.Join(r.dir, "new/model.sock"), 0o755); err != nil {
		t.Fatal(err)
	}
	good := r.text
	for _, test := range []struct{ new, want string }{
		{"  fro nt:\n    frame: 3\n", "test.yaml:10:3: cameras.fro nt: found the name \"fro nt\""},
		{"  left:\n", ""},
		// A directory where the socket should be.
		{"  new: {device: {pattern: bars}, outputs: {model: {size: 32x32}}}\n  front:\n", "camera new: output model: ring: listen on"},
	} {
		r.text = strings.Replace(good, "  front:\n", test.new, 1)
		goroutines, files := runtime.NumGoroutine(), openFiles(t)
		done, err := r.Reload(t.Context())
		if err == nil || done.Taken || len(done.Faults) == 0 || test.want != "" && !strings.HasPrefix(done.Faults[0], test.want) {
			t.Errorf("%+v, %v", done, err)
		}
		if !slices.Equal(r.list(), cameras) {
			t.Error("the cameras are others")
		}
		r.until(t, "nothing is left of it", func() bool { return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files })
		r.more(model, 3)
	}
	if n := model.gaps(t); n != 0 {
		t.Errorf("%d gaps", n)
	}
	c := r.Status().Config
	if c.Refused != 3 || c.Reloads != 0 || !strings.HasPrefix(c.Fault, "camera new: ") {
		t.Errorf("%+v", c)
	}
	r.text = good
	r.says(r.edit("rate: 50", "rate: 49"), "camera left: changed: mode; kept: outputs.model")
	if c := r.Status().Config; c.Reloads != 1 || c.Fault != "" {
		t.Errorf("%+v", c)
	}
	r.stop()
	r.finished(t)
}

// What is no camera's changes in place, or for itself.
func TestReloadOfTheRest(t *testing.T) {
	r := startReloadable(t, "http: {listen: 127.0.0.1:0}\n"+trio)
	r.until(t, "publishing", func() bool { return r.camera("front").ledger.published.Load() > 0 })
	model := r.tail("front/model.sock")
	first := r.address(t)
	r.says(r.edit("quarantine: {keep: 0}", "limits: {memory: 300MiB, temperature: off}"),
		"camera left: changed: quarantine; kept: source, outputs.model",
		"camera front: changed: quarantine; kept: source, outputs.model, outputs.other",
		"camera right: changed: quarantine; kept: source, outputs.model",
		"changed: quarantine", "changed: limits")
	if r.ground.Load().evidence == nil {
		t.Error("no quarantine")
	}
	r.budget.look()
	if l := r.Status().Resources; l.MemoryLimitBytes != 300<<20 || l.TemperatureLimit != 0 {
		t.Errorf("%+v", l)
	}
	r.says(r.edit("limits:", "quarantine: {keep: 2MiB}\nlimits:"), "changed: quarantine")
	r.says(r.edit("listen: 127.0.0.1:0", "listen: 127.0.0.2:0"), "changed: http")
	r.until(t, "another address", func() bool { return len(r.log.entries(t, "browsers, curl and Prometheus may ask")) == 2 })
	urls := r.log.entries(t, "browsers, curl and Prometheus may ask")
	if _, err := http.Get(first + "/healthz"); err == nil {
		t.Error("the old address is answered")
	}
	ask(t, urls[1]["url"].(string)+"/healthz")
	r.says(r.edit("quarantine: {keep: 2MiB}", "quarantine: {keep: 0}\nisolation: none"),
		"camera left: changed: isolation, quarantine; kept: source, outputs.model",
		"camera front: changed: isolation, quarantine; kept: source, outputs.model, outputs.other",
		"camera right: changed: isolation, quarantine; kept: source, outputs.model",
		"changed: isolation", "changed: quarantine")
	r.more(model, 3)
	model.gaps(t)
	r.stop()
	r.finished(t)
}

// Those that come together are all done, one after the other.
func TestReloadsComeOneAtATime(t *testing.T) {
	r := startReloadable(t, trio)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := r.Reload(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if c := r.Status().Config; c.Reloads != 8 {
		t.Errorf("%+v", c)
	}
	r.stop()
	r.finished(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := r.Reload(ctx); err == nil {
		t.Error("an agent that has ended was reloaded")
	}
}

// From cameras that are found to those that are named, and back.
func TestReloadOfDiscovery(t *testing.T) {
	r := startReloadable(t, "quarantine: {keep: 0}\n")
	r.until(t, "the test pattern", func() bool { return r.publishedBy() > 0 })
	if r.discovery == nil || r.discovery.pattern != "pattern" {
		t.Skip("there is a camera") // not where CI runs
	}
	model := r.tail("pattern/model.sock")
	r.says(r.edit("keep: 0}\n", "keep: 0}\nisolation: none\n"), "camera pattern: changed: isolation; kept: source, outputs.model", "changed: isolation")
	r.more(model, 3)
	const named = "cameras:\n  pattern: {device: {pattern: bars}}\n  more: {device: {pattern: bars}}\n"
	// The one that was found is as it would be found, and goes on.
	r.says(r.edit("isolation: none\n", "isolation: none\n"+named), "camera more: added")
	r.more(model, 3)
	if r.discovery != nil {
		t.Error("cameras are looked for")
	}
	r.says(r.edit(named, "log: {level: debug}\n"), "camera pattern: removed", "camera more: removed", "changed: log")
	r.until(t, "the test pattern again", func() bool { return len(r.list()) == 1 && r.publishedBy() > 0 })
	<-model.ended
	if r.discovery == nil {
		t.Error("no cameras are looked for")
	}
	r.stop()
	r.finished(t)
}
