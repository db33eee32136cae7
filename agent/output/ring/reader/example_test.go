package reader_test

import (
	"context"
	"fmt"
	"log"

	"github.com/edge-agent/agent/agent/output/ring/reader"
)

func detect([]float32) (x, y float64) { return 320, 320 }

func Example() {
	frames, err := reader.DialOutput("front", "model")
	if err != nil {
		log.Fatal(err)
	}
	defer frames.Close()
	for {
		f, err := frames.Next(context.Background()) // always the newest one
		if err != nil {
			log.Fatal(err)
		}
		x, y := detect(f.Float32s()) // in the agent's memory: no copy
		if !f.Valid() {
			continue // it took so long that the agent wrote over the frame
		}
		x, y = f.ToCamera(x, y) // from the model's coordinates to the camera's
		fmt.Printf("frame %d, %v old: something at %.0f,%.0f\n", f.Sequence, f.Age(), x, y)
	}
}
