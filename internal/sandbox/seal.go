package sandbox

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// KeySize is the length of Config.Key in bytes.
const KeySize = 32

// box seals what the sandbox writes to disk: a fake holds customers' words and
// numbers as much as the real provider does. It is safe for concurrent use.
type box struct {
	aead  cipher.AEAD
	index []byte // keys the hash that stands for a clear key on disk
}

func newBox(key []byte) (*box, error) {
	if len(key) != KeySize {
		return nil, errors.New("sandbox: the key must be 32 bytes long")
	}
	block, err := aes.NewCipher(derive(key, "seal"))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &box{aead: aead, index: derive(key, "index")}, nil
}

// derive makes a key for one use out of the sandbox's key.
func derive(key []byte, use string) []byte {
	out, err := hkdf.Key(sha256.New, key, nil, "parley sandbox "+use, KeySize)
	if err != nil {
		panic(err) // only lengths beyond HKDF's bound fail
	}
	return out
}

// seal encrypts plain and binds it to the place where it is stored.
func (b *box) seal(plain []byte, table string, at []byte) []byte {
	return b.aead.Seal(nil, nil, plain, place(table, at))
}

func (b *box) open(sealed []byte, table string, at []byte) ([]byte, error) {
	return b.aead.Open(nil, nil, sealed, place(table, at))
}

func place(table string, at []byte) []byte {
	return append([]byte(table+"\x00"), at...)
}

// hide gives the opaque key under which a bucket's key is stored.
func (b *box) hide(bucket, key string) []byte {
	m := hmac.New(sha256.New, b.index)
	m.Write([]byte(bucket + "\x00" + key))
	return m.Sum(nil)[:16]
}

// Secrets returns the source of secrets that a fake's Account is given when a
// connection to it is seeded: for one key and connector, the same value for the
// same name every time.
func Secrets(key []byte, connector string) func(name string) string {
	root := derive(key, "secret "+connector)
	return func(name string) string {
		m := hmac.New(sha256.New, root)
		m.Write([]byte(name))
		return hex.EncodeToString(m.Sum(nil)[:20])
	}
}
