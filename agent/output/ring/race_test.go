//go:build race

package ring_test

func init() { instrumented = true }
