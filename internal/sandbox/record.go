package sandbox

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"go.etcd.io/bbolt"
)

// Record is one request that a fake was sent. Requests are numbered in the order
// in which they were finished.
type Record struct {
	Seq       uint64 `json:"seq"`
	Connector string `json:"connector"`
	// Operation as the fake names it; empty for pages and what it does not know.
	Operation string `json:"operation,omitempty"`
	Method    string `json:"method"`
	// Path below the fake's own address.
	Path  string `json:"path"`
	Query string `json:"query"`
	// Headers as sent, secrets too; several of one name are joined by ", ".
	Headers map[string]string `json:"headers"`
	// Body as sent, or in base64 where it is not UTF-8.
	Body       string `json:"body"`
	BodyBase64 string `json:"body_base64,omitempty"`
	// Status of the answer; 0 where the connection was cut or left hanging.
	Status int `json:"status"`
	// Fault is the injected fault that this request met.
	Fault string `json:"fault,omitempty"`
	// At is when it arrived.
	At time.Time `json:"at"`
}

func newRecord(connector, operation string, r *http.Request, body []byte, at time.Time) Record {
	rec := Record{Connector: connector, Operation: operation, Method: r.Method, Path: r.URL.Path,
		Query: r.URL.RawQuery, Headers: map[string]string{"Host": r.Host}, At: at.UTC()}
	for name, values := range r.Header {
		rec.Headers[name] = strings.Join(values, ", ")
	}
	if utf8.Valid(body) {
		rec.Body = string(body)
	} else {
		rec.BodyBase64 = base64.StdEncoding.EncodeToString(body)
	}
	return rec
}

// record numbers and keeps rec.
func (s *store) record(rec Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	rec.Seq = s.seq
	s.note(opKey{tableRequests, string(recordKey(rec.Seq))}, op{tableRequests, encode(rec)})
}

func recordKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// records visits those after since, in order, until visit returns false.
func (s *store) records(since uint64, visit func(Record) bool) error {
	if err := s.flush(); err != nil {
		return err
	}
	return s.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(tableRequests)).Cursor()
		for k, sealed := c.Seek(recordKey(since + 1)); k != nil; k, sealed = c.Next() {
			rec, err := s.openRecord(k, sealed)
			if err != nil {
				return err
			}
			if !visit(rec) {
				return nil
			}
		}
		return nil
	})
}

// newest gives up to n records, the newest first.
func (s *store) newest(n int) (out []Record, err error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(tableRequests)).Cursor()
		for k, sealed := c.Last(); k != nil && len(out) < n; k, sealed = c.Prev() {
			rec, err := s.openRecord(k, sealed)
			if err != nil {
				return err
			}
			out = append(out, rec)
		}
		return nil
	})
	return out, err
}

func (s *store) openRecord(k, sealed []byte) (rec Record, err error) {
	plain, err := s.box.open(sealed, tableRequests, k)
	if err != nil {
		return rec, err
	}
	return rec, json.Unmarshal(plain, &rec)
}

// forgetRecords deletes all records. Numbers go on from where they were, so that
// who reads with since misses nothing.
func (s *store) forgetRecords() error {
	s.mu.Lock()
	floor := s.seq
	s.mu.Unlock()
	s.put(bucketSandbox, keyFloor, floor)
	if err := s.flush(); err != nil {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(tableRequests))
		c := b.Cursor()
		for k, _ := c.First(); k != nil && binary.BigEndian.Uint64(k) <= floor; k, _ = c.First() {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}
