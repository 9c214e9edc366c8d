package transition

import (
	"fmt"

	"github.com/seshat-go/seshat/core/session"
)

// A Step is one of the two deployments that a move takes: processes of two
// generations run side by side while a deployment is rolled out, and each must
// find what the other creates.
type Step int

const (
	// CreateInOld is the first deployment: both stores are read, and new sessions
	// still begin in the old one, where the processes of before find them.
	CreateInOld Step = 1 + iota
	// CreateInNew is the second, once the first runs everywhere: new sessions
	// begin in the new store.
	CreateInNew
)

// String names the step.
func (s Step) String() string {
	switch s {
	case CreateInOld:
		return "create in old"
	case CreateInNew:
		return "create in new"
	}
	return fmt.Sprintf("Step(%d)", int(s))
}

// Options are the settings of a [Store].
type Options struct {
	// Step is the deployment. There is no default: which one it is decides where
	// other processes look for new sessions. Danger: CreateInNew beside a process
	// that knows the old store only signs out, in that process, whoever signs in.
	Step Step
}

func (o Options) validate() error {
	if o.Step != CreateInOld && o.Step != CreateInNew {
		return fmt.Errorf("transition: Options.Step is %d; it must be CreateInOld, for the first deployment, or CreateInNew, for the second: %w", int(o.Step), session.ErrInvalid)
	}
	return nil
}
