//go:build race

package transition_test

const slow = true // the race detector makes an exploration take nine times as long
