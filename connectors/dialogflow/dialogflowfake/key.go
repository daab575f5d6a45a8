package dialogflowfake

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"sync"
)

// key is a service account's, as Google writes it into a file.
type key struct {
	Type         string `json:"type"`
	ProjectID    string `json:"project_id"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	ClientEmail  string `json:"client_email"`
	TokenURI     string `json:"token_uri"`
	Domain       string `json:"universe_domain"`
}

// made are the keys by their secrets: the same secret gives the same key every time,
// so that a sandbox that starts again still knows who asks.
var made sync.Map

func serviceAccount(secret string) json.RawMessage {
	if k, ok := made.Load(secret); ok {
		return k.(json.RawMessage)
	}
	private, err := x509.MarshalPKCS8PrivateKey(derive(secret))
	if err != nil {
		panic(err) // an RSA key can be written
	}
	id := sha256.Sum256([]byte("id of " + secret))
	raw := encode(key{Type: "service_account", ProjectID: "parley-sandbox", PrivateKeyID: hex.EncodeToString(id[:20]),
		PrivateKey:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		ClientEmail: "parley@parley-sandbox.iam.gserviceaccount.com", TokenURI: "https://oauth2.googleapis.com/token", Domain: "googleapis.com"})
	made.Store(secret, raw)
	return raw
}

// derive makes an RSA key of a secret. It is good for a sandbox, where the secret is
// no secret.
func derive(secret string) *rsa.PrivateKey {
	const exponent = 65537
	p, q := prime(secret+" p", exponent), prime(secret+" q", exponent)
	one := big.NewInt(1)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent},
		D: new(big.Int).ModInverse(big.NewInt(exponent), phi), Primes: []*big.Int{p, q}}
	k.Precompute()
	return k
}

// prime is the first prime of 1,024 bits from a number made of the seed on, with
// which an exponent works.
func prime(seed string, exponent int64) *big.Int {
	var bytes []byte
	for i := range uint64(4) {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(seed), i))
		bytes = append(bytes, sum[:]...)
	}
	bytes[0] |= 0xc0 // the product of two such has 2,048 bits
	bytes[len(bytes)-1] |= 1
	n, e, one := new(big.Int).SetBytes(bytes), big.NewInt(exponent), big.NewInt(1)
	for two := big.NewInt(2); ; n.Add(n, two) {
		if n.ProbablyPrime(10) && new(big.Int).GCD(nil, nil, e, new(big.Int).Sub(n, one)).Cmp(one) == 0 {
			return n
		}
	}
}

// publicKey is what a service account's tokens are verified by; nil if there is none.
func publicKey(credentials string) (email string, public *rsa.PublicKey) {
	var k key
	if json.Unmarshal([]byte(credentials), &k) != nil {
		return "", nil
	}
	block, _ := pem.Decode([]byte(k.PrivateKey))
	if block == nil {
		return "", nil
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if rsaKey, ok := private.(*rsa.PrivateKey); err == nil && ok {
		return k.ClientEmail, &rsaKey.PublicKey
	}
	return "", nil
}
