package main

import (
	"fmt"
	"runtime"

	"gocv.io/x/gocv"

	"github.com/edge-agent/agent/native"
)

// Set by the linker, see the Makefile.
var version, commit = "unknown", "unknown"

type versionCmd struct{}

func (versionCmd) Run() error {
	v := native.LibraryVersions()
	fmt.Printf("agent %s (%s), %s %s/%s\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	fmt.Printf("OpenCV %s, gocv %s, libjpeg-turbo %s\n", gocv.OpenCVVersion(), gocv.Version(), v.JPEG)
	kernels, err := native.Kernels()
	if err != nil {
		return err
	}
	fmt.Printf("instruction sets: OpenCV uses %s, kernels of our own %s\n", v.InstructionSets, kernels)
	return nil
}
