package fake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Memory is an Env for tests of one fake: state in memory, deliveries kept for
// the test to look at or sent at once.
type Memory struct {
	mu         sync.Mutex
	state      map[string]map[string]json.RawMessage
	base       string
	accounts   []Account
	deliveries []Delivery
	faults     map[string]time.Duration
	seq        int64
	// Clock may be replaced by a test; nil means time.Now.
	Clock func() time.Time
	// Client, if set, sends deliveries at once, each in a call of its own.
	Client *http.Client
}

// NewMemory returns an Env for a fake reached at base.
func NewMemory(base string, accounts ...Account) *Memory {
	return &Memory{state: map[string]map[string]json.RawMessage{}, base: base, accounts: accounts, faults: map[string]time.Duration{}}
}

// SetBase sets the address after a test server has started.
func (m *Memory) SetBase(base string) { m.mu.Lock(); m.base = base; m.mu.Unlock() }

// SetAccounts replaces the accounts.
func (m *Memory) SetAccounts(a ...Account) { m.mu.Lock(); m.accounts = a; m.mu.Unlock() }

// SetFault turns a fault on (for every operation) or, with a negative lag, off.
func (m *Memory) SetFault(name string, lag time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if lag < 0 {
		delete(m.faults, name)
		return
	}
	m.faults[name] = lag
}

// Sizes tells how many values each bucket of the state holds.
func (m *Memory) Sizes() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]int{}
	for bucket, values := range m.state {
		out[bucket] = len(values)
	}
	return out
}

// Deliveries returns what was queued so far.
func (m *Memory) Deliveries() []Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.deliveries)
}

func (m *Memory) State() State { return (*memoryState)(m) }

func (m *Memory) BaseURL() string { m.mu.Lock(); defer m.mu.Unlock(); return m.base }

func (m *Memory) Accounts() []Account {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.accounts)
}

func (m *Memory) Deliver(d Delivery) {
	m.mu.Lock()
	m.deliveries = append(m.deliveries, d)
	client := m.Client
	m.mu.Unlock()
	if client == nil {
		return
	}
	req, err := http.NewRequest(http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return
	}
	req.Header = d.Header.Clone()
	if resp, err := client.Do(req); err == nil {
		resp.Body.Close()
	}
}

func (m *Memory) Fault(name, _ string) (time.Duration, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	lag, on := m.faults[name]
	return lag, on
}

func (m *Memory) Now() time.Time {
	if m.Clock != nil {
		return m.Clock()
	}
	return time.Now()
}

func (m *Memory) NextID(prefix string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seq++
	return fmt.Sprintf("%s%08d", prefix, m.seq)
}

type memoryState Memory

func (s *memoryState) Get(bucket, key string, v any) bool {
	s.mu.Lock()
	raw, ok := s.state[bucket][key]
	s.mu.Unlock()
	return ok && json.Unmarshal(raw, v) == nil
}

func (s *memoryState) Put(bucket, key string, v any) {
	s.Update(bucket, key, func(json.RawMessage) any { return v })
}

func (s *memoryState) Delete(bucket, key string) {
	s.Update(bucket, key, func(json.RawMessage) any { return nil })
}

func (s *memoryState) Update(bucket, key string, change func(json.RawMessage) any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := change(s.state[bucket][key])
	if v == nil {
		delete(s.state[bucket], key)
		return
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("fake: state must be JSON: %v", err))
	}
	if s.state[bucket] == nil {
		s.state[bucket] = map[string]json.RawMessage{}
	}
	s.state[bucket][key] = raw
}

func (s *memoryState) Each(bucket string, visit func(string, json.RawMessage) bool) {
	s.mu.Lock()
	snapshot := maps.Clone(s.state[bucket])
	s.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(snapshot)) {
		if !visit(k, snapshot[k]) {
			return
		}
	}
}
