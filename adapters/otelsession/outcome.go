package otelsession

import (
	"context"
	"errors"

	"github.com/seshat-go/seshat/core/session"
)

// An outcome is all that is told of an error.
type outcome string

const (
	ok          outcome = "ok"
	notFound    outcome = "not_found"
	exists      outcome = "exists"
	conflict    outcome = "conflict"
	pending     outcome = "pending"
	unsupported outcome = "unsupported"
	canceled    outcome = "canceled"
	timeout     outcome = "timeout"
	full        outcome = "full"
	undecodable outcome = "undecodable"
	failed      outcome = "error"
)

// outcomeOf goes by the kinds of errors that the contract of stores names, and
// for the others by what became of the context of the call.
// ErrNotFound may come joined with ErrPending; what is pending matters more.
func outcomeOf(ctx context.Context, err error) outcome {
	if err == nil {
		return ok
	}
	for _, k := range [...]struct {
		err error
		is  outcome
	}{
		{session.ErrPending, pending},
		{session.ErrNotFound, notFound},
		{session.ErrExists, exists},
		{session.ErrConflict, conflict},
		{session.ErrFull, full},
		{session.ErrUndecodable, undecodable},
		{errors.ErrUnsupported, unsupported},
		{context.Canceled, canceled},
	} {
		if errors.Is(err, k.err) {
			return k.is
		}
	}
	var waited interface{ Timeout() bool } // of package context, and of drivers
	switch {
	case errors.As(err, &waited) && waited.Timeout(), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return timeout
	case ctx.Err() != nil:
		return canceled
	}
	return failed
}

// failure tells whether something is wrong with the store.
func (o outcome) failure() bool {
	switch o {
	case timeout, full, undecodable, failed:
		return true
	}
	return false
}
