// Package e2e holds the proofs that need a kernel's drivers and a service
// manager: the installed package, run by systemd, with cameras that uvcvideo
// and vivid drive, in machines of the rig. `make e2e` runs all of them, `make
// test` a short form.
//
// Those are claims on single frames and events. What faults cost, many times
// over and with a healthy camera beside, is the program in faults: `make faults`.
//
// Its tests have the build tag e2e: they need root, the package, and minutes.
package e2e
