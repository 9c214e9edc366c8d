// Package cli has the tests of the command-line tool: they build it, and run it as
// people and scripts do, on real servers.
package cli
