// Package systemd speaks to the service manager and to the journal, and holds
// everything that makes the agent a Debian service: the unit, the message
// catalog, the man pages and the package.
//
// What enters: readiness, a status line, a health check, and log lines of
// zerolog. What leaves: sd_notify datagrams and journal entries with native
// fields, or console lines and JSON where there is no journal. It never decides
// what healthy means, never ends the process, and no call here waits for
// journald: a log line that cannot be delivered is counted and reported.
//
// The journal transport is a connected socket of our own. The one of
// go-systemd/journal is unconnected: while journald does not read, the kernel
// answers EAGAIN, frees the message, and that very free wakes the poller, so
// Send turns in a loop and was measured to burn half a core for as long as
// journald is stopped. A connected socket sleeps until journald reads. What
// does not fit a datagram still goes through go-systemd, as a file descriptor.
package systemd
