//go:build race || asan || msan

package worker

// limited is false where an instrumented program maps terabytes to watch itself.
const limited = false
