package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the system user that the server runs as.
type account struct {
	name     string
	uid, gid int
	switched bool // true when it is not the user of this process
}

// serverAccount returns this process's own user, or, since PostgreSQL refuses
// to run as root, another: the owner of an existing data folder, else
// postgres, else nobody.
func serverAccount(dataDir string) (account, error) {
	if uid := os.Geteuid(); uid != 0 {
		return account{name: "uid " + strconv.Itoa(uid), uid: uid, gid: os.Getegid()}, nil
	}
	if uid, ok := owner(dataDir); ok && uid != 0 {
		u, err := user.LookupId(strconv.Itoa(uid))
		if err != nil {
			return account{}, fmt.Errorf("%s belongs to user %d, who is not in the password file: PostgreSQL cannot run as that user: %w", dataDir, uid, err)
		}
		return accountOf(u)
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return accountOf(u)
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and neither the user postgres nor nobody exists: add one of them, or run as another user")
}

func accountOf(u *user.User) (account, error) {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return account{}, fmt.Errorf("user %s: %w", u.Username, err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return account{}, fmt.Errorf("user %s: %w", u.Username, err)
	}
	return account{name: u.Username, uid: uid, gid: gid, switched: true}, nil
}

// process returns how to start a process as this account, in a session of its
// own, so that an interrupt typed at the terminal does not reach it.
func (a account) process() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.switched {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// own gives path to the account.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// CanLiveIn tells, before anything is made, why a server could not run in dir:
// no user to run as, or a folder on the way that this user may not pass through.
func CanLiveIn(dir string) error {
	a, err := serverAccount(folder{dir: dir}.data())
	if err != nil {
		return err
	}
	return a.canEnter(dir)
}

// canEnter returns an error that names the first folder on the way to dir
// (dir itself included) that the account may not pass through. Folders that are
// yet to be made are made passable.
func (a account) canEnter(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := a.canEnter(parent); err != nil {
			return err
		}
	}
	info, err := os.Stat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !a.mayPass(info) {
		return fmt.Errorf("PostgreSQL runs as user %s, who cannot enter %s (mode %04o): choose a folder elsewhere, such as /var/lib/parley, or let others pass with chmod o+x",
			a.name, dir, info.Mode().Perm())
	}
	return nil
}

func (a account) mayPass(info os.FileInfo) bool {
	perm := info.Mode().Perm()
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		if int(stat.Uid) == a.uid {
			return perm&0o100 != 0
		}
		if int(stat.Gid) == a.gid {
			return perm&0o010 != 0
		}
	}
	return perm&0o001 != 0
}

func owner(path string) (uid int, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
