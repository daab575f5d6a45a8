package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"parley/cmd/internal/roles"
)

// Proofs kill the worker at points of their choice, and want to see what follows
// without long waits. See package proofs.
const (
	// envCrash names a file. While it exists, the worker counts the points that
	// it passes, from 1 whenever the file's text changes; at the one whose number
	// the text begins with it renames the file to FILE.struck and kills itself.
	// It notes the names of all points that it counts in FILE.log.
	envCrash = "PARLEY_DEV_CRASH"
	// envTaskTimeout is how soon Temporal takes a workflow task from a dead worker.
	envTaskTimeout = "PARLEY_DEV_TASK_TIMEOUT"
)

// proof is what the environment asks of a role.
func proof(worker bool) (roles.Proof, error) {
	var p roles.Proof
	if text := os.Getenv(envTaskTimeout); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			return p, fmt.Errorf("%s must be a duration like 2s", envTaskTimeout)
		}
		p.TaskTimeout = d
	}
	if file := os.Getenv(envCrash); file != "" && worker {
		p.Point = (&crasher{file: file}).point
	}
	return p, nil
}

type crasher struct {
	file   string
	mu     sync.Mutex
	text   string
	passed int
}

// point may not return, and then no other does.
func (c *crasher) point(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw, err := os.ReadFile(c.file)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if string(raw) != c.text {
		c.text, c.passed = string(raw), 0
	}
	c.passed++
	var at int
	if _, scan := fmt.Sscan(string(raw), &at); err == nil && scan == nil {
		err = c.note(name)
	}
	if err != nil {
		panic(fmt.Sprintf("%s: %v", envCrash, err))
	}
	if c.passed != at {
		return
	}
	if err := os.Rename(c.file, c.file+".struck"); err != nil {
		panic(fmt.Sprintf("%s: %v", envCrash, err))
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

func (c *crasher) note(name string) error {
	f, err := os.OpenFile(c.file+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, name)
	return errors.Join(err, f.Close())
}
