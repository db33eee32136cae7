// Package config reads the agent's configuration: what enters is YAML text,
// what leaves is plain structs with every default filled in, or all faults of
// the text at once, each with its place, its key, what was found and what is
// allowed.
//
// One table, in schema.go, says which keys there are; the decoder, the
// defaults and the reference of the documentation are made of it, so that they
// cannot disagree. A key that the table does not have is a fault: nothing is
// accepted that has no effect.
//
// It opens no camera, starts nothing and logs nothing.
package config
