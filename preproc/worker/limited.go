//go:build !race && !asan && !msan

package worker

// limited says that the memory budget holds.
const limited = true
