//go:build !race

package transition_test

const slow = false
