package benchmarks

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// serveVariable makes the program serve a contestant instead of measuring.
const serveVariable = "SESHAT_BENCH_SERVE"

// An order says what a serving process shall serve.
type order struct {
	Contestant string
	Env        Env
}

// Serve serves a contestant over HTTP if the process was started to do that,
// and tells whether it was. It returns when standard input ends, which it does
// with the process that measures. TestMain calls it before anything else.
func Serve() (asked bool, err error) {
	text, asked := os.LookupEnv(serveVariable)
	if !asked {
		return false, nil
	}
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return true, fmt.Errorf("benchmarks: serve: %w", err)
	}
	for _, c := range Contestants() {
		if c.Name == o.Contestant {
			return true, serve(c, o.Env, os.Stdin, os.Stdout)
		}
	}
	return true, fmt.Errorf("benchmarks: serve: no contestant %q", o.Contestant)
}

func serve(c Contestant, env Env, until io.Reader, out io.Writer) error {
	site, err := c.New(env)
	if err != nil {
		return fmt.Errorf("benchmarks: %s: %w", c.Name, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, site.Close())
	}
	server := &http.Server{Handler: site, ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, until)
		_ = server.Close()
	}()
	if _, err := fmt.Fprintln(out, listener.Addr()); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return errors.Join(err, site.Close())
	}
	return site.Close()
}

// A served contestant is a process of its own that serves one.
type served struct {
	addr string
	stop func() error
}

// startServing starts a process that serves the contestant, and returns when it
// listens.
func startServing(c Contestant, env Env) (*served, error) {
	text, err := json.Marshal(order{c.Name, env})
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	// A process with the race detector would stay for a second after its end.
	cmd.Env = append(os.Environ(), serveVariable+"="+string(text), "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("benchmarks: serve %s: %w", c.Name, err)
	}
	stop := func() error {
		_ = in.Close()
		return cmd.Wait()
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("benchmarks: %s does not listen: %w", c.Name, err), stop())
	}
	return &served{addr: strings.TrimSpace(addr), stop: stop}, nil
}
