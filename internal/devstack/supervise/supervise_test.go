package supervise_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"parley/internal/devstack/supervise"
)

var quiet = slog.New(slog.DiscardHandler)

// part is a Process that dies on demand.
type part struct {
	pid  int
	once sync.Once
	gone chan struct{}
}

func newPart(pid int) *part           { return &part{pid: pid, gone: make(chan struct{})} }
func (p *part) PID() int              { return p.pid }
func (p *part) Gone() <-chan struct{} { return p.gone }
func (p *part) die()                  { p.once.Do(func() { close(p.gone) }) }
func (p *part) Stop() error           { p.die(); return nil }

func TestKeepStartsAgainWithGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var parts []*part
		var startedAt []time.Time
		start := func(context.Context) (supervise.Process, error) {
			p := newPart(len(parts) + 1)
			parts = append(parts, p)
			startedAt = append(startedAt, time.Now())
			return p, nil
		}
		var pids []int
		first, _ := start(t.Context())
		k := supervise.Keep("x", quiet, first, start, func(pid int) { pids = append(pids, pid) })
		for range 4 {
			parts[len(parts)-1].die()
			<-time.After(450 * time.Millisecond) // the bubble's clock, not the machine's
			synctest.Wait()
		}
		require.Equal(t, []int{2, 3, 4, 5}, pids)
		require.Zero(t, startedAt[1].Sub(startedAt[0]), "the first restart is immediate")
		require.Greater(t, startedAt[4].Sub(startedAt[3]), startedAt[2].Sub(startedAt[1]))
		require.NoError(t, k.Stop())
		<-time.After(time.Minute)
		require.Len(t, parts, 5, "nothing is started after Stop")
	})
}

func TestKeepTriesAgainWhenARestartFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newPart(1)
		tries := 0
		start := func(context.Context) (supervise.Process, error) {
			if tries++; tries < 4 {
				return nil, errors.New("not yet")
			}
			return newPart(tries), nil
		}
		var last int
		k := supervise.Keep("x", quiet, first, start, func(pid int) { last = pid })
		first.die()
		<-time.After(time.Minute)
		synctest.Wait()
		require.Equal(t, 4, last)
		require.NoError(t, k.Stop())
	})
}

func TestTaskReturnsItsError(t *testing.T) {
	broken := errors.New("broken")
	task := supervise.Go(func(context.Context) error { return broken })
	<-task.Gone()
	require.ErrorIs(t, task.Stop(), broken)
	task = supervise.Go(func(ctx context.Context) error { <-ctx.Done(); return nil })
	require.Equal(t, os.Getpid(), task.PID())
	require.NoError(t, task.Stop())
}

// The tests below start this test binary again, as the child and as a
// supervisor that is then killed.
const envRole = "PARLEY_SUPERVISE_TEST"

func TestMain(m *testing.M) {
	switch os.Getenv(envRole) {
	case "":
		os.Exit(m.Run())
	case "supervisor":
		os.Setenv(envRole, "child")
		child, err := supervise.Start(command(os.Args[1]))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(child.PID())
	}
	select {}
}

func command(dir string) supervise.Command {
	return supervise.Command{
		Name: "child", Path: os.Args[0], Args: []string{dir},
		LogFile: filepath.Join(dir, "log"), PIDFile: filepath.Join(dir, "pid"), StopTimeout: 10 * time.Second,
	}
}

func TestStopEndsAChild(t *testing.T) {
	t.Setenv(envRole, "child")
	c := command(t.TempDir())
	child, err := supervise.Start(c)
	require.NoError(t, err)
	require.FileExists(t, c.PIDFile)
	require.NoError(t, child.Stop())
	require.NoError(t, child.Stop(), "twice")
	require.NoFileExists(t, c.PIDFile)
	require.ErrorContains(t, child.Err(), c.LogFile)
}

func TestChildrenDieWithAKilledSupervisor(t *testing.T) {
	dir := t.TempDir()
	supervisor := exec.Command(os.Args[0], dir)
	supervisor.Env = append(os.Environ(), envRole+"=supervisor")
	out, err := supervisor.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, supervisor.Start())
	line, _, err := bufio.NewReader(out).ReadLine()
	require.NoError(t, err)
	pid, err := strconv.Atoi(string(line))
	require.NoError(t, err, "the supervisor said: %s", line)
	require.NoError(t, supervisor.Process.Signal(syscall.SIGKILL))
	_ = supervisor.Wait()
	// On Linux the kernel ends it; elsewhere EndOrphan does.
	require.NoError(t, supervise.EndOrphan(filepath.Join(dir, "pid"), []string{dir}, false, 10*time.Second))
	_, err = os.Stat(fmt.Sprintf("/proc/%d/exe", pid))
	require.Error(t, err)
	require.NoFileExists(t, filepath.Join(dir, "pid"))
}

func TestEndOrphanSparesAnotherProcess(t *testing.T) {
	t.Setenv(envRole, "child")
	dir := t.TempDir()
	child, err := supervise.Start(command(dir))
	require.NoError(t, err)
	reused := filepath.Join(dir, "reused")
	require.NoError(t, os.WriteFile(reused, []byte(strconv.Itoa(child.PID())), 0o600))
	require.NoError(t, supervise.EndOrphan(reused, []string{"another folder"}, false, time.Second))
	require.NoFileExists(t, reused)
	select {
	case <-child.Gone():
		t.Fatal("it ended a process that was not meant")
	default:
	}
	require.NoError(t, supervise.EndOrphan(filepath.Join(dir, "pid"), []string{dir}, true, 10*time.Second))
	<-child.Gone()
	require.NoError(t, supervise.EndOrphan(filepath.Join(dir, "missing"), nil, false, time.Second))
}
