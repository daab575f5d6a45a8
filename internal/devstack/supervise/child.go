package supervise

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Command describes a process to start.
type Command struct {
	// Name names it in errors.
	Name string
	// Path is the program, Args what follows it.
	Path string
	Args []string
	// LogFile is where its output is appended.
	LogFile string
	// PIDFile remembers its process ID for [EndOrphan].
	PIDFile string
	// Graceful: when this process is killed, the child is told to terminate
	// (SIGTERM) rather than killed too. Linux only; elsewhere it lives on until
	// EndOrphan.
	Graceful bool
	// StopTimeout is how long it may take to end before it is killed.
	StopTimeout time.Duration
}

// Child is a process started by this one.
type Child struct {
	command Command
	pid     int
	gone    chan struct{}
	err     error // set before gone is closed
}

// Start runs the command in a process group of its own, so that an interrupt
// typed at the terminal reaches this process only, which then stops the child
// in its turn.
func Start(c Command) (*Child, error) {
	out, err := OpenLog(c.LogFile)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	sig := syscall.SIGKILL
	if c.Graceful {
		sig = syscall.SIGTERM
	}
	dieWithParent(cmd.SysProcAttr, sig)
	child := &Child{command: c, gone: make(chan struct{})}
	started := make(chan error)
	go child.run(cmd, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	if err := os.WriteFile(c.PIDFile, []byte(strconv.Itoa(child.pid)), 0o600); err != nil {
		return nil, errors.Join(err, child.Stop())
	}
	return child, nil
}

// maxLog is the size in bytes past which a log is set aside as LOG.old.
const maxLog = 32 << 20

// OpenLog opens a log for appending, readable by its owner only.
func OpenLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// run holds on to its thread as long as the child lives: Linux sends the
// signal of dieWithParent when the thread that started the child ends
// (PR_SET_PDEATHSIG, prctl(2)).
func (c *Child) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	c.pid = cmd.Process.Pid
	started <- nil
	c.err = cmd.Wait()
	close(c.gone)
}

// PID implements [Process].
func (c *Child) PID() int { return c.pid }

// Gone implements [Process].
func (c *Child) Gone() <-chan struct{} { return c.gone }

// Err says how it ended; call it after Gone is closed.
func (c *Child) Err() error {
	if c.err == nil {
		return fmt.Errorf("%s ended by itself; see %s", c.command.Name, c.command.LogFile)
	}
	return fmt.Errorf("%s ended: %w; see %s", c.command.Name, c.err, c.command.LogFile)
}

// Stop implements [Process]: SIGTERM, then SIGKILL after StopTimeout.
func (c *Child) Stop() error {
	_ = os.Remove(c.command.PIDFile)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case <-c.gone:
			return nil
		default:
		}
		if err := syscall.Kill(c.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stopping %s (process %d): %w", c.command.Name, c.pid, err)
		}
		timer := time.NewTimer(c.command.StopTimeout)
		select {
		case <-c.gone:
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
	return fmt.Errorf("%s (process %d) does not end", c.command.Name, c.pid)
}

// EndOrphan ends the process that a PID file names, if it still lives and is
// the one meant: each of the words must stand among its arguments, since the ID
// may be some other program's by now. It is given the time to end by itself
// when graceful, else killed. It returns when the process is no more.
func EndOrphan(pidFile string, words []string, graceful bool, timeout time.Duration) error {
	raw, err := os.ReadFile(pidFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(string(raw))
	if err == nil && pid > 1 && runsWith(pid, words) {
		if err := end(pid, words, graceful, timeout); err != nil {
			return fmt.Errorf("process %d was left by an earlier run (%s) and does not end: %w", pid, filepath.Base(pidFile), err)
		}
	}
	return os.Remove(pidFile)
}

func end(pid int, words []string, graceful bool, timeout time.Duration) error {
	signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}
	if !graceful {
		signals = signals[1:]
	}
	for _, sig := range signals {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		if awaitEnd(pid, words, timeout) {
			return nil
		}
	}
	return errors.New("it survives being killed")
}

func awaitEnd(pid int, words []string, timeout time.Duration) bool {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if !runsWith(pid, words) {
			return true
		}
		select {
		case <-deadline.C:
			return false
		case <-tick.C:
		}
	}
}
