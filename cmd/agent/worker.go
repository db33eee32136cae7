package main

import (
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/worker"
)

type workerCmd struct {
	Camera string `arg:"" optional:"" help:"The camera's name, for ps."`
}

// Run is the life of a preprocessor's process; see package worker.
func (workerCmd) Run() error {
	return worker.Serve(preproc.Open)
}
