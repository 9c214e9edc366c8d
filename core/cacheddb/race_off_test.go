//go:build !race

package cacheddb_test

const raceEnabled = false
