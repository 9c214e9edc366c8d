package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"
)

// maxListPage is the most that ListPage returns at once: what every store allows.
const maxListPage = 1000

// info describes a record.
func info(id ID, r *Record) Info {
	return Info{id, r.Principal, r.Created, r.Authenticated, r.LastSeen, r.Expires, r.Device}
}

// ListPage is List in pages of at most limit sessions, 1 to 1000, newest first.
// after is "" for the first page and the next of the page before for the others;
// next is "" on the last page. What has expired is left out, so a page may have
// fewer sessions, or none, and not be the last. Whatever begins and ends
// meanwhile, a session that is there all the time is on exactly one page; one that
// is renewed meanwhile may be on two, and one that is logged in again, since it is
// the newest then, on none. A limit or an after that cannot be is ErrInvalid.
func (m *Manager) ListPage(ctx context.Context, principal, after string, limit int) (page []Info, next string, err error) {
	lister, ok := m.store.(Lister)
	switch {
	case !ok:
		return nil, "", unsupported("list sessions by principal")
	case limit < 1 || limit > maxListPage:
		return nil, "", fmt.Errorf("%w: the limit of a page is %d; it must be 1 to %d", ErrInvalid, limit, maxListPage)
	case principal == "": // nobody; not all who are anonymous
		return nil, "", nil
	}
	var stored []Stored
	var invalid error // no fault of the store's
	err = m.call(ctx, "list", "", func(ctx context.Context) (err error) {
		if stored, next, err = lister.List(ctx, principal, after, limit); errors.Is(err, ErrInvalid) {
			invalid, err = err, nil
		}
		return err
	})
	if err = errors.Join(err, invalid); err != nil {
		return nil, "", err
	}
	now := m.now()
	for i := range stored {
		if r := &stored[i].Record; r.live(now) && r.check() == nil {
			page = append(page, info(stored[i].ID, r))
		}
	}
	return page, next, nil
}

// Details is all that an operator can see of a session. It prints and encodes
// without the values.
type Details struct {
	Info
	LifetimeEnd time.Time     // when the session ends however much it is used
	IdleTimeout time.Duration // 0 is none
	Persistent  bool          // the cookie outlives the browser
	Version     uint64        // how many data writes there were
	Codec       string        // in which the values are encoded: "json" is text
	Keys        []string      // of the values, sorted; flash messages are under "_flash"
	Size        int           // of the values as they are stored, in bytes

	values *values // a pointer, which prints as an address
}

// Value returns a value as it is encoded, and whether there is one. It may be
// anything that the application keeps: show it on request only.
func (d *Details) Value(key string) ([]byte, bool) {
	if d.values == nil {
		return nil, false
	}
	raw, ok := d.values.get(key)
	return bytes.Clone(raw), ok
}

// Inspect describes one live session, for operators, as the database has it: no
// cache is asked. As with Revoke, an ID from before a renewal leads to the session
// that came of it, whose ID is in the answer. It returns ErrNotFound if there is
// none, and ErrUndecodable for a record that cannot be read. Looking does not
// count as a use of the session. Values in a codec unknown to this manager are
// returned all the same.
func (m *Manager) Inspect(ctx context.Context, id ID) (Details, error) {
	id, _, rec, err := m.resolve(ctx, id)
	switch {
	case err != nil:
		return Details{}, err
	case !rec.live(m.now()):
		return Details{}, ErrNotFound
	}
	codec := m.opts.Codec
	if len(rec.Payload) > 0 {
		if name, _, ok := cutString(rec.Payload[1:]); ok {
			codec = foreign{codec, string(name)}
		}
	}
	v, err := decodeValues(rec.Payload, codec)
	if err != nil {
		return Details{}, err
	}
	d := Details{
		Info: info(id, &rec), LifetimeEnd: rec.LifetimeEnd, IdleTimeout: rec.IdleTimeout, Persistent: rec.Persistent,
		Version: rec.Version, Codec: v.codec.Name(), Keys: []string{}, Size: len(rec.Payload), values: &v,
	}
	for _, e := range v.apart(0) {
		d.Keys = append(d.Keys, e.key)
	}
	return d, nil
}

// foreign goes by the name that an envelope has, whatever it is: its values are
// not decoded.
type foreign struct {
	Codec
	name string
}

func (f foreign) Name() string { return f.name }
