// Package transition moves sessions from one store to another while the
// application runs.
package transition
