// Package storetest is the conformance suite of stores and caches: what
// [session.Store] and [cacheddb.Cache] promise, as tests.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) session.Store { return open(t) })
//	}
//
// The suite does not wait: expired records are made by their times, and races
// by letting calls go at once and accepting every outcome that the contract
// allows. Run it with the race detector.
package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// Run tests a store. Each call of open returns an empty store that is apart
// from all others (with a prefix or table of its own), and leaves the cleaning
// up to t.Cleanup. The optional powers ([session.Lister], [session.Purger],
// [session.Scanner], [session.Pinger], [session.Validator]) are tested where
// the store has them; one that answers errors.ErrUnsupported counts as missing.
func Run(t *testing.T, open func(t *testing.T) session.Store) {
	t.Helper()
	for _, topic := range storeTopics {
		t.Run(topic.name, func(t *testing.T) {
			if topic.power != nil && !has(t, topic.power(t.Context(), open(t))) {
				return
			}
			for _, c := range topic.checks {
				t.Run(c.name, func(t *testing.T) {
					c.run(newSubject(t, func() session.Store { return open(t) }))
				})
			}
		})
	}
}

// A topic is a group of checks, perhaps of an optional power.
type topic struct {
	name   string
	power  func(context.Context, session.Store) error // errors.ErrUnsupported if the store lacks it
	checks []check
}

// A check is one promise. It takes a testing.TB, so that this package's own
// tests can watch it fail.
type check struct {
	name string
	run  func(subject)
}

var storeTopics = []topic{
	{"Load", nil, loadChecks},
	{"Create", nil, createChecks},
	{"Update", nil, updateChecks},
	{"Touch", nil, touchChecks},
	{"Delete", nil, deleteChecks},
	{"Record", nil, recordChecks},
	{"Expiry", nil, expiryChecks},
	{"ID", nil, idChecks},
	{"Apart", nil, apartChecks},
	{"Context", nil, contextChecks},
	{"Race", nil, raceChecks},
	{"Lister", listerPower, listChecks},
	{"Principal", listerPower, principalChecks},
	{"Purger", purgerPower, purgeChecks},
	{"Scanner", scannerPower, scanChecks},
	{"Pinger", pingerPower, pingChecks},
	{"Validator", validatorPower, validateChecks},
}

func has(t *testing.T, err error) bool {
	if errors.Is(err, errors.ErrUnsupported) {
		t.Log("the store does not have this optional power")
		return false
	}
	if err != nil {
		t.Fatalf("on an empty store: %v", err)
	}
	return true
}

func listerPower(ctx context.Context, s session.Store) error {
	l, ok := s.(session.Lister)
	if !ok {
		return errors.ErrUnsupported
	}
	_, _, err := l.List(ctx, "nobody", "", 1)
	return err
}

func purgerPower(ctx context.Context, s session.Store) error {
	p, ok := s.(session.Purger)
	if !ok {
		return errors.ErrUnsupported
	}
	_, err := p.Purge(ctx, time.Now().Add(-session.ExpiryGrace), 1)
	return err
}

func scannerPower(ctx context.Context, s session.Store) error {
	sc, ok := s.(session.Scanner)
	if !ok {
		return errors.ErrUnsupported
	}
	_, _, err := sc.Scan(ctx, "", 1)
	return err
}

func pingerPower(ctx context.Context, s session.Store) error {
	p, ok := s.(session.Pinger)
	if !ok {
		return errors.ErrUnsupported
	}
	return p.Ping(ctx)
}

func validatorPower(_ context.Context, s session.Store) error {
	if _, ok := s.(session.Validator); !ok {
		return errors.ErrUnsupported
	}
	return nil
}
