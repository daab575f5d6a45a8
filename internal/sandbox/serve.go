package sandbox

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"parley/connectors/sdk/fake"
)

const (
	// maxBody is the largest request that a fake is given: above any provider's
	// limit for media.
	maxBody = 128 << 20
	// maxHang ends a request that met the fault timeout and whose client waits on.
	maxHang = 2 * time.Minute
)

// mount is one fake in its place.
type mount struct {
	fake.Provider
	handler http.Handler
}

// serve gives one request to a fake: the faults that are due before it or after
// it, the record, and the answer, which leaves when everything is durable.
func (s *Sandbox) serve(m *mount, w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			problem(w, http.StatusRequestEntityTooLarge, "the request is larger than 128 MiB")
		}
		return // else the client went away while sending
	}
	r = inner(r, m.Connector, body)
	operation := ""
	if m.Operation != nil {
		operation = m.Operation(r, body)
	}
	rec := newRecord(m.Connector, operation, r, body, at)

	var f Fault
	struck := false
	if operation != "" || m.Operation == nil {
		f, struck = s.faults.take(m.Connector, operation, ofRequests)
		rec.Fault = f.Fault
	}
	if struck && f.Fault != fake.FaultCutAfterWrite {
		s.actOut(f, rec, w, r)
		return
	}
	answer := &answer{header: http.Header{}}
	r.Body = io.NopCloser(bytes.NewReader(body))
	m.handler.ServeHTTP(answer, r)
	if answer.status == 0 {
		answer.status = http.StatusOK
	}
	if !struck {
		rec.Status = answer.status
	}
	if !m.onlyLooks(r) {
		s.store.record(rec)
	}
	if !s.durable(w) {
		return
	}
	if struck {
		panic(http.ErrAbortHandler) // net/http cuts the connection without an answer
	}
	answer.send(w)
}

// inner is the request as the provider would have got it.
func inner(r *http.Request, connector string, body []byte) *http.Request {
	in := r.Clone(r.Context())
	in.URL.Path = "/" + strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/"+connector), "/")
	if r.URL.RawPath != "" {
		in.URL.RawPath = "/" + strings.TrimPrefix(strings.TrimPrefix(r.URL.RawPath, "/"+connector), "/")
	}
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.ContentLength = int64(len(body))
	return in
}

// actOut plays a fault whose request the fake never sees.
func (s *Sandbox) actOut(f Fault, rec Record, w http.ResponseWriter, r *http.Request) {
	rec.Status, _ = fake.FaultStatus(f.Fault)
	if !s.keep(rec, w) {
		return
	}
	if f.Fault == fake.FaultTimeout {
		hang := time.NewTimer(maxHang)
		defer hang.Stop()
		select {
		case <-r.Context().Done():
		case <-s.ctx.Done():
		case <-hang.C:
		}
		panic(http.ErrAbortHandler)
	}
	fake.AnswerFault(w, f.Fault, time.Duration(f.RetryAfter))
}

// onlyLooks tells whether a request is a person's who looks at the fake's page.
// These are not recorded: a page asks again and again, and is no part of what the
// provider does.
func (m *mount) onlyLooks(r *http.Request) bool {
	if m.Page == "" || r.Method != http.MethodGet {
		return false
	}
	before, _, device := strings.Cut(m.Page, customerInPage)
	if device {
		return strings.HasPrefix(r.URL.Path, "/"+before)
	}
	return r.URL.Path == "/"+m.Page
}

// keep records rec and waits until it and all state before it are durable.
func (s *Sandbox) keep(rec Record, w http.ResponseWriter) bool {
	s.store.record(rec)
	return s.durable(w)
}

// durable waits until all state is durable.
func (s *Sandbox) durable(w http.ResponseWriter) bool {
	if err := s.store.flush(); err != nil {
		s.log.Error("sandbox: nothing can be kept", "error", err)
		problem(w, http.StatusInsufficientStorage, err.Error())
		return false
	}
	return true
}

// answer holds a fake's response back until it is durable.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

func (a *answer) send(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()) // a client that went away is its own affair
}
