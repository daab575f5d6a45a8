package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"parley/connectors/sdk/fake"
)

// What the sandbox keeps for itself beside the fakes' buckets, whose names
// begin with "{connector}/".
const (
	bucketSandbox    = "_sandbox"
	bucketDeliveries = "_sandbox/deliveries"
	bucketCounts     = "_sandbox/counts"
	bucketPhones     = "_sandbox/phones"
	bucketIDs        = "_sandbox/ids"

	keyAccounts = "accounts"
	keyFaults   = "faults"
	keyChaos    = "chaos"
	keyFloor    = "floor" // number of the newest forgotten record
	keySeq      = "deliveries"
)

// env is what one fake lives in.
type env struct {
	sandbox   *Sandbox
	connector string
}

var _ fake.Env = env{}

func (e env) State() fake.State { return state{e.sandbox.store, e.connector + "/"} }

func (e env) BaseURL() string { return e.sandbox.publicURL + "/" + e.connector }

func (e env) Accounts() []fake.Account {
	e.sandbox.mu.Lock()
	defer e.sandbox.mu.Unlock()
	return slices.Clone(e.sandbox.accounts[e.connector])
}

func (e env) Deliver(d fake.Delivery) { e.sandbox.courier.add(e.connector, d) }

func (e env) Fault(name, operation string) (time.Duration, bool) {
	f, on := e.sandbox.faults.take(e.connector, operation, func(fault string) bool { return fault == name })
	return time.Duration(f.Lag), on
}

func (e env) Now() time.Time { return time.Now() }

func (e env) NextID(prefix string) string {
	return fmt.Sprintf("%s%08d", prefix, e.sandbox.store.next(bucketIDs, e.connector))
}

// state is one fake's part of the store.
type state struct {
	store  *store
	prefix string
}

func (s state) Get(bucket, key string, v any) bool { return s.store.get(s.prefix+bucket, key, v) }

func (s state) Put(bucket, key string, v any) { s.store.put(s.prefix+bucket, key, v) }

func (s state) Delete(bucket, key string) { s.store.put(s.prefix+bucket, key, nil) }

func (s state) Update(bucket, key string, change func(old json.RawMessage) any) {
	s.store.update(s.prefix+bucket, key, change)
}

func (s state) Each(bucket string, visit func(key string, raw json.RawMessage) bool) {
	s.store.each(s.prefix+bucket, visit)
}
