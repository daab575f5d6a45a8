package devstack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Folder is a data folder:
//
//	postgres/        PostgreSQL's data, port and password
//	sandbox/         what the sandbox keeps
//	keys/master.key  the key that wraps all others
//	secrets.json     the administrator's key and the sandbox's
//	addresses.json   the addresses chosen for this folder
//	endpoints.json   what runs where, for scripts
//	logs/ run/       output and process IDs of the parts
type Folder struct {
	Dir  string
	lock *os.File
}

// DefaultDir is the folder parley in the user's state directory; as root it is
// one that PostgreSQL's user can enter.
func DefaultDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/parley", nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "parley"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home directory to keep data in: name a folder with --data: %w", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "parley"), nil
	}
	return filepath.Join(home, ".local", "state", "parley"), nil
}

// Open makes the folder if need be and locks it, since only one system may run
// on it. The lock goes with the process, however that ends.
func Open(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{Dir: dir}
	// Others may pass through (PostgreSQL's user must) but not look in.
	if err := makeDir(dir, 0o711); err != nil {
		return nil, fmt.Errorf("the data folder cannot be made: choose another one with --data: %w", err)
	}
	for _, sub := range []string{"keys", "logs", "run", "sandbox"} {
		if err := makeDir(f.Path(sub), 0o700); err != nil {
			return nil, err
		}
	}
	return f, f.takeLock()
}

// Path joins names to the folder.
func (f *Folder) Path(names ...string) string {
	return filepath.Join(append([]string{f.Dir}, names...)...)
}

func (f *Folder) takeLock() error {
	lock, err := os.OpenFile(f.Path("run", "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			holder, _ := os.ReadFile(lock.Name())
			return fmt.Errorf("a parley-dev (process %s) already runs on %s: stop it, or choose another folder with --data",
				strings.TrimSpace(string(holder)), f.Dir)
		}
		return fmt.Errorf("locking %s: %w", f.Dir, err)
	}
	if err := lock.Truncate(0); err != nil {
		return errors.Join(err, lock.Close())
	}
	if _, err := fmt.Fprintln(lock, os.Getpid()); err != nil {
		return errors.Join(err, lock.Close())
	}
	f.lock = lock
	return nil
}

// Close gives the folder free for another system.
func (f *Folder) Close() error { return f.lock.Close() }

// makeDir makes dir with the mode, whatever the umask; missing parents get
// 0711. A folder that exists is left as it is.
func makeDir(dir string, mode os.FileMode) error {
	err := os.Mkdir(dir, mode)
	if errors.Is(err, os.ErrNotExist) {
		if err := makeDir(filepath.Dir(dir), 0o711); err != nil {
			return err
		}
		err = os.Mkdir(dir, mode)
	}
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}

// replaceFile writes a file that is seen either as it was or complete, even
// after a loss of power, and only by its owner.
func replaceFile(path string, content []byte) error {
	fresh, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name()) // gone already if all went well
	if _, err := fresh.Write(content); err != nil {
		return errors.Join(err, fresh.Close())
	}
	if err := fresh.Sync(); err != nil {
		return errors.Join(err, fresh.Close())
	}
	if err := fresh.Close(); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), path)
}
