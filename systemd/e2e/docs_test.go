//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-agent/agent/systemd/docs"
	"github.com/edge-agent/agent/systemd/e2e/rig"
)

// What the documents' commands find: a camera front that is well, and one that
// delivers a damaged frame now and then.
const docsFront = `cameras:
  front:
    device: {pattern: bars}
    mode: {size: 1280x720, rate: 10}
    outputs:
      model: {size: 640x640, dtype: float32, layout: chw}
      preview: {size: 640x360, fit: stretch, encode: jpeg}
      video: {size: 1280x720, gst-shm: {}}
`

const docsBroken = `  broken:
    device: {replay: /share/broken.mjpg, loop: true}
    mode: {rate: 10}
    outputs: {model: {size: 64x64}}
`

// share puts a file where the guest has it as /share/NAME.
func (l *lab) share(name string, data []byte) {
	l.Helper()
	l.must(os.WriteFile(filepath.Join(l.machine.Share, name), data, 0o644))
}

// shelf gives the guest the files that commands name.
func (l *lab) shelf() {
	l.Helper()
	root, err := rig.ModuleRoot()
	l.must(err)
	clip, err := os.ReadFile(filepath.Join(root, "testdata/jpeg/stream-160x120.mjpg"))
	l.must(err)
	l.share("clip.mjpg", clip)
	end := bytes.Index(clip, []byte{0xff, 0xd9})
	copy(clip[end-200:end], make([]byte, 200)) // of the first frame
	l.share("broken.mjpg", clip)
	l.share("front.yaml", []byte(docsFront))
	l.share("agent.yaml", []byte(docsFront+docsBroken))
}

// prove runs the rows of a place, in their order.
func (l *lab) prove(place string) {
	l.Helper()
	rows, err := docs.Plan()
	l.must(err)
	n := 0
	for _, r := range rows {
		if r.Place != place {
			continue
		}
		n++
		var out bytes.Buffer
		p, err := l.machine.Start(&out, &out, "bash", "-c", r.Script())
		l.must(err)
		l.must(p.CloseInput())
		code, err := p.Wait(l.Context())
		l.must(err)
		if err := r.Judge(strings.TrimSpace(out.String()), code != 0); err != nil {
			l.Errorf("exit code %d: %v", code, err)
		}
	}
	l.figure("%d commands", n)
}

// The commands of README and man pages, as an administrator types them.
func TestDocuments(t *testing.T) {
	l := newContainer(t)
	l.shelf()
	l.scenario("files that the documents name", filesAreThere)
	l.scenario("commands of the documents", func(l *lab) { l.prove(docs.Lab) })
}

// The package has every file that README and man pages name.
func filesAreThere(l *lab) {
	root, err := rig.ModuleRoot()
	l.must(err)
	paths, err := docs.Paths(root)
	l.must(err)
	if len(paths) < 8 {
		l.Errorf("only %v", paths)
	}
	l.run(append([]string{"ls", "-d"}, paths...)...)
	l.figure("%d files", len(paths))
}

// Those that need cameras.
func TestDocumentsWithCameras(t *testing.T) {
	l := newLab(t)
	l.scenario("commands of the documents, with cameras", func(l *lab) {
		usb := l.plug("SN1")
		l.prove(docs.VM)
		usb.pull()
	})
}
