//go:build !amd64

package rig

// emulatedClock makes the guest's kernel take a clock of a known rate.
func emulatedClock() string { return "clocksource=acpi_pm" }
