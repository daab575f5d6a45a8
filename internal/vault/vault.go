// Package vault keeps the keys under which everything personal is stored, and
// seals and opens values with them.
//
// A key-encryption key (a gocloud.dev/secrets keeper: a local file, a cloud KMS)
// wraps one AES-256-GCM data key for each contact and purpose. Destroying a data
// key erases what it sealed wherever copies of it are: database, workflow
// history, event bus, backups. Look-ups by a personal value go through a keyed
// hash, [Vault.Index].
package vault

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"gocloud.dev/secrets"
	"golang.org/x/sync/singleflight"
)

// Purposes of keys. A case's purpose is made by [CasePurpose].
const (
	// Profile covers who a contact is: addresses, name, attributes.
	Profile = "profile"
	// Conversation covers what was said.
	Conversation = "conversation"
	// Workspace covers what belongs to no person: connections, settings.
	Workspace = "workspace"
	index     = "index"
)

// CasePurpose is the purpose of the key of one case, so that a chat can be
// erased while a file that must be kept stands.
func CasePurpose(id uuid.UUID) string { return "case/" + id.String() }

// Ref names a key by what it covers. A zero Contact means the workspace's own
// key; a zero Workspace the installation's.
type Ref struct {
	Workspace uuid.UUID
	Contact   uuid.UUID
	Purpose   string
}

// ForWorkspace is the key of what belongs to a workspace and to no person.
func ForWorkspace(ws uuid.UUID) Ref { return Ref{Workspace: ws, Purpose: Workspace} }

// ErrErased is returned for a value whose key has been destroyed.
var ErrErased = errors.New("vault: the key of this value has been destroyed")

// ErrTampered is returned for a value that is not what was sealed, or was
// sealed for another place.
var ErrTampered = errors.New("vault: the value cannot be opened: it was altered or belongs elsewhere")

// Keyring stores wrapped keys. An implementation must be safe for concurrent use.
type Keyring interface {
	// Current returns the living key of ref, creating it from wrapped() if
	// there is none; concurrent callers get the same one.
	Current(ctx context.Context, ref Ref, wrapped func() ([]byte, error)) (StoredKey, error)
	// ByID returns a key, a destroyed one with a nil Wrapped.
	ByID(ctx context.Context, id uuid.UUID) (StoredKey, error)
	// Destroy forgets the living keys of a contact that match the purpose, or
	// all of them for an empty purpose, and returns their IDs.
	Destroy(ctx context.Context, ws, contact uuid.UUID, purpose string) ([]uuid.UUID, error)
}

// StoredKey is a data key as the keyring has it.
type StoredKey struct {
	ID      uuid.UUID
	Ref     Ref
	Wrapped []byte
}

// Vault seals and opens. It is safe for concurrent use.
type Vault struct {
	kek    *secrets.Keeper
	ring   Keyring
	byID   *lru.Cache[uuid.UUID, *key]
	byRef  *lru.Cache[Ref, *key]
	flight singleflight.Group
}

type key struct {
	id    uuid.UUID
	ref   Ref
	aead  cipher.AEAD
	index []byte // for blind indexes
}

// cacheSize bounds how many unwrapped keys stay in memory; one takes about 1.5 kB.
const cacheSize = 50_000

// New returns a vault over a key-encryption key and a keyring.
func New(kek *secrets.Keeper, ring Keyring) *Vault {
	byID, _ := lru.New[uuid.UUID, *key](cacheSize) // fails only for a size below 1
	byRef, _ := lru.New[Ref, *key](cacheSize)
	return &Vault{kek: kek, ring: ring, byID: byID, byRef: byRef}
}

// The form of a sealed value: version (1 byte), key ID (16), nonce (12),
// ciphertext with tag. The key's ID and the place are the additional data.
const (
	version   = 1
	headerLen = 1 + 16
	nonceLen  = 12
)

// Seal encrypts plain under the key of ref. place names where the value stands
// ("inbox.body") and must be given again to open it, so that a value copied to
// another column does not open there.
func (v *Vault) Seal(ctx context.Context, ref Ref, place string, plain []byte) ([]byte, error) {
	k, err := v.current(ctx, ref)
	if err != nil {
		return nil, err
	}
	return k.seal(place, plain), nil
}

func (k *key) seal(place string, plain []byte) []byte {
	out := make([]byte, headerLen+nonceLen, headerLen+nonceLen+len(plain)+k.aead.Overhead())
	out[0] = version
	copy(out[1:], k.id[:])
	nonce := out[headerLen : headerLen+nonceLen]
	rand.Read(nonce) // never fails: crypto/rand
	return k.aead.Seal(out, nonce, plain, k.additional(place))
}

func (k *key) additional(place string) []byte {
	return append(append(make([]byte, 0, 16+len(place)), k.id[:]...), place...)
}

// Open decrypts a sealed value. A nil or empty value opens as nil.
func (v *Vault) Open(ctx context.Context, place string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	if len(sealed) < headerLen+nonceLen+16 || sealed[0] != version {
		return nil, ErrTampered
	}
	k, err := v.lookup(ctx, uuid.UUID(sealed[1:headerLen]))
	if err != nil {
		return nil, err
	}
	plain, err := k.aead.Open(nil, sealed[headerLen:headerLen+nonceLen], sealed[headerLen+nonceLen:], k.additional(place))
	if err != nil {
		return nil, ErrTampered
	}
	return plain, nil
}

// RefOf tells what the key of a sealed value covers, also of one that has been
// destroyed. A value that is not sealed is ErrTampered, one whose key never was
// has the zero Ref. It does not open the value.
func (v *Vault) RefOf(ctx context.Context, sealed []byte) (Ref, error) {
	if len(sealed) < headerLen+nonceLen+16 || sealed[0] != version {
		return Ref{}, ErrTampered
	}
	id := uuid.UUID(sealed[1:headerLen])
	if k, ok := v.byID.Get(id); ok {
		return k.ref, nil
	}
	stored, err := v.ring.ByID(ctx, id)
	if err != nil {
		return Ref{}, fmt.Errorf("vault: key: %w", err)
	}
	return stored.Ref, nil
}

// Index is the blind index of a personal value: a keyed hash by which it can be
// looked up. kind separates values that could look alike.
func (v *Vault) Index(ctx context.Context, ws uuid.UUID, kind, value string) ([]byte, error) {
	k, err := v.current(ctx, Ref{Workspace: ws, Purpose: index})
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, k.index)
	fmt.Fprintf(mac, "%d:%s", len(kind), kind)
	mac.Write([]byte(value))
	return mac.Sum(nil)[:20], nil
}

// Destroy erases what the contact's keys of that purpose covered; an empty
// purpose means all. Other processes notice when their cached key is asked for
// through [Vault.Forget].
func (v *Vault) Destroy(ctx context.Context, ws, contact uuid.UUID, purpose string) ([]uuid.UUID, error) {
	ids, err := v.ring.Destroy(ctx, ws, contact, purpose)
	if err != nil {
		return nil, fmt.Errorf("vault: destroy: %w", err)
	}
	v.Forget(ids...)
	return ids, nil
}

// Forget drops keys from this process's memory.
func (v *Vault) Forget(ids ...uuid.UUID) {
	for _, id := range ids {
		if k, ok := v.byID.Peek(id); ok {
			v.byRef.Remove(k.ref)
		}
		v.byID.Remove(id)
	}
}

func (v *Vault) current(ctx context.Context, ref Ref) (*key, error) {
	if k, ok := v.byRef.Get(ref); ok {
		return k, nil
	}
	got, err, _ := v.flight.Do("r"+ref.Workspace.String()+ref.Contact.String()+ref.Purpose, func() (any, error) {
		stored, err := v.ring.Current(ctx, ref, func() ([]byte, error) { return v.freshKey(ctx) })
		if err != nil {
			return nil, fmt.Errorf("vault: key: %w", err)
		}
		return v.unwrap(ctx, stored)
	})
	if err != nil {
		return nil, err
	}
	k := got.(*key)
	v.byRef.Add(ref, k)
	return k, nil
}

func (v *Vault) lookup(ctx context.Context, id uuid.UUID) (*key, error) {
	if k, ok := v.byID.Get(id); ok {
		return k, nil
	}
	got, err, _ := v.flight.Do("i"+id.String(), func() (any, error) {
		stored, err := v.ring.ByID(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("vault: key: %w", err)
		}
		return v.unwrap(ctx, stored)
	})
	if err != nil {
		return nil, err
	}
	return got.(*key), nil
}

func (v *Vault) freshKey(ctx context.Context) ([]byte, error) {
	raw := make([]byte, 32)
	rand.Read(raw)
	return v.kek.Encrypt(ctx, raw)
}

func (v *Vault) unwrap(ctx context.Context, s StoredKey) (*key, error) {
	if s.Wrapped == nil {
		return nil, ErrErased
	}
	raw, err := v.kek.Decrypt(ctx, s.Wrapped)
	if err != nil {
		return nil, fmt.Errorf("vault: unwrap: %w", err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	idx, err := hkdf.Key(sha256.New, raw, nil, "parley blind index", 32)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	k := &key{id: s.ID, ref: s.Ref, aead: aead, index: idx}
	v.byID.Add(k.id, k)
	return k, nil
}
