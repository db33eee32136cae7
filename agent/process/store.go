package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/preproc"
)

// store writes an image, whole or not at all, and gives the path of its file.
func (r *runner) store(stem string, index uint64, img *preproc.Image) (string, error) {
	name := fmt.Sprintf("%s-%06d-%s", stem, index, img.Spec.Name)
	if img.Spec.Encode == preproc.JPEG {
		path := filepath.Join(r.options.Out, name+".jpg")
		return path, replace(path, img.Data)
	}
	path := filepath.Join(r.options.Out, name+".npy")
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
