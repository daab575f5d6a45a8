package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tidwall/btree"
	"go.etcd.io/bbolt"
)

const (
	tableState    = "state"
	tableRequests = "requests"

	// lazyCommit bounds how long a change that nobody waits for stays unwritten.
	lazyCommit = 20 * time.Millisecond
)

var errClosed = errors.New("sandbox: the store is closed")

// store is the sandbox's memory: all state in ordered maps, written through to a
// bbolt file in batches. Changes are visible at once and durable when flush
// returns. Durable means that a killed process loses nothing; the file is not
// synced, so a power cut may. Everything in the file is sealed and no key in it
// is readable. It is safe for concurrent use.
type store struct {
	db  *bbolt.DB
	box *box

	mu      sync.Mutex
	buckets map[string]*btree.Map[string, json.RawMessage]
	cur     *batch // collects changes
	last    *batch // the newest one handed to the committer
	seq     uint64 // of the newest record

	kick    chan struct{}
	stop    chan struct{}
	stopped chan struct{}
	failed  error // the committer's own: after one failure nothing is written
}

// batch is the changes of one transaction; of several to one key the last counts.
type batch struct {
	ops  map[opKey]op
	done chan struct{}
	err  error
}

type opKey struct{ bucket, key string }

// op is one change: a value of a bucket, or a record; nil deletes.
type op struct {
	table string
	value []byte
}

// stateRow is the sealed form of a bucket's value.
type stateRow struct {
	Bucket string          `json:"b"`
	Key    string          `json:"k"`
	Value  json.RawMessage `json:"v"`
}

func openStore(dir string, key []byte) (*store, error) {
	b, err := newBox(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sandbox: the data folder cannot be made: %w", err)
	}
	db, err := bbolt.Open(filepath.Join(dir, "sandbox.db"), 0o600, &bbolt.Options{
		Timeout: 2 * time.Second, NoSync: true, NoGrowSync: true, NoFreelistSync: true,
		FreelistType: bbolt.FreelistMapType,
	})
	if errors.Is(err, bbolt.ErrTimeout) {
		return nil, errors.New("sandbox: another process uses this data folder; stop it or give another folder")
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: the data file cannot be opened: %w", err)
	}
	first := newBatch()
	close(first.done)
	s := &store{db: db, box: b, buckets: map[string]*btree.Map[string, json.RawMessage]{},
		cur: newBatch(), last: first, kick: make(chan struct{}, 1),
		stop: make(chan struct{}), stopped: make(chan struct{})}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go s.committer()
	return s, nil
}

func newBatch() *batch { return &batch{ops: map[opKey]op{}, done: make(chan struct{})} }

// load reads the state into memory; records stay on disk.
func (s *store) load() error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		state, err := tx.CreateBucketIfNotExists([]byte(tableState))
		if err != nil {
			return err
		}
		requests, err := tx.CreateBucketIfNotExists([]byte(tableRequests))
		if err != nil {
			return err
		}
		if k, _ := requests.Cursor().Last(); len(k) == 8 {
			s.seq = binary.BigEndian.Uint64(k)
		}
		err = state.ForEach(func(k, sealed []byte) error {
			plain, err := s.box.open(sealed, tableState, k)
			if err != nil {
				return errors.New("sandbox: the data was sealed with another key, or is damaged; give its key or another folder")
			}
			var row stateRow
			if err := json.Unmarshal(plain, &row); err != nil {
				return fmt.Errorf("sandbox: the data was written by another version: %w", err)
			}
			s.bucket(row.Bucket).Set(row.Key, row.Value)
			return nil
		})
		if err != nil {
			return err
		}
		var floor uint64
		if raw, ok := s.bucket(bucketSandbox).Get(keyFloor); ok && json.Unmarshal(raw, &floor) == nil {
			s.seq = max(s.seq, floor)
		}
		return nil
	})
}

// bucket is called with mu held, or before the store is shared.
func (s *store) bucket(name string) *btree.Map[string, json.RawMessage] {
	m := s.buckets[name]
	if m == nil {
		m = &btree.Map[string, json.RawMessage]{}
		s.buckets[name] = m
	}
	return m
}

func (s *store) get(bucket, key string, v any) bool {
	s.mu.Lock()
	raw, ok := s.bucket(bucket).Get(key)
	s.mu.Unlock()
	return ok && json.Unmarshal(raw, v) == nil
}

// put stores v; nil deletes.
func (s *store) put(bucket, key string, v any) {
	raw := encode(v)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(bucket, key, raw)
}

func (s *store) update(bucket, key string, change func(old json.RawMessage) any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, _ := s.bucket(bucket).Get(key)
	s.set(bucket, key, encode(change(old)))
}

// set is called with mu held.
func (s *store) set(bucket, key string, raw json.RawMessage) {
	if raw == nil {
		s.bucket(bucket).Delete(key)
	} else {
		s.bucket(bucket).Set(key, raw)
	}
	s.note(opKey{bucket, key}, op{tableState, raw})
}

// each visits a snapshot, so that visit may change the bucket.
func (s *store) each(bucket string, visit func(key string, raw json.RawMessage) bool) {
	s.mu.Lock()
	snapshot := s.bucket(bucket).Copy()
	s.mu.Unlock()
	snapshot.Scan(visit)
}

// next gives the next number of a named counter, from 1.
func (s *store) next(bucket, counter string) (n uint64) {
	s.update(bucket, counter, func(old json.RawMessage) any {
		if old != nil {
			_ = json.Unmarshal(old, &n) // our own number
		}
		n++
		return n
	})
	return n
}

func encode(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("sandbox: state must be JSON: %v", err)) // a fake's programming error
	}
	return raw
}

// note is called with mu held.
func (s *store) note(k opKey, o op) {
	if len(s.cur.ops) == 0 {
		time.AfterFunc(lazyCommit, s.wake)
	}
	s.cur.ops[k] = o
}

func (s *store) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// flush returns when every change made before it is in the file.
func (s *store) flush() error {
	s.mu.Lock()
	b := s.cur
	if len(b.ops) == 0 {
		b = s.last
	} else {
		s.wake()
	}
	s.mu.Unlock()
	select {
	case <-b.done:
		return b.err
	case <-s.stopped:
		return errClosed
	}
}

func (s *store) committer() {
	defer close(s.stopped)
	for {
		select {
		case <-s.kick:
			s.commitCurrent()
		case <-s.stop:
			s.commitCurrent()
			return
		}
	}
}

func (s *store) commitCurrent() {
	s.mu.Lock()
	b := s.cur
	if len(b.ops) == 0 {
		s.mu.Unlock()
		return
	}
	s.cur, s.last = newBatch(), b
	s.mu.Unlock()
	if s.failed == nil {
		s.failed = s.commit(b)
	}
	b.err = s.failed
	close(b.done)
}

// commit writes one batch. Memory is ahead of the file after a failure, so the
// store refuses from then on rather than write something that has a gap.
func (s *store) commit(b *batch) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		for k, o := range b.ops {
			at := []byte(k.key)
			plain := o.value
			if o.table == tableState {
				at = s.box.hide(k.bucket, k.key)
				if plain != nil {
					plain = encode(stateRow{k.bucket, k.key, plain})
				}
			}
			table := tx.Bucket([]byte(o.table))
			if plain == nil {
				if err := table.Delete(at); err != nil {
					return err
				}
				continue
			}
			if err := table.Put(at, s.box.seal(plain, o.table, at)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sandbox: the data file cannot be written: %w", err)
	}
	return nil
}

// close writes what is open and releases the file.
func (s *store) close() error {
	close(s.stop)
	<-s.stopped
	return errors.Join(s.failed, s.db.Close())
}
