package rig

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What the image is made of, besides packages: a change here makes a new one.
//
//go:embed image guest wire
var inputs embed.FS

// An Image is a built guest on disk. Its machines share it read-only.
type Image struct {
	cache string // .cache/e2e
	dir   string // of this image
	log   io.Writer
}

// Open returns the image that has the given Debian packages installed besides
// the rig's own, and builds it when it is not there: 40 s and 700 MB. Progress
// goes to log.
func Open(ctx context.Context, log io.Writer, packages ...string) (*Image, error) {
	root, err := ModuleRoot()
	if err != nil {
		return nil, err
	}
	if err := installNeeds(ctx); err != nil {
		return nil, err
	}
	packages = slices.Compact(slices.Sorted(slices.Values(packages)))
	key, err := imageKey(packages)
	if err != nil {
		return nil, err
	}
	cache := filepath.Join(root, ".cache", "e2e")
	img := &Image{cache: cache, dir: filepath.Join(cache, "image-"+key), log: log}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	gate, err := lock(filepath.Join(cache, "build.lock"))
	if err != nil {
		return nil, err
	}
	defer gate.Close()
	if _, err := os.Stat(img.dir); err == nil {
		return img, nil
	}
	return img, img.build(ctx, root, packages)
}

func imageKey(packages []string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, strings.Join(packages, " "))
	err := fs.WalkDir(inputs, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := inputs.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:12], err
}

// build makes the image beside its final place and moves it there when it is
// whole. Of the older images one may stay, the disk is not to fill up with them.
func (img *Image) build(ctx context.Context, root string, packages []string) error {
	start := time.Now()
	tmp := filepath.Join(img.cache, "image-building")
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := removeOldest(filepath.Join(img.cache, "image-*"), 1); err != nil {
		return err
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(tmp, "in"), inputs); err != nil {
		return err
	}
	guest := filepath.Join(tmp, "e2e-guest")
	if err := GoBuild(ctx, root, guest, "./systemd/e2e/rig/guest"); err != nil {
		return err
	}
	fmt.Fprintf(img.log, "rig: building the guest's image (once; %s)\n", img.dir)
	args := append([]string{filepath.Join(tmp, "in", "image", "build.sh"), tmp, guest}, packages...)
	cmd := exec.CommandContext(ctx, "bash", args...)
	record, err := os.Create(filepath.Join(tmp, "build.log"))
	if err != nil {
		return err
	}
	defer record.Close()
	cmd.Stdout, cmd.Stderr = record, record
	if err := cmd.Run(); err != nil {
		out, _ := os.ReadFile(record.Name())
		return fmt.Errorf("build the guest's image: %w: %s", err, tail(out, 3000))
	}
	fmt.Fprintf(img.log, "rig: image built in %.0f s\n", time.Since(start).Seconds())
	return os.Rename(tmp, img.dir)
}

// removeOldest removes all but the newest of what the pattern matches.
func removeOldest(pattern string, keep int) error {
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	made := func(dir string) time.Time {
		if st, err := os.Stat(dir); err == nil {
			return st.ModTime()
		}
		return time.Time{}
	}
	slices.SortFunc(dirs, func(a, b string) int { return made(b).Compare(made(a)) })
	for _, dir := range dirs[min(keep, len(dirs)):] {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// GoBuild compiles a main package of the project to run in the guest:
// statically, whatever the C library there.
func GoBuild(ctx context.Context, root, out, pkg string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", out}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w: %s", pkg, err, tail(b, 2000))
	}
	return nil
}
