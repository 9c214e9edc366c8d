package servers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// RedisCluster starts a Redis Cluster of three masters that ends with the test,
// and returns their addresses when all slots are served.
func RedisCluster(t testing.TB) []string {
	t.Helper()
	return private(t, startCluster).addrs
}

const (
	clusterNodes = 3
	clusterSlots = 16384
)

type cluster struct {
	addrs []string
	nodes []*RedisServer
}

func startCluster() (*cluster, error) {
	c := &cluster{}
	for range clusterNodes {
		node, err := startRedis([]string{"--cluster-enabled", "yes"}, busOffset)
		if err != nil {
			return nil, errors.Join(err, c.stop())
		}
		c.nodes = append(c.nodes, node)
		c.addrs = append(c.addrs, node.Addr)
	}
	if err := c.join(); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func (c *cluster) stop() error {
	var errs []error
	for _, node := range c.nodes {
		errs = append(errs, node.stop())
	}
	return errors.Join(errs...)
}

// join gives each node its share of the slots, introduces the nodes to the
// first one, and waits until each knows of all slots.
func (c *cluster) join() error {
	for i, node := range c.nodes {
		var slots strings.Builder
		for slot := clusterSlots * i / clusterNodes; slot < clusterSlots*(i+1)/clusterNodes; slot++ {
			slots.WriteString(" " + strconv.Itoa(slot))
		}
		for _, line := range []string{
			"CLUSTER SET-CONFIG-EPOCH " + strconv.Itoa(i+1),
			"CLUSTER ADDSLOTS" + slots.String(),
			fmt.Sprintf("CLUSTER MEET 127.0.0.1 %d", c.nodes[0].port),
		} {
			if _, err := ask(node.Addr, line); err != nil {
				return err
			}
		}
	}
	for _, addr := range c.addrs {
		if err := awaitCluster(addr); err != nil {
			return err
		}
	}
	return nil
}

func awaitCluster(addr string) error {
	var info string
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		if info, err = ask(addr, "CLUSTER INFO"); err != nil {
			return err
		}
		if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", clusterNodes)) {
			return nil
		}
	}
	return fmt.Errorf("servers: the Redis Cluster does not get ready: %s", info)
}

// ask sends one command to a Redis server and returns its reply: a line, or the
// text of a bulk reply.
func ask(addr, line string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return "", fmt.Errorf("servers: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
		return "", fmt.Errorf("servers: %w", err)
	}
	reply := bufio.NewReader(conn)
	head, err := reply.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("servers: %w", err)
	}
	head = strings.TrimRight(head, "\r\n")
	switch head[:1] {
	case "-":
		return "", fmt.Errorf("servers: %.20s: %s", line, head)
	case "$":
		n, err := strconv.Atoi(head[1:])
		if err != nil {
			return "", fmt.Errorf("servers: %w", err)
		}
		text := make([]byte, max(n, 0))
		_, err = io.ReadFull(reply, text)
		return string(text), err
	}
	return head, nil
}
