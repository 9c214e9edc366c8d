package transition

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/seshat-go/seshat/core/session"
)

// apart makes sure that what is put into the new store is not found in the old one:
// if they were one place, the mark of each session would take the place of the session
// itself. A dry run puts nothing there.
func apart(ctx context.Context, old, new session.Store, dry bool) error {
	if err := validStores(old, new); err != nil || dry {
		return err
	}
	var random [32]byte
	_, _ = rand.Read(random[:])
	id := session.ID(base64.RawURLEncoding.EncodeToString(random[:]))
	probe := endedMark(1)
	probe.Expires = time.Now().UTC().Truncate(time.Microsecond).Add(freshFor) // if it cannot be deleted
	probe.LifetimeEnd = probe.Expires
	if err := new.Create(ctx, id, probe); err != nil {
		return fmt.Errorf("transition: copy: writing to the new store: %w", err)
	}
	there, err := look(ctx, old, id)
	if derr := new.Delete(context.WithoutCancel(ctx), id, probe.Version); err == nil && !errors.Is(derr, session.ErrPending) {
		err = derr
	}
	switch {
	case there.kind != absent:
		return fmt.Errorf("transition: copy: the old and the new store are one place under two names, where each session would be lost; nothing was moved: %w", session.ErrInvalid)
	case err != nil:
		return fmt.Errorf("transition: copy: %w", err)
	}
	return nil
}
