// Package rig runs the installed agent where it will live: in a virtual machine
// with Debian 12's own kernel, systemd, journald, and cameras that are driven
// by the kernel's drivers (vivid, uvcvideo).
//
// What enters: the packages that the guest needs, files to share, commands.
// What leaves: their output and exit codes. The image and the saved state of a
// booted machine are kept under .cache/e2e and made anew when what they were
// made of changes; every machine is a clean clone of that state, there in one
// or two seconds. It needs root, no network in the guest, no KVM (it uses it
// where it works), and it leaves no process behind, even when it is killed.
package rig
