package devstack

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

const keySize = 32 // bytes of a master key and of the sandbox's key

// secrets are made once for a folder.
type secrets struct {
	AdminKey   string `json:"admin_key"`
	SandboxKey []byte `json:"sandbox_key"`
}

// secrets reads the folder's secrets, or makes them for a folder that holds no
// data yet: without their keys, data that exists could never be read again.
func (f *Folder) secrets() (secrets, error) {
	var s secrets
	fresh := !f.hasData()
	if err := f.secret(f.masterKey(), fresh, newKey); err != nil {
		return s, err
	}
	path := f.Path("secrets.json")
	err := f.secret(path, fresh, func() ([]byte, error) {
		key, err := newKey()
		if err != nil {
			return nil, err
		}
		return json.MarshalIndent(secrets{AdminKey: "parley_" + rand.Text(), SandboxKey: key}, "", "  ")
	})
	if err != nil {
		return s, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(raw, &s); err != nil || s.AdminKey == "" || len(s.SandboxKey) != keySize {
		return s, fmt.Errorf("%s is damaged: restore it, or move %s away to start afresh", path, f.Dir)
	}
	return s, nil
}

func (f *Folder) masterKey() string { return f.Path("keys", "master.key") }

func (f *Folder) hasData() bool {
	_, err := os.Stat(f.Path("postgres", "data"))
	return err == nil
}

// secret makes the file unless it is there.
func (f *Folder) secret(path string, fresh bool, content func() ([]byte, error)) error {
	_, err := os.Stat(path)
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if !fresh {
		return fmt.Errorf("%s is missing, and the data in this folder cannot be used without it: restore it, or move %s away to start afresh", path, f.Dir)
	}
	raw, err := content()
	if err != nil {
		return err
	}
	return replaceFile(path, raw)
}

func newKey() ([]byte, error) {
	key := make([]byte, keySize)
	_, err := rand.Read(key)
	return key, err
}
