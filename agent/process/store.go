package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/preproc"
)

// A store is where images go. put gives the path of the image's file, if it has
// one.
type store interface {
	put(stem string, index uint64, img *preproc.Image) (path string, err error)
}

// place makes the store that the options name.
func (o *Options) place(specs []preproc.Spec) (store, error) {
	if o.Stream != nil {
		return newPipe(o, specs)
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory of images: %w", err)
	}
	return directory(o.Out), nil
}

// A directory has a file for each image.
type directory string

// put writes an image, whole or not at all.
func (d directory) put(stem string, index uint64, img *preproc.Image) (string, error) {
	name := fmt.Sprintf("%s-%06d-%s", stem, index, img.Spec.Name)
	if img.Spec.Encode == preproc.JPEG {
		path := filepath.Join(string(d), name+".jpg")
		return path, replace(path, img.Data)
	}
	path := filepath.Join(string(d), name+".npy")
	header := files.AppendNPYHeader(nil, img.Spec, img.Width, img.Height)
	return path, replace(path, header, img.Data)
}

// replace puts a file in the place of what was at path. A reader sees the one
// or the other. What a run that was killed left half written has a name that the
// next run takes again.
func replace(path string, parts ...[]byte) error {
	half := filepath.Join(filepath.Dir(path), ".tmp-"+filepath.Base(path))
	err := writeFile(half, parts)
	if err == nil {
		err = os.Rename(half, path)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(half))
	}
	return nil
}

func writeFile(path string, parts [][]byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err == nil {
			_, err = f.Write(p)
		}
	}
	return errors.Join(err, f.Close())
}
