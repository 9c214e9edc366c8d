package benchmarks

import (
	"errors"
	"fmt"
	"net/url"
)

// PerRequest is what one request sends to the servers, warm and alone.
type PerRequest struct {
	Commands   float64 // to Redis
	Statements float64 // to PostgreSQL
	Trips      float64 // to either
}

const (
	requestsToWarm  = 5
	requestsCounted = 20
)

// A meteredEnv is an Env whose servers are behind meters.
type meteredEnv struct {
	Env
	redis, postgres *Meter // nil: there is no such server
}

func newMeteredEnv(env Env) (_ *meteredEnv, err error) {
	m := &meteredEnv{Env: env}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	if env.Redis != "" {
		if m.redis, err = NewRedisMeter(env.Redis); err != nil {
			return nil, err
		}
		m.Redis = m.redis.Addr
	}
	if env.Postgres != "" {
		u, err := url.Parse(env.Postgres)
		if err != nil {
			return nil, errors.New("benchmarks: the address of PostgreSQL is no URL")
		}
		if m.postgres, err = NewPostgresMeter(u.Host); err != nil {
			return nil, err
		}
		u.Host = m.postgres.Addr
		m.Postgres = u.String()
	}
	return m, nil
}

func (m *meteredEnv) close() {
	for _, meter := range []*Meter{m.redis, m.postgres} {
		if meter != nil {
			meter.Close()
		}
	}
}

// counts returns those of both servers.
func (m *meteredEnv) counts() (redis, postgres Counts) {
	if m.redis != nil {
		redis = m.redis.Counts()
	}
	if m.postgres != nil {
		postgres = m.postgres.Counts()
	}
	return redis, postgres
}

// countRoundTrips counts what a request of each work sends to the servers.
func countRoundTrips(c Contestant, env Env) (_ map[string]PerRequest, err error) {
	m, err := newMeteredEnv(env)
	if err != nil {
		return nil, err
	}
	defer m.close()
	site, err := c.New(m.Env)
	if err != nil {
		return nil, fmt.Errorf("benchmarks: %s: %w", c.Name, err)
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	client := newInProcess(site)
	counted := make(map[string]PerRequest)
	for _, w := range Works() {
		if !c.CanDo(w) {
			continue
		}
		cookies, err := w.begin(client, requestsToWarm+requestsCounted)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		// The same sessions are warm later, so that a cache has them.
		if !w.Once {
			for i := range cookies {
				cookies[i] = cookies[i%requestsToWarm]
			}
		}
		var commands, statements, trips []float64
		for i, cookie := range cookies {
			redis, postgres := m.counts()
			a, err := client.Get(w.Route, cookie)
			if err == nil {
				err = w.check(a)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
			if i < requestsToWarm {
				continue
			}
			r, p := m.counts()
			r, p = r.minus(redis), p.minus(postgres)
			commands = append(commands, float64(r.Orders))
			statements = append(statements, float64(p.Orders))
			trips = append(trips, float64(r.Trips+p.Trips))
		}
		// Some contestants ask the servers for other reasons now and then.
		counted[w.Name] = PerRequest{Median(commands), Median(statements), Median(trips)}
	}
	return counted, nil
}
