package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/agent/status/show"
	"github.com/edge-agent/agent/systemd"
)

// snapshotLimit is how long an image is waited for; the agent gives up earlier, by
// what the config says of the camera.
const snapshotLimit = time.Minute

type snapshotCmd struct {
	asking
	Camera string `arg:"" help:"The camera."`
	File   string `help:"Where the image goes; - is standard output. Without it: standard output, or CAMERA-TIME.jpg when that is a terminal." short:"o" placeholder:"FILE"`
	Output string `help:"Take an image of this output, JPEG or tensor, and not the camera's view." placeholder:"NAME"`
}

// Run writes the next image of a camera.
func (c *snapshotCmd) Run() error {
	ctx := interrupted()
	client := c.client()
	_, s, err := client.Status(ctx) // one that is stuck is not waited for
	if err != nil {
		return unanswered(err)
	}
	name := "snapshot.jpg"
	if c.Output != "" {
		if name, err = c.nameOf(s); err != nil {
			return err
		}
	}
	data, about, err := client.Image(ctx, snapshotLimit, c.Camera, name)
	if err != nil {
		return unanswered(err)
	}
	return c.write(data, about, path.Ext(name))
}

// nameOf is what the image of an output is asked for by, which the status says.
func (c *snapshotCmd) nameOf(s *status.Status) (string, error) {
	var names []string
	for i := range s.Cameras {
		if s.Cameras[i].Name != c.Camera {
			continue
		}
		for _, o := range s.Cameras[i].Outputs {
			switch {
			case o.Kind != "http" || path.Base(o.Address) == "snapshot.jpg":
			case o.Name == c.Output:
				return path.Base(o.Address), nil
			default:
				names = append(names, o.Name)
			}
		}
		return "", fmt.Errorf("camera %s has no output %.100q that is open; there are: %s", c.Camera, c.Output, show.Clean(strings.Join(names, ", ")))
	}
	return path.Base(c.Output), nil // the agent says which cameras there are
}

func (c *snapshotCmd) write(data []byte, about http.Header, ext string) error {
	to := c.File
	if to == "" && systemd.IsTerminal(os.Stdout) {
		to = c.fileName(about, ext)
	}
	if to == "" || to == "-" {
		_, err := os.Stdout.Write(data)
		return err
	}
	if err := writeWhole(to, data); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, show.Clean(fmt.Sprintf("%s: frame %s, %s, %s", to, about.Get("X-Frame-Sequence"), about.Get("X-Frame-Size"), about.Get("X-Frame-Verdict"))))
	return nil
}

// fileName is of the camera and the time of capture.
func (c *snapshotCmd) fileName(about http.Header, ext string) string {
	at, err := time.Parse(time.RFC3339, about.Get("X-Frame-Captured"))
	if err != nil {
		at = time.Now()
	}
	parts := []string{filepath.Base(c.Camera), at.Local().Format("20060102-150405.000")}
	if c.Output != "" {
		parts = append(parts[:1], filepath.Base(c.Output), parts[1])
	}
	return strings.Join(parts, "-") + ext
}

// writeWhole writes a file that nobody ever sees a part of; where there is a pipe or
// a device of that name, it gets the bytes.
func writeWhole(to string, data []byte) error {
	if info, err := os.Stat(to); err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return fmt.Errorf("write %s: it is a directory", to)
		}
		return os.WriteFile(to, data, 0o666)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	part := fmt.Sprintf("%s.%d.part", to, os.Getpid())
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = cmp.Or(err, f.Close()); err == nil {
		err = os.Rename(part, to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return nil
}
