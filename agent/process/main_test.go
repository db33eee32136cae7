package process

import (
	"fmt"
	"os"
	"testing"

	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/worker"
)

// TestMain is a worker when the executable is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "worker" {
		if err := worker.Serve(preproc.Open); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
