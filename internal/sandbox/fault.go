package sandbox

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"parley/connectors/sdk/fake"
)

// Duration is a length of time that JSON writes as "2s".
type Duration time.Duration

func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("a duration is written like 2s or 3m")
	}
	*d = Duration(v)
	return nil
}

// Fault is one misbehaviour of a provider, as POST /_control/faults takes it.
type Fault struct {
	Connector string `json:"connector"`
	// Operation that it befalls; "*" or empty for every one.
	Operation string `json:"operation,omitempty"`
	// Fault is 401, 429, 500, 503 (answered before the fake sees the request),
	// timeout (no answer until the client gives up), cut_after_write (done, then
	// the connection is cut without an answer), forget_keys (the fake forgets
	// idempotency keys) or search_lag (its searches miss what is younger than Lag).
	Fault string `json:"fault"`
	// Times is how often it strikes, once if zero.
	Times int `json:"times,omitempty"`
	// RetryAfter is the answer's Retry-After, in whole seconds, rounded up.
	RetryAfter Duration `json:"retry_after,omitzero"`
	Lag        Duration `json:"lag,omitzero"`
}

// check refuses what cannot be meant and fills in the defaults.
func (f *Fault) check() error {
	_, status := fake.FaultStatus(f.Fault)
	known := status || f.Fault == fake.FaultTimeout || f.Fault == fake.FaultCutAfterWrite || f.Fault == fake.FaultForgetKeys || f.Fault == fake.FaultSearchLag
	switch {
	case !known:
		return fmt.Errorf("fault must be one of 401, 429, 500, 503, timeout, cut_after_write, forget_keys, search_lag")
	case f.Times < 0:
		return fmt.Errorf("times must be positive")
	case f.RetryAfter > 0 && !status:
		return fmt.Errorf("retry_after belongs to a fault that answers: 401, 429, 500 or 503")
	case f.Lag > 0 && f.Fault != fake.FaultSearchLag:
		return fmt.Errorf("lag belongs to search_lag")
	case f.Lag == 0 && f.Fault == fake.FaultSearchLag:
		return fmt.Errorf(`search_lag needs a lag, e.g. "3m"`)
	}
	if f.Times == 0 {
		f.Times = 1
	}
	if f.Operation == "" {
		f.Operation = "*"
	}
	return nil
}

// faultList is the faults that are on, oldest first. It is safe for concurrent use.
type faultList struct {
	mu    sync.Mutex
	store *store
	on    []Fault
}

func loadFaults(s *store) *faultList {
	l := &faultList{store: s}
	s.get(bucketSandbox, keyFaults, &l.on)
	return l
}

func (l *faultList) add(f Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on = append(l.on, f)
	l.store.put(bucketSandbox, keyFaults, l.on)
}

func (l *faultList) list() []Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.on)
}

func (l *faultList) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on = nil
	l.store.put(bucketSandbox, keyFaults, nil)
}

// take uses up one time of the first fault for the operation that want accepts.
func (l *faultList) take(connector, operation string, want func(fault string) bool) (Fault, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.on {
		if f.Connector != connector || (f.Operation != "*" && f.Operation != operation) || !want(f.Fault) {
			continue
		}
		l.on[i].Times--
		if l.on[i].Times == 0 {
			l.on = slices.Delete(l.on, i, i+1)
		}
		l.store.put(bucketSandbox, keyFaults, l.on)
		return f, true
	}
	return Fault{}, false
}

// ofRequests accepts the faults that the sandbox itself acts out.
func ofRequests(fault string) bool {
	return fault != fake.FaultForgetKeys && fault != fake.FaultSearchLag
}
