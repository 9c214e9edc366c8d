package servers

import (
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

func TestStart(t *testing.T) {
	r := Redis(t)
	c := RedisCluster(t)
	p := Postgres(t)
	m := MariaDB(t)
	t.Log(r.Addr, c, p.DSN, m.DSN)
	r.Stop(t)
	r.Cont(t)
	p.Restart(t)
	m.Restart(t)
	p.Stop(t)
}
