package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// company is a child process that answers commands with lines of JSON.
type company struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// hire starts this program as a child with those arguments, and returns its
// first answer.
func hire(ctx context.Context, args ...string) (*company, map[string]float64, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	p := &company{cmd, in, bufio.NewReader(out)}
	values, err := p.answer()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%v: %w", args, err), p.dismiss())
	}
	return p, values, nil
}

func (p *company) pid() int { return p.cmd.Process.Pid }

// ask sends a command and returns the answer.
func (p *company) ask(command string) (map[string]float64, error) {
	if _, err := io.WriteString(p.in, command+"\n"); err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	values, err := p.answer()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	return values, nil
}

func (p *company) answer() (map[string]float64, error) {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the child process does not answer: %w", err)
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return nil, fmt.Errorf("the child process answers %q: %w", bytes.TrimSpace(line), err)
	}
	if a.Err != "" {
		return nil, errors.New(a.Err)
	}
	return a.Values, nil
}

// dismiss ends the child: its input ends, and it closes its sessions. A child
// that still waits for something is killed.
func (p *company) dismiss() error {
	_ = p.in.Close() // the child may have ended by itself
	const patience = time.Minute
	kill := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	return p.cmd.Wait()
}
