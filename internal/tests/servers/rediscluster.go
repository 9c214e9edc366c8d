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
	if err := join(c.addrs, c.addrs, clusterNodes); err != nil {
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

// join gives each master its share of the slots, introduces the nodes to the
// first one, and waits until each knows of all nodes and slots. Nodes call
// themselves by the names, which are addresses, too.
func join(addrs, names []string, masters int) error {
	host, port, err := net.SplitHostPort(names[0])
	if err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	_, own, err := net.SplitHostPort(addrs[0])
	if err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	bus, err := strconv.Atoi(own)
	if err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	for i, addr := range addrs {
		lines := []string{
			fmt.Sprintf("CLUSTER SET-CONFIG-EPOCH %d", i+1),
			fmt.Sprintf("CLUSTER MEET %s %s %d", host, port, bus+busOffset),
		}
		if i < masters {
			var slots strings.Builder
			for slot := clusterSlots * i / masters; slot < clusterSlots*(i+1)/masters; slot++ {
				slots.WriteString(" " + strconv.Itoa(slot))
			}
			lines = append(lines, "CLUSTER ADDSLOTS"+slots.String())
		}
		for _, line := range lines {
			if _, err := ask(addr, line); err != nil {
				return err
			}
		}
	}
	for _, addr := range addrs {
		if err := awaitCluster(addr, len(addrs)); err != nil {
			return err
		}
	}
	return nil
}

func awaitCluster(addr string, nodes int) error {
	return await("the Redis Cluster does not get ready", func() (bool, string) {
		info, err := ask(addr, "CLUSTER INFO")
		return err == nil && strings.Contains(info, "cluster_state:ok") &&
			strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", nodes)), info
	})
}

// await asks again and again until something is so; the text says how it is.
func await(otherwise string, so func() (bool, string)) error {
	for end := time.Now().Add(startLimit); ; time.Sleep(20 * time.Millisecond) {
		done, text := so()
		if done {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("servers: %s: %s", otherwise, text)
		}
	}
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
